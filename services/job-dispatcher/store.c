/* The connection, and what every transaction has in common. */
#include "store_internal.h"

#include "svc/cleanup.h"
#include "svc/log.h"

#include <stdlib.h>

const struct svc_offset_statements store_offsets = {
    .load = DISPATCHER_SQL_OFFSETS_LOAD,
    .begin = DISPATCHER_SQL_OFFSETS_BEGIN,
    .advance = DISPATCHER_SQL_OFFSETS_ADVANCE,
};

enum svc_rc store_open(const struct svc_cfg_pg *server, const char *application_name,
                       struct schema_watch *schema, struct store **ret_store, struct svc_error *err)
{
    SVC_CLEANUP(store_close) struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "store: out of memory");
    const struct svc_pg_options options = {.server = *server,
                                           .application_name = application_name,
                                           .gate = schema_gate(schema),
                                           .statements = dispatcher_statements,
                                           .statement_count = DISPATCHER_SQL_COUNT,
                                           .deadline_ms = STORE_DEADLINE_MS};
    const enum svc_rc rc = svc_pg_new(&options, &store->pg, err);
    if (rc != SVC_OK)
        return rc;
    *ret_store = store;
    store = NULL;
    return SVC_OK;
}

void store_close(struct store **store)
{
    struct store *closing = *store;
    *store = NULL;
    if (closing == NULL)
        return;
    svc_pg_close(&closing->pg);
    for (int i = 0; i < STORE_ARRAYS; i++)
        svc_buffer_done(&closing->arrays[i]);
    free(closing);
}

enum svc_rc store_ready(struct store *store, struct svc_error *err)
{
    return svc_pg_ready(store->pg, err);
}

bool store_connected(const struct store *store)
{
    return svc_pg_connected(store->pg);
}

struct svc_pg *store_pg(struct store *store)
{
    return store->pg;
}

/* Parameters */

void store_arrays_begin(struct store *store, int count)
{
    for (int i = 0; i < count; i++)
        svc_pg_array_begin(&store->arrays[i]);
}

enum svc_rc store_arrays_send(struct store *store, enum dispatcher_sql statement, int count,
                              struct svc_error *err)
{
    const char *values[STORE_ARRAYS];
    for (int i = 0; i < count; i++) {
        svc_pg_array_end(&store->arrays[i]);
        values[i] = store->arrays[i].bytes;
    }
    return svc_pg_send(store->pg, (int)statement, count, values, err);
}

void store_arrays_trim(struct store *store)
{
    for (int i = 0; i < STORE_ARRAYS; i++)
        if (store->arrays[i].capacity > STORE_ARRAY_KEPT)
            svc_buffer_done(&store->arrays[i]);
}

/* Transactions */

enum svc_rc store_begin(struct store *store, const struct store_records *records,
                        struct svc_error *err)
{
    const enum svc_rc rc = svc_pg_send_text(store->pg, "BEGIN", err);
    if (rc != SVC_OK || records->consumer == NULL)
        return rc;
    return svc_offsets_advance(records->consumer, records->records, records->count, err);
}

enum svc_rc store_began(struct store *store, const struct store_records *records,
                        struct svc_error *err)
{
    const enum svc_rc rc = store_skip(store, err);
    if (rc != SVC_OK || records->consumer == NULL)
        return rc;
    return svc_offsets_check(records->consumer, err);
}

enum svc_rc store_commit(struct store *store, struct svc_error *err)
{
    enum svc_rc rc = svc_pg_send_text(store->pg, "COMMIT", err);
    if (rc == SVC_OK)
        rc = svc_pg_sync(store->pg, err);
    return rc == SVC_OK ? svc_pg_finish(store->pg, err) : rc;
}

void store_abandon(struct store *store)
{
    /* A failed statement's transaction is rolled back by svc_pg_finish, a sound one by the
     * ROLLBACK, which outside of a transaction is only a warning. When that cannot be said either,
     * the server finds out. */
    struct svc_error seen = {.rc = SVC_OK};
    if (svc_pg_finish(store->pg, &seen) != SVC_OK)
        svc_debug("transaction_abandoned", SVC_ERR(&seen));
    if (svc_pg_connected(store->pg) && svc_pg_run_text(store->pg, "ROLLBACK", NULL, NULL) != SVC_OK)
        svc_pg_drop(store->pg);
}

enum svc_rc store_skip(struct store *store, struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    return svc_pg_result(store->pg, &result, err);
}

const char *store_text(const PGresult *result, int row, int column, struct svc_arena *arena)
{
    return svc_arena_text(arena, svc_pg_text(result, row, column));
}
