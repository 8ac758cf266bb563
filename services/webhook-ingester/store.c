/* One refresh is out at a time: a full load goes page by page, each page asked for when the one
 * before it is in the cache, so that a hundred thousand strategies neither hold up the loop nor
 * fill the memory. */
#include "store.h"

#include "contracts/schema_range.h"
#include "ingester_sql.h"

#include "svc/clock.h"
#include "svc/log.h"
#include "svc/pgq.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum {
    PAGE_ROWS = 1000,   /* LIMIT in the statements that refresh */
    SECRETS_ASKED = 64, /* at once; see lookup.h */
    SERVER_SILENT_MS = 3000,
    UUID_LEN = SVC_UUID_TEXT - 1,
};
static const char first_id[] = "00000000-0000-0000-0000-000000000000";

enum column { COLUMN_ID, COLUMN_USER, COLUMN_HASH, COLUMN_UPDATED };

struct question { /* one secret that is being asked for */
    struct store *store;
    store_answer_fn *done;
    void *arg;
    struct question *next_free;
};

struct store {
    struct svc_loop *loop;
    struct strategies *strategies;
    struct store_events events;
    struct schema_watch schema;
    struct svc_pgq *pgq;
    struct svc_timer timer; /* the next refresh */
    uint32_t refresh_ms, reload_s;
    bool refreshing;
    char last_id[SVC_UUID_TEXT]; /* of the page before, while loading */
    int64_t newest_unix_us;      /* updated_at of the newest row seen, Postgres' clock */
    int64_t loaded_mono_us;      /* 0: never, or to be done again */
    struct question questions[SECRETS_ASKED];
    struct question *free_questions;
    struct svc_log_limit limit;
};

/* --- rows ------------------------------------------------------------------------------------ */

/* False: the row is not what the statement promises. */
static bool put_row(struct store *store, const PGresult *rows, int row)
{
    uint8_t hash[SECRET_HASH_BYTES];
    size_t len = 0;
    const char *id = svc_pg_text(rows, row, COLUMN_ID);
    const char *user = svc_pg_text(rows, row, COLUMN_USER);
    const char *hex = svc_pg_text(rows, row, COLUMN_HASH);
    if (id == NULL || user == NULL || hex == NULL || strlen(id) != UUID_LEN ||
        strlen(user) != UUID_LEN ||
        sodium_hex2bin(hash, sizeof hash, hex, strlen(hex), NULL, &len, NULL) != 0 ||
        len != sizeof hash)
        return false;
    (void)strategies_put(store->strategies, id, user, hash);
    const int64_t updated = svc_pg_i64(rows, row, COLUMN_UPDATED);
    if (updated > store->newest_unix_us)
        store->newest_unix_us = updated;
    return true;
}

static void put_rows(struct store *store, const PGresult *rows)
{
    for (int row = 0; row < PQntuples(rows); row++)
        if (!put_row(store, rows, row))
            svc_warn_limited(&store->limit, "strategy_unreadable");
}

/* --- refreshing ------------------------------------------------------------------------------ */

static void take_page(void *arg, const PGresult *rows, const struct svc_error *err);
static void take_changed(void *arg, const PGresult *rows, const struct svc_error *err);

static void schedule(struct store *store)
{
    store->refreshing = false;
    svc_timer_after_ms(store->loop, &store->timer, store->refresh_ms);
}

static void refresh_failed(struct store *store, const struct svc_error *err)
{
    svc_warn_limited(&store->limit, "strategies_not_refreshed", SVC_ERR(err));
    schedule(store);
}

static void ask_page(struct store *store)
{
    struct svc_error err = {.rc = SVC_OK};
    const char *const values[] = {store->last_id};
    if (svc_pgq_submit(store->pgq, INGESTER_SQL_STRATEGIES_PAGE, 1, values, take_page, store,
                       &err) != SVC_OK)
        refresh_failed(store, &err);
}

static void ask_changed(struct store *store)
{
    struct svc_error err = {.rc = SVC_OK};
    char since[24];
    (void)snprintf(since, sizeof since, "%" PRId64, store->newest_unix_us);
    const char *const values[] = {since};
    if (svc_pgq_submit(store->pgq, INGESTER_SQL_STRATEGIES_CHANGED, 1, values, take_changed, store,
                       &err) != SVC_OK)
        refresh_failed(store, &err);
}

static void loaded(struct store *store)
{
    const bool first = store->loaded_mono_us == 0;
    strategies_load_end(store->strategies);
    store->loaded_mono_us = svc_mono_us();
    if (first)
        svc_info("strategies_loaded", SVC_N("count", strategies_count(store->strategies)));
    schedule(store);
    if (store->events.on_loaded != NULL)
        store->events.on_loaded(store->events.arg);
}

