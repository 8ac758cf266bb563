/* The transaction of a batch of signals. */
#include "store_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { KEY_BYTES = 32 };

/* What was read; sorted by id for look-ups. */

struct known {
    char id[SVC_UUID_TEXT];
    int64_t received_unix_us;
};

struct reading {
    struct store *store;
    struct svc_arena *arena;
    struct plan_strategy *strategies;
    size_t strategy_count;
    struct known *known;
    size_t known_count;
};

static int by_strategy(const void *a, const void *b)
{
    const struct plan_strategy *x = a, *y = b;
    return strcmp(x->id, y->id);
}

static int by_id(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return strcmp(x->id, y->id);
}

/* Sending */

static enum svc_rc send_reads(struct store *store, const struct store_signal_ask *asks,
                              size_t count, struct svc_error *err)
{
    store_arrays_begin(store, 1);
    for (size_t i = 0; i < count; i++)
        svc_pg_array_add(&store->arrays[0], asks[i].strategy_id);
    enum svc_rc rc = store_arrays_send(store, DISPATCHER_SQL_STRATEGIES_READ, 1, err);
    if (rc != SVC_OK)
        return rc;
    store_arrays_begin(store, 1);
    for (size_t i = 0; i < count; i++)
        svc_pg_array_add(&store->arrays[0], asks[i].signal_id);
    return store_arrays_send(store, DISPATCHER_SQL_SIGNALS_KNOWN, 1, err);
}

static enum svc_rc send_keys(struct store *store, const struct store_signal_ask *asks, size_t count,
                             struct svc_error *err)
{
    char window[16];
    (void)snprintf(window, sizeof window, "%d s", PLAN_BODY_WINDOW_S);
    store_arrays_begin(store, 4);
    for (size_t i = 0; i < count; i++) {
        if (asks[i].dedup_key == NULL)
            continue;
        svc_pg_array_add_bytea(&store->arrays[0], asks[i].dedup_key, KEY_BYTES);
        svc_pg_array_add(&store->arrays[1], asks[i].signal_id);
        svc_pg_array_add_time(&store->arrays[2], asks[i].received_unix_us);
        svc_pg_array_add(&store->arrays[3], asks[i].key_is_body ? window : NULL);
    }
    return store_arrays_send(store, DISPATCHER_SQL_SIGNAL_KEYS_TAKE, 4, err);
}

/* Reading */

/* A whole number of the settings. */
static uint32_t setting(const PGresult *result, int row, int column, uint32_t fallback)
{
    uint64_t number = 0;
    const char *text = svc_pg_text(result, row, column);
    return text != NULL && svc_parse_u64(text, 1, 604800, &number) == 0 ? (uint32_t)number
                                                                        : fallback;
}

static void read_strategy(const PGresult *result, int row, struct svc_arena *arena,
                          struct plan_strategy *ret)
{
    const uint32_t per_min = setting(result, row, 14, 0);
    *ret = (struct plan_strategy){
        .id = store_text(result, row, 0, arena),
        .user_id = store_text(result, row, 1, arena),
        .name = store_text(result, row, 2, arena),
        .is_enabled = svc_pg_bool(result, row, 3),
        .allowed_pairs = store_text(result, row, 4, arena),
        .max_age_s = setting(result, row, 5, PLAN_MAX_AGE_S),
        .close_max_age_s = setting(result, row, 6, PLAN_CLOSE_MAX_AGE_S),
        .stop_kind = store_text(result, row, 7, arena),
        .max_volume = store_text(result, row, 8, arena),
        .magic_tag = (uint32_t)svc_pg_i64(result, row, 9),
        .names_connection = svc_pg_bool(result, row, 10),
        .active_connections = svc_pg_i64(result, row, 11),
        .connection_id = store_text(result, row, 12, arena),
        .agent_id = store_text(result, row, 13, arena),
        .rate = {.per_min = per_min,
                 .burst = setting(result, row, 15, per_min),
                 .full_unix_us = svc_pg_i64(result, row, 16)},
    };
}

static enum svc_rc read_strategies(struct reading *r, struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc = svc_pg_result(r->store->pg, &result, err);
    if (rc != SVC_OK)
        return rc;
    r->strategy_count = (size_t)PQntuples(result);
    r->strategies = svc_arena_alloc(r->arena, (r->strategy_count + 1) * sizeof *r->strategies);
    for (size_t i = 0; i < r->strategy_count; i++)
        read_strategy(result, (int)i, r->arena, &r->strategies[i]);
    qsort(r->strategies, r->strategy_count, sizeof *r->strategies, by_strategy);
    return SVC_OK;
}

