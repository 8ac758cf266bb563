/* Role results: results.v1 → jobs and their signals. What comes before its job waits in Postgres
 * and is looked for once a second. */
#include "consume.h"
#include "contracts/dead_letter.h"
#include "contracts/topics.h"
#include "halving.h"
#include "hints.h"
#include "role.h"

#include "svc/trace.h"

#include <stdlib.h>
#include <string.h>

enum {
    LETTER_MS = 5000,
    ARENA_BLOCK_BYTES = 64 * 1024,
    LOOKS_MAX = 10, /* per second, at STORE_UNMATCHED_MAX kept results each */
};

/* One transaction's rows and what became of them. */
struct work {
    struct apply_row *rows;
    struct store_applied *applied;
    size_t count;
};

struct results {
    struct consume *consume;
    struct work work;
    struct svc_arena arena; /* of the unmatched ones */
    int64_t looked_id;      /* the kept result looked at last; 0: begin with the first */
    bool letter_failed;
    struct svc_log_limit foreign_limit, unmatched_limit, dropped_limit;
};

/* After the commit */

static bool has_ended(const char *status)
{
    static const char *const ends[] = {"completed", "failed", "cancelled", "expired"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (strcmp(status, ends[i]) == 0)
            return true;
    return false;
}

static void tell(struct role *role, const struct apply_row *row,
                 const struct store_applied *applied)
{
    if (applied->verdict != VERDICT_APPLIED || applied->status == NULL || applied->user_id == NULL)
        return;
    if (has_ended(applied->status)) {
        hint_job_finished(role->producer, row->job_id, applied->user_id, applied->status,
                          applied->signal_id, applied->traceparent);
    } else if (strcmp(applied->status, "pending") == 0) {
        hint_job_ready(role->producer, applied->agent_id, applied->user_id, applied->traceparent);
    } else if (strcmp(applied->status, "unknown") == 0) {
        svc_counter_add(role->measures->unknown, 0, 1);
        svc_alert("job_unknown", SVC_T("job_id", row->job_id),
                  SVC_T("signal_id", applied->signal_id), SVC_T("err", row->error));
    }
}

/* NULL: the job has none, or is not known. */
static const char *trace_id(const struct store_applied *applied, char buffer[SVC_TRACE_ID_TEXT])
{
    if (applied->traceparent == NULL)
        return NULL;
    svc_trace_id(applied->traceparent, buffer);
    return buffer;
}

static void note(struct role *role, const struct apply_row *row,
                 const struct store_applied *applied)
{
    struct results *results = role->state;
    char buffer[SVC_TRACE_ID_TEXT];
    svc_counter_add(role->measures->results, applied->verdict, 1);
    switch (applied->verdict) {
    case VERDICT_CONFLICT:
        svc_alert("result_conflict", SVC_T("job_id", row->job_id),
                  SVC_T("signal_id", applied->signal_id), SVC_T("agent_id", row->agent_id),
                  SVC_T("err", "a fact differs from what is recorded; see audit_log"));
        break;
    case VERDICT_FOREIGN:
        svc_warn_limited(&results->foreign_limit, "result_foreign", SVC_T("job_id", row->job_id),
                         SVC_T("agent_id", row->agent_id));
        break;
    case VERDICT_UNMATCHED:
        svc_warn_limited(&results->unmatched_limit, "result_unmatched",
                         SVC_T("job_id", row->job_id), SVC_T("agent_id", row->agent_id));
        break;
    case VERDICT_DROPPED:
        svc_warn_limited(&results->dropped_limit, "result_dropped", SVC_T("job_id", row->job_id),
                         SVC_T("agent_id", row->agent_id));
        break;
    default:
        svc_debug("result_judged", SVC_T("job_id", row->job_id),
                  SVC_T("signal_id", applied->signal_id),
                  SVC_T("trace_id", trace_id(applied, buffer)), SVC_N("epoch", row->lease_epoch),
                  SVC_T("outcome", row->outcome),
                  SVC_T("verdict", store_verdict_name(applied->verdict)), SVC_T("err", row->error));
    }
}

static void announce(struct role *role, const struct work *work)
{
    for (size_t i = 0; i < work->count; i++) {
        tell(role, &work->rows[i], &work->applied[i]);
        note(role, &work->rows[i], &work->applied[i]);
    }
}

/* Records */

static enum svc_rc unpack(struct svc_arena *arena, const struct svc_record *record,
                          void **ret_message, struct svc_error *err)
{
    Tradewire__V1__JobResult *result = NULL;
    const enum svc_rc rc =
        contracts_unpack_job_result(arena, record->payload, record->payload_len, &result, err);
    *ret_message = result;
    return rc;
}

static void make_room(struct work *work, size_t count, struct svc_arena *arena)
{
    work->rows = svc_arena_alloc(arena, (count + 1) * sizeof *work->rows);
    work->applied = svc_arena_alloc(arena, (count + 1) * sizeof *work->applied);
    work->count = 0;
}

static enum svc_rc transact(struct role *role, const struct consume_portion *portion,
                            struct svc_error *err)
{
    struct results *results = role->state;
    struct work *work = &results->work;
    make_room(work, portion->count, portion->arena);
    for (size_t i = 0; i < portion->count; i++)
        if (portion->messages[i] != NULL)
            apply_row(portion->messages[i], portion->records[i].payload,
                      portion->records[i].payload_len, portion->arena, &work->rows[work->count++]);
    (void)apply_rounds(work->rows, work->count);
    const struct store_records records = {
        .consumer = portion->consumer, .records = portion->records, .count = portion->count};
    return store_results_apply(role->store, &records, work->rows, work->count, NULL, 0,
                               portion->arena, work->applied, err);
}

static void committed(struct role *role, const struct consume_portion *portion)
{
    const struct results *results = role->state;
    announce(role, &results->work);
    svc_info("results_committed", SVC_N("records", portion->count),
             SVC_N("results", results->work.count));
}

/* Results that came before their job */

static enum svc_rc apply_unmatched(struct role *role, const struct store_unmatched *unmatched,
                                   size_t count, struct svc_error *err)
{
    struct results *results = role->state;
    struct work *work = &results->work;
    static const struct store_records no_records;
    make_room(work, count, &results->arena);
    for (size_t i = 0; i < count; i++) {
        Tradewire__V1__JobResult *result = NULL;
        const enum svc_rc rc = contracts_unpack_job_result(&results->arena, unmatched[i].payload,
                                                           unmatched[i].len, &result, err);
        if (rc != SVC_OK)
            return rc;
        apply_row(result, unmatched[i].payload, unmatched[i].len, &results->arena,
                  &work->rows[work->count++]);
    }
    (void)apply_rounds(work->rows, work->count);
    const enum svc_rc rc =
        store_results_apply(role->store, &no_records, work->rows, work->count, unmatched, count,
                            &results->arena, work->applied, err);
    if (rc == SVC_OK)
        announce(role, work);
    return rc;
}

static void on_letter(void *arg, enum svc_rc rc, const struct svc_error *err)
{
    struct results *results = arg;
    (void)err; /* the producer logs it */
    if (rc != SVC_OK)
        results->letter_failed = true;
}

/* One that the database refuses for good may not stand in the way of the others for ever. It has no
 * place in the topic any more. */
static enum svc_rc bury_unmatched(struct role *role, const struct store_unmatched *unmatched,
                                  const struct svc_error *cause, struct svc_error *err)
{
    struct results *results = role->state;
    static const struct store_records no_records;
    const struct svc_record record = {.topic = TOPIC_RESULTS,
                                      .partition = -1,
                                      .offset = -1,
                                      .payload = unmatched->payload,
                                      .payload_len = unmatched->len};
    results->letter_failed = false;
    svc_alert("record_buried", SVC_T("topic", TOPIC_RESULTS), SVC_N("unmatched", unmatched->id),
              SVC_ERR(cause));
    svc_counter_add(role->measures->dead_letters, 0, 1);
    enum svc_rc rc = dead_letter_send(role->producer, &record, "job-dispatcher",
                                      refusal_code(cause), cause->text, on_letter, results, err);
    if (rc == SVC_OK)
        rc = svc_producer_wait(role->producer, LETTER_MS, err);
    if (rc == SVC_OK && results->letter_failed)
        rc = svc_fail(err, SVC_AGAIN, "dead_letter_lost", "a dead letter was not delivered");
    if (rc == SVC_OK)
        rc = store_results_apply(role->store, &no_records, NULL, 0, unmatched, 1, &results->arena,
                                 NULL, err);
    return rc;
}

static enum svc_rc apply_alone(struct role *role, const struct store_unmatched *unmatched,
                               size_t count, struct svc_error *err)
{
    enum svc_rc rc = SVC_OK;
    for (size_t i = 0; i < count && rc == SVC_OK; i++) {
        rc = apply_unmatched(role, &unmatched[i], 1, err);
        const struct svc_error cause = *err;
        if (rc == SVC_REJECT)
            rc = bury_unmatched(role, &unmatched[i], &cause, err);
    }
    return rc;
}

static enum svc_rc look(struct role *role, struct svc_error *err)
{
    struct results *results = role->state;
    struct store_unmatched *unmatched = NULL;
    size_t count = 0;
    int64_t looked_id = results->looked_id;
    svc_arena_reset(&results->arena);
    enum svc_rc rc =
        store_unmatched_ready(role->store, &looked_id, &results->arena, &unmatched, &count, err);
    if (rc == SVC_OK && count > 0)
        rc = apply_unmatched(role, unmatched, count, err);
    if (rc == SVC_REJECT)
        rc = apply_alone(role, unmatched, count, err);
    if (rc == SVC_OK)
        results->looked_id = looked_id;
    return rc;
}

static enum svc_rc tick(struct role *role, struct svc_error *err)
{
    const struct results *results = role->state;
    enum svc_rc rc = SVC_OK;
    for (int looks = 0; looks < LOOKS_MAX && rc == SVC_OK; looks++) {
        rc = look(role, err);
        if (results->looked_id == 0)
            break;
    }
    return rc;
}

/* Life */

static enum svc_rc open_results(struct role *role, struct svc_error *err)
{
    struct results *results = calloc(1, sizeof *results);
    if (results == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "results: out of memory");
    const struct consume_options options = {.group = "job-dispatcher.results",
                                            .topic = TOPIC_RESULTS,
                                            .unpack = unpack,
                                            .transact = transact,
                                            .committed = committed};
    svc_arena_init(&results->arena, ARENA_BLOCK_BYTES);
    role->state = results;
    return consume_open(role, &options, &results->consume, err);
}

static const char *missing(const struct role *role)
{
    const struct results *results = role->state;
    return consume_assigned(results->consume) ? NULL : "kafka: no partitions assigned yet";
}

static void begin_drain(struct role *role)
{
    const struct results *results = role->state;
    consume_pause(results->consume);
}

static void close_results(struct role *role)
{
    struct results *results = role->state;
    if (results == NULL)
        return;
    consume_close(&results->consume);
    svc_arena_done(&results->arena);
    free(results);
}

const struct role_kind role_results = {
    .application_name = "job-dispatcher/results",
    .open = open_results,
    .tick = tick,
    .missing = missing,
    .begin_drain = begin_drain,
    .close = close_results,
};
