/* Role maintenance: the sweeper. Once a second it ends what nobody will end: pending jobs whose
 * time is over, leases whose holder is gone, and kept results that no job came for. */
#include "hints.h"
#include "role.h"

#include "svc/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    EXPIRE_PORTIONS_MAX = 20, /* per second; then the leases have their turn */
    FORGET_PORTIONS_MAX = 20, /* per second */
    ARENA_BLOCK_BYTES = 64 * 1024,
};

struct maintenance {
    struct svc_arena arena;
    struct lapse lapse;
    struct lapse_lease seen[LAPSE_MAX];
};

/* Pending jobs past expires_at */

static void note_expired(struct role *role, const struct store_job *jobs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        hint_job_finished(role->producer, jobs[i].job_id, jobs[i].user_id, "expired",
                          jobs[i].signal_id, jobs[i].traceparent);
        svc_info("job_expired", SVC_T("job_id", jobs[i].job_id),
                 SVC_T("signal_id", jobs[i].signal_id), SVC_T("code", jobs[i].code));
    }
    svc_counter_add(role->measures->expired, 0, count);
}

static enum svc_rc expire(struct role *role, struct svc_error *err)
{
    struct maintenance *m = role->state;
    for (int portion = 0; portion < EXPIRE_PORTIONS_MAX; portion++) {
        struct store_job *jobs = NULL;
        size_t count = 0;
        svc_arena_reset(&m->arena);
        const enum svc_rc rc = store_jobs_expire(role->store, &m->arena, &jobs, &count, err);
        if (rc != SVC_OK)
            return rc;
        note_expired(role, jobs, count);
        if (count < STORE_EXPIRE_MAX)
            break;
    }
    return SVC_OK;
}

/* Leases without a holder */

static void note_lapsed(struct role *role, const struct store_job *job)
{
    if (job->status == NULL)
        return;
    if (strcmp(job->status, "unknown") == 0) {
        svc_counter_add(role->measures->unknown, 0, 1);
        svc_alert("job_unknown", SVC_T("job_id", job->job_id), SVC_T("signal_id", job->signal_id),
                  SVC_T("err", "its lease lapsed; its agent will be asked"));
    } else if (strcmp(job->status, "pending") == 0) {
        svc_info("job_offered_again", SVC_T("job_id", job->job_id));
        hint_job_ready(role->producer, NULL, job->user_id, job->traceparent);
    } else {
        svc_info("job_timed_out", SVC_T("job_id", job->job_id));
        hint_job_finished(role->producer, job->job_id, job->user_id, job->status, job->signal_id,
                          job->traceparent);
    }
}

static enum svc_rc lapse(struct role *role, struct svc_error *err)
{
    struct maintenance *m = role->state;
    size_t count = 0, lapsed = 0;
    enum svc_rc rc = store_leases_lapsed(role->store, m->seen, &count, err);
    if (rc != SVC_OK)
        return rc;
    count = lapse_look(&m->lapse, m->seen, count, svc_mono_us());
    if (count == 0)
        return SVC_OK;
    struct store_job *jobs = NULL;
    svc_arena_reset(&m->arena);
    rc = store_jobs_lapse(role->store, m->seen, count, &m->arena, &jobs, &lapsed, err);
    for (size_t i = 0; i < lapsed && rc == SVC_OK; i++)
        note_lapsed(role, &jobs[i]);
    return rc;
}

/* Results without a job */

static enum svc_rc forget_results(struct role *role, struct svc_error *err)
{
    enum svc_rc rc = SVC_OK;
    size_t count = STORE_FORGET_MAX, sum = 0;
    for (int portion = 0; portion < FORGET_PORTIONS_MAX && count == STORE_FORGET_MAX; portion++) {
        rc = store_unmatched_forget(role->store, &count, err);
        if (rc != SVC_OK)
            break;
        sum += count;
    }
    if (sum > 0)
        svc_warn("results_forgotten", SVC_N("results", sum));
    svc_counter_add(role->measures->forgotten, 0, sum);
    return rc;
}

static enum svc_rc tick(struct role *role, struct svc_error *err)
{
    enum svc_rc rc = expire(role, err);
    if (rc == SVC_OK)
        rc = lapse(role, err);
    if (rc == SVC_OK)
        rc = forget_results(role, err);
    return rc;
}

/* Life */

static enum svc_rc open_maintenance(struct role *role, struct svc_error *err)
{
    struct maintenance *m = calloc(1, sizeof *m); /* untouched pages cost nothing */
    if (m == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "maintenance: out of memory");
    svc_arena_init(&m->arena, ARENA_BLOCK_BYTES);
    role->state = m;
    return SVC_OK;
}

/* While Postgres was away no gateway could renew its row, so everything looks lapsed now. */
static void forget(struct role *role)
{
    struct maintenance *m = role->state;
    lapse_forget(&m->lapse);
}

static const char *missing(const struct role *role)
{
    (void)role; /* Postgres is all it needs */
    return NULL;
}

static void close_maintenance(struct role *role)
{
    struct maintenance *m = role->state;
    if (m == NULL)
        return;
    svc_arena_done(&m->arena);
    free(m);
}

const struct role_kind role_maintenance = {
    .application_name = "job-dispatcher/maintenance",
    .open = open_maintenance,
    .connected = forget,
    .tick = tick,
    .missing = missing,
    .close = close_maintenance,
};