static enum svc_rc read_known(struct reading *r, struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc = svc_pg_result(r->store->pg, &result, err);
    if (rc != SVC_OK)
        return rc;
    r->known_count = (size_t)PQntuples(result);
    r->known = svc_arena_alloc(r->arena, (r->known_count + 1) * sizeof *r->known);
    for (size_t i = 0; i < r->known_count; i++) {
        (void)snprintf(r->known[i].id, sizeof r->known[i].id, "%s", PQgetvalue(result, (int)i, 0));
        r->known[i].received_unix_us = svc_pg_i64(result, (int)i, 1);
    }
    qsort(r->known, r->known_count, sizeof *r->known, by_id);
    return SVC_OK;
}

/* Ids are compared as Postgres prints them. */
static void lower_case(const char *id, char ret[SVC_UUID_TEXT])
{
    size_t i = 0;
    for (; id[i] != '\0' && i < SVC_UUID_TEXT - 1; i++)
        ret[i] = (char)tolower((unsigned char)id[i]);
    ret[i] = '\0';
}

static bool same_id(const char *a, const char *b)
{
    return strcasecmp(a, b) == 0;
}

static void fill_facts(const struct reading *r, const struct store_signal_ask *ask,
                       struct plan_facts *ret)
{
    char id[SVC_UUID_TEXT];
    struct known wanted = {.received_unix_us = 0};
    lower_case(ask->strategy_id, id);
    const struct plan_strategy key = {.id = id};
    struct plan_strategy *strategy =
        bsearch(&key, r->strategies, r->strategy_count, sizeof key, by_strategy);
    /* Somebody else's strategy is as good as none. */
    if (strategy != NULL && same_id(strategy->user_id, ask->user_id))
        ret->strategy = strategy;
    lower_case(ask->signal_id, wanted.id);
    const struct known *known = bsearch(&wanted, r->known, r->known_count, sizeof wanted, by_id);
    ret->is_row = known != NULL;
    ret->row_received_unix_us = known != NULL ? known->received_unix_us : 0;
}

/* A key whose holder is the signal itself is new, unless an earlier record of this batch is the
 * same signal: then this is the same alert once more. */
static bool came_before(const struct store_signal_ask *asks, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (same_id(asks[i].signal_id, asks[at].signal_id))
            return true;
    return false;
}

static enum svc_rc read_keys(struct reading *r, const struct store_signal_ask *asks, size_t count,
                             struct plan_facts *ret_facts, struct svc_error *err)
{
    SVC_PGRESULT PGresult *result = NULL;
    const enum svc_rc rc = svc_pg_result(r->store->pg, &result, err);
    if (rc != SVC_OK)
        return rc;
    size_t *asked = svc_arena_alloc(r->arena, (count + 1) * sizeof *asked), places = 0;
    for (size_t i = 0; i < count; i++)
        if (asks[i].dedup_key != NULL)
            asked[places++] = i;
    for (int row = 0; row < PQntuples(result); row++) {
        const int64_t place = svc_pg_i64(result, row, 0);
        if (place < 1 || (size_t)place > places)
            return svc_fail(err, SVC_FATAL, "bad_place", "take_signal_keys named no key of ours");
        const size_t at = asked[place - 1];
        const char *holder = PQgetvalue(result, row, 1);
        if (!same_id(holder, asks[at].signal_id) || came_before(asks, at))
            ret_facts[at].holder = same_id(holder, asks[at].signal_id)
                                       ? asks[at].signal_id
                                       : svc_arena_text(r->arena, holder);
    }
    return SVC_OK;
}

static enum svc_rc read_all(struct reading *r, const struct store_records *records,
                            const struct store_signal_ask *asks, size_t count,
                            struct plan_facts *ret_facts, struct svc_error *err)
{
    enum svc_rc rc = store_began(r->store, records, err);
    if (rc == SVC_OK)
        rc = read_strategies(r, err);
    if (rc == SVC_OK)
        rc = read_known(r, err);
    if (rc != SVC_OK)
        return rc;
    for (size_t i = 0; i < count; i++) {
        ret_facts[i] = (struct plan_facts){.strategy = NULL};
        fill_facts(r, &asks[i], &ret_facts[i]);
    }
    rc = read_keys(r, asks, count, ret_facts, err);
    return rc == SVC_OK ? svc_pg_finish(r->store->pg, err) : rc;
}

