/* The transaction of a batch of results, and those that came before their job. */
#include "store_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const verdict_names[VERDICT_COUNT] = {
    [VERDICT_APPLIED] = "applied",   [VERDICT_REPEATED] = "repeated",
    [VERDICT_CONFLICT] = "conflict", [VERDICT_STALE] = "stale",
    [VERDICT_FOREIGN] = "foreign",   [VERDICT_UNMATCHED] = "unmatched",
    [VERDICT_DROPPED] = "dropped",
};

const char *store_verdict_name(enum store_verdict verdict)
{
    return verdict_names[verdict];
}

static void add_row(struct svc_buffer *a, const struct apply_row *row)
{
    svc_pg_array_add(&a[0], row->job_id);
    svc_pg_array_add(&a[1], row->agent_id);
    svc_pg_array_add_i64(&a[2], row->lease_epoch);
    svc_pg_array_add(&a[3], row->outcome);
    svc_pg_array_add(&a[4], row->error);
    svc_pg_array_add(&a[5], row->output);
    svc_pg_array_add(&a[6], row->fill_price);
    svc_pg_array_add(&a[7], row->filled_volume);
    svc_pg_array_add(&a[8], row->order_id);
    svc_pg_array_add_time(&a[9], row->ready_unix_us);
    svc_pg_array_add(&a[10], row->timeline);
    svc_pg_array_add_bytea(&a[11], row->raw, row->raw_len);
}

static unsigned count_rounds(const struct apply_row *rows, size_t count)
{
    unsigned rounds = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].round + 1 > rounds)
            rounds = rows[i].round + 1;
    return rounds;
}

static enum svc_rc send_round(struct store *store, const struct apply_row *rows, size_t count,
                              unsigned round, struct svc_error *err)
{
    enum { PARAMETERS = 12 };
    store_arrays_begin(store, PARAMETERS);
    for (size_t i = 0; i < count; i++)
        if (rows[i].round == round)
            add_row(store->arrays, &rows[i]);
    return store_arrays_send(store, DISPATCHER_SQL_RESULTS_APPLY, PARAMETERS, err);
}

static enum svc_rc send_done(struct store *store, const struct store_unmatched *unmatched,
                             size_t count, struct svc_error *err)
{
    store_arrays_begin(store, 1);
    for (size_t i = 0; i < count; i++)
        svc_pg_array_add_i64(&store->arrays[0], unmatched[i].id);
    return store_arrays_send(store, DISPATCHER_SQL_UNMATCHED_DONE, 1, err);
}

static enum svc_rc read_verdict(const char *name, enum store_verdict *ret, struct svc_error *err)
{
    for (int i = 0; i < VERDICT_COUNT; i++) {
        if (strcmp(verdict_names[i], name) == 0) {
            *ret = (enum store_verdict)i;
            return SVC_OK;
        }
    }
    return svc_fail(err, SVC_FATAL, "unknown_verdict", "apply_results said \"%.32s\"", name);
}

/* `ord` counts the rows of the round from 1. */
static enum svc_rc read_round(struct store *store, const struct apply_row *rows, size_t count,
                              unsigned round, struct svc_arena *arena,
                              struct store_applied *ret_applied, struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    enum svc_rc rc = svc_pg_result(store->pg, &result, err);
    if (rc != SVC_OK)
        return rc;
    size_t *places = svc_arena_alloc(arena, (count + 1) * sizeof *places), size = 0;
    for (size_t i = 0; i < count; i++)
        if (rows[i].round == round)
            places[size++] = i;
    for (int row = 0; row < PQntuples(result) && rc == SVC_OK; row++) {
        const int64_t ord = svc_pg_i64(result, row, 0);
        if (ord < 1 || (size_t)ord > size)
            return svc_fail(err, SVC_FATAL, "bad_place", "apply_results named no row of ours");
        struct store_applied *applied = &ret_applied[places[ord - 1]];
        *applied = (struct store_applied){
            .user_id = store_text(result, row, 2, arena),
            .status = store_text(result, row, 3, arena),
            .signal_id = store_text(result, row, 4, arena),
            .agent_id = store_text(result, row, 5, arena),
            .traceparent = store_text(result, row, 6, arena),
        };
        rc = read_verdict(PQgetvalue(result, row, 1), &applied->verdict, err);
    }
    if (rc == SVC_OK && (size_t)PQntuples(result) != size)
        rc = svc_fail(err, SVC_FATAL, "missing_verdict", "apply_results judged %d of %zu results",
                      PQntuples(result), size);
    return rc;
}

enum svc_rc store_results_apply(struct store *store, const struct store_records *records,
                                const struct apply_row *rows, size_t count,
                                const struct store_unmatched *unmatched, size_t unmatched_count,
                                struct svc_arena *arena, struct store_applied *ret_applied,
                                struct svc_error *err)
{
    const unsigned rounds = count_rounds(rows, count);
    enum svc_rc rc = store_begin(store, records, err);
    for (unsigned round = 0; round < rounds && rc == SVC_OK; round++)
        rc = send_round(store, rows, count, round, err);
    if (rc == SVC_OK && unmatched_count > 0)
        rc = send_done(store, unmatched, unmatched_count, err);
    if (rc == SVC_OK)
        rc = svc_pg_sync(store->pg, err);
    if (rc == SVC_OK)
        rc = store_began(store, records, err);
    for (unsigned round = 0; round < rounds && rc == SVC_OK; round++)
        rc = read_round(store, rows, count, round, arena, ret_applied, err);
    if (rc == SVC_OK)
        rc = svc_pg_finish(store->pg, err);
    if (rc == SVC_OK)
        rc = store_commit(store, err);
    if (rc != SVC_OK)
        store_abandon(store);
    store_arrays_trim(store);
    return rc;
}

static enum svc_rc read_unmatched(const PGresult *result, int row, struct svc_arena *arena,
                                  struct store_unmatched *ret, struct svc_error *err)
{
    size_t len = 0;
    unsigned char *bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(result, row, 1), &len);
    if (bytes == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "unmatched result: out of memory");
    *ret = (struct store_unmatched){
        .id = svc_pg_i64(result, row, 0), .payload = svc_arena_copy(arena, bytes, len), .len = len};
    PQfreemem(bytes);
    return SVC_OK;
}

enum svc_rc store_unmatched_ready(struct store *store, int64_t *looked_id, struct svc_arena *arena,
                                  struct store_unmatched **ret_unmatched, size_t *ret_count,
                                  struct svc_error *err)
{
    char after[24], limit[16];
    (void)snprintf(after, sizeof after, "%" PRId64, *looked_id);
    (void)snprintf(limit, sizeof limit, "%d", STORE_UNMATCHED_MAX);
    const char *values[] = {after, limit};
    SVC_PGRESULT PGresult *result = NULL;
    enum svc_rc rc = svc_pg_run(store->pg, DISPATCHER_SQL_UNMATCHED_READY, 2, values, &result, err);
    if (rc != SVC_OK)
        return rc;
    const int looked = PQntuples(result);
    struct store_unmatched *rows = svc_arena_alloc(arena, ((size_t)looked + 1) * sizeof *rows);
    size_t count = 0;
    for (int row = 0; row < looked && rc == SVC_OK; row++)
        if (!PQgetisnull(result, row, 1))
            rc = read_unmatched(result, row, arena, &rows[count++], err);
    if (rc != SVC_OK)
        return rc;
    *looked_id = looked < STORE_UNMATCHED_MAX ? 0 : svc_pg_i64(result, looked - 1, 0);
    *ret_unmatched = rows;
    *ret_count = count;
    return SVC_OK;
}