static void take_page(void *arg, const PGresult *rows, const struct svc_error *err)
{
    struct store *store = arg;
    if (rows == NULL) {
        refresh_failed(store, err);
        return;
    }
    const int count = PQntuples(rows);
    put_rows(store, rows);
    if (count < PAGE_ROWS) {
        loaded(store);
        return;
    }
    (void)snprintf(store->last_id, sizeof store->last_id, "%s",
                   PQgetvalue(rows, count - 1, COLUMN_ID));
    ask_page(store);
}

static void take_changed(void *arg, const PGresult *rows, const struct svc_error *err)
{
    struct store *store = arg;
    if (rows == NULL) {
        refresh_failed(store, err);
        return;
    }
    put_rows(store, rows);
    schedule(store);
}

static void refresh(void *arg)
{
    struct store *store = arg;
    const int64_t age_us = svc_mono_us() - store->loaded_mono_us;
    if (store->refreshing || !store_reachable(store)) /* on_state() goes on */
        return;
    store->refreshing = true;
    if (store->loaded_mono_us != 0 && age_us < (int64_t)store->reload_s * 1000000) {
        ask_changed(store);
        return;
    }
    strategies_load_begin(store->strategies);
    (void)snprintf(store->last_id, sizeof store->last_id, "%s", first_id);
    ask_page(store);
}

/* After a time without Postgres whatever was deleted or changed meanwhile must show: a full load at
 * once. */
static void on_state(void *arg, bool connected)
{
    struct store *store = arg;
    if (store->events.on_reachable != NULL)
        store->events.on_reachable(store->events.arg, connected);
    if (!connected)
        return;
    store->loaded_mono_us = 0;
    svc_timer_after_ms(store->loop, &store->timer, 0);
}

/* --- one secret ------------------------------------------------------------------------------ */

static void take_answer(void *arg, const PGresult *rows, const struct svc_error *err)
{
    struct question *question = arg;
    struct store *store = question->store;
    enum store_answer answer = STORE_CANNOT_ASK;
    if (rows == NULL)
        svc_warn_limited(&store->limit, "secret_not_looked_up", SVC_ERR(err));
    else if (PQntuples(rows) == 0)
        answer = STORE_NOT_FOUND;
    else if (put_row(store, rows, 0))
        answer = STORE_FOUND;
    store_answer_fn *done = question->done;
    void *done_arg = question->arg;
    question->next_free = store->free_questions;
    store->free_questions = question;
    done(done_arg, answer);
}

enum svc_rc store_ask_secret(struct store *store, const char *secret, store_answer_fn *done,
                             void *arg, struct svc_error *err)
{
    struct question *question = store->free_questions;
    const char *const values[] = {secret};
    if (question == NULL)
        return svc_fail(err, SVC_AGAIN, "lookups_full", "%d secrets are being looked up",
                        SECRETS_ASKED);
    question->done = done;
    question->arg = arg;
    const enum svc_rc rc = svc_pgq_submit(store->pgq, INGESTER_SQL_STRATEGY_BY_SECRET, 1, values,
                                          take_answer, question, err);
    if (rc == SVC_OK)
        store->free_questions = question->next_free;
    return rc;
}

/* --- life ------------------------------------------------------------------------------------ */

enum svc_rc store_open(struct svc_loop *loop, const struct config *config,
                       struct strategies *strategies, const struct store_events *events,
                       struct store **ret_store, struct svc_error *err)
{
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for the store");
    *store = (struct store){.loop = loop,
                            .strategies = strategies,
                            .events = *events,
                            .schema = {.judged = events->on_schema, .arg = events->arg},
                            .refresh_ms = config->refresh_ms,
                            .reload_s = config->reload_s};
    store->timer.run = refresh;
    store->timer.arg = store;
    for (int i = 0; i < SECRETS_ASKED; i++) {
        store->questions[i].store = store;
        store->questions[i].next_free = store->free_questions;
        store->free_questions = &store->questions[i];
    }
    const struct svc_pgq_options options = {
        .pg = {.server = config->pg,
               .application_name = ingester_program.name,
               .gate = schema_gate(&store->schema),
               .statements = ingester_statements,
               .statement_count = INGESTER_SQL_COUNT},
        .on_state = on_state,
        .arg = store,
        .in_flight_max = SECRETS_ASKED + 1,
        .answer_ms = SERVER_SILENT_MS,
    };
    const enum svc_rc rc = svc_pgq_open(loop, &options, &store->pgq, err);
    if (rc != SVC_OK)
        store_close(&store);
    *ret_store = store;
    return rc;
}

void store_close(struct store **store)
{
    if (*store != NULL) {
        svc_timer_stop(&(*store)->timer);
        svc_pgq_close(&(*store)->pgq);
    }
    free(*store);
    *store = NULL;
}

bool store_reachable(const struct store *store)
{
    return svc_pgq_connected(store->pgq);
}