enum svc_rc store_signals_begin(struct store *store, const struct store_records *records,
                                const struct store_signal_ask *asks, size_t count,
                                struct svc_arena *arena, struct plan_facts *ret_facts,
                                struct svc_error *err)
{
    struct reading reading = {.store = store, .arena = arena};
    enum svc_rc rc = store_begin(store, records, err);
    if (rc == SVC_OK)
        rc = send_reads(store, asks, count, err);
    if (rc == SVC_OK)
        rc = send_keys(store, asks, count, err);
    if (rc == SVC_OK)
        rc = svc_pg_sync(store->pg, err);
    if (rc == SVC_OK)
        rc = read_all(&reading, records, asks, count, ret_facts, err);
    if (rc != SVC_OK)
        store_abandon(store);
    return rc;
}

/* Writing */

static void add_row(struct svc_buffer *a, const struct plan *plan)
{
    const bool is_job = plan->kind == PLAN_JOB;
    svc_pg_array_add(&a[0], plan->signal_id);
    svc_pg_array_add(&a[1], plan->user_id);
    svc_pg_array_add(&a[2], plan->strategy_id);
    svc_pg_array_add(&a[3], is_job ? "pending" : "discarded");
    svc_pg_array_add(&a[4], plan->symbol);
    svc_pg_array_add(&a[5], plan->action);
    svc_pg_array_add(&a[6], plan->volume);
    svc_pg_array_add(&a[7], plan->error);
    svc_pg_array_add(&a[8], plan->raw_payload);
    svc_pg_array_add_time(&a[9], plan->received_unix_us);
    svc_pg_array_add_time(&a[10], plan->durable_unix_us);
    svc_pg_array_add(&a[11], is_job ? plan->job_id : NULL);
    svc_pg_array_add(&a[12], is_job ? plan->job_type : NULL);
    svc_pg_array_add(&a[13], is_job ? plan->agent_id : NULL);
    svc_pg_array_add(&a[14], is_job ? plan->connection_id : NULL);
    svc_pg_array_add_time(&a[15], is_job ? plan->expires_unix_us : 0);
    svc_pg_array_add(&a[16], is_job ? plan->input : NULL);
    svc_pg_array_add(&a[17], plan->is_entry ? "t" : "f");
    svc_pg_array_add(&a[18], is_job ? plan->traceparent : NULL);
    svc_pg_array_add_time(&a[19], plan->rate_full_unix_us);
}

static enum svc_rc send_rows(struct store *store, const struct plan *plans, size_t count,
                             int *ret_sent, struct svc_error *err)
{
    size_t rows = 0;
    store_arrays_begin(store, STORE_ARRAYS);
    for (size_t i = 0; i < count; i++) {
        if (plans[i].kind != PLAN_JOB && plans[i].kind != PLAN_DISCARD)
            continue;
        add_row(store->arrays, &plans[i]);
        rows++;
    }
    if (rows == 0)
        return SVC_OK;
    ++*ret_sent;
    return store_arrays_send(store, DISPATCHER_SQL_SIGNALS_WRITE, STORE_ARRAYS, err);
}

static enum svc_rc send_counts(struct store *store, const struct plan *plans, size_t count,
                               int *ret_sent, struct svc_error *err)
{
    size_t counted = 0;
    store_arrays_begin(store, 1);
    for (size_t i = 0; i < count; i++) {
        if (plans[i].kind != PLAN_COUNT)
            continue;
        svc_pg_array_add(&store->arrays[0], plans[i].signal_id);
        counted++;
    }
    if (counted == 0)
        return SVC_OK;
    ++*ret_sent;
    return store_arrays_send(store, DISPATCHER_SQL_DUPLICATES_COUNT, 1, err);
}

enum svc_rc store_signals_commit(struct store *store, const struct plan *plans, size_t count,
                                 struct svc_error *err)
{
    int sent = 0;
    enum svc_rc rc = send_rows(store, plans, count, &sent, err);
    if (rc == SVC_OK)
        rc = send_counts(store, plans, count, &sent, err);
    /* Behind a failed statement the COMMIT is skipped by the server. */
    if (rc == SVC_OK)
        rc = store_commit(store, err);
    if (rc != SVC_OK)
        store_abandon(store);
    store_arrays_trim(store);
    return rc;
}
