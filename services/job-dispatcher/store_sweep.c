/* The sweeper's statements; each is its own transaction. */
#include "store_internal.h"

#include <stdio.h>

static void read_jobs(const PGresult *result, struct svc_arena *arena, struct store_job *jobs)
{
    for (int row = 0; row < PQntuples(result); row++) {
        jobs[row].job_id = store_text(result, row, 0, arena);
        jobs[row].user_id = store_text(result, row, 1, arena);
        jobs[row].traceparent = store_text(result, row, 4, arena);
    }
}

static struct store_job *alloc_jobs(const PGresult *result, struct svc_arena *arena)
{
    return svc_arena_alloc(arena, ((size_t)PQntuples(result) + 1) * sizeof(struct store_job));
}

enum svc_rc store_jobs_expire(struct store *store, struct svc_arena *arena,
                              struct store_job **ret_jobs, size_t *ret_count, struct svc_error *err)
{
    char limit[16];
    (void)snprintf(limit, sizeof limit, "%d", STORE_EXPIRE_MAX);
    const char *values[] = {limit};
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc =
        svc_pg_run(store->pg, DISPATCHER_SQL_JOBS_EXPIRE, 1, values, &result, err);
    if (rc != SVC_OK)
        return rc;
    struct store_job *jobs = alloc_jobs(result, arena);
    read_jobs(result, arena, jobs);
    for (int row = 0; row < PQntuples(result); row++) {
        jobs[row].signal_id = store_text(result, row, 2, arena);
        jobs[row].code = store_text(result, row, 3, arena);
    }
    *ret_jobs = jobs;
    *ret_count = (size_t)PQntuples(result);
    return SVC_OK;
}

enum svc_rc store_unmatched_forget(struct store *store, size_t *ret_count, struct svc_error *err)
{
    char limit[16];
    (void)snprintf(limit, sizeof limit, "%d", STORE_FORGET_MAX);
    const char *values[] = {limit};
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc =
        svc_pg_run(store->pg, DISPATCHER_SQL_UNMATCHED_FORGET, 1, values, &result, err);
    if (rc == SVC_OK)
        *ret_count = (size_t)svc_pg_i64(result, 0, 0);
    return rc;
}

enum svc_rc store_leases_lapsed(struct store *store, struct lapse_lease *ret_leases,
                                size_t *ret_count, struct svc_error *err)
{
    char limit[16];
    (void)snprintf(limit, sizeof limit, "%d", LAPSE_MAX);
    const char *values[] = {limit};
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc =
        svc_pg_run(store->pg, DISPATCHER_SQL_LEASES_LAPSED, 1, values, &result, err);
    if (rc != SVC_OK)
        return rc;
    for (int row = 0; row < PQntuples(result); row++) {
        struct lapse_lease *lease = &ret_leases[row];
        *lease = (struct lapse_lease){.lease_epoch = svc_pg_i64(result, row, 1)};
        (void)snprintf(lease->job_id, sizeof lease->job_id, "%s", PQgetvalue(result, row, 0));
    }
    *ret_count = (size_t)PQntuples(result);
    return SVC_OK;
}

enum svc_rc store_jobs_lapse(struct store *store, const struct lapse_lease *leases, size_t count,
                             struct svc_arena *arena, struct store_job **ret_jobs,
                             size_t *ret_count, struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    store_arrays_begin(store, 2);
    for (size_t i = 0; i < count; i++) {
        svc_pg_array_add(&store->arrays[0], leases[i].job_id);
        svc_pg_array_add_i64(&store->arrays[1], leases[i].lease_epoch);
    }
    svc_pg_array_end(&store->arrays[0]);
    svc_pg_array_end(&store->arrays[1]);
    const char *values[] = {store->arrays[0].bytes, store->arrays[1].bytes};
    const enum svc_rc rc =
        svc_pg_run(store->pg, DISPATCHER_SQL_JOBS_LAPSE, 2, values, &result, err);
    if (rc != SVC_OK)
        return rc;
    struct store_job *jobs = alloc_jobs(result, arena);
    read_jobs(result, arena, jobs);
    for (int row = 0; row < PQntuples(result); row++) {
        jobs[row].status = store_text(result, row, 2, arena);
        jobs[row].signal_id = store_text(result, row, 3, arena);
    }
    *ret_jobs = jobs;
    *ret_count = (size_t)PQntuples(result);
    return SVC_OK;
}
