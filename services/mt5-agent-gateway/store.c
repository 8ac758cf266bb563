/* Parameters out, rows in. Failures of statements that nobody waits for (beat, seen, bind, ready)
 * are logged here; they are repeated in any case. */
#include "store.h"

#include "contracts/schema_range.h"
#include "gateway_sql.h"

#include "svc/cleanup.h"
#include "svc/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>
#include <zmq.h>

enum {
    IN_FLIGHT_MAX = 256,
    ANSWER_MS = 8000, /* longer than the role's statement_timeout */
    NUMBER_TEXT = 24,
    CURVE_KEY_BYTES = 32,
    BYTEA_TEXT = 2 + 2 * CURVE_KEY_BYTES + 1,
};

struct store {
    struct svc_pgq *pgq;
    struct store_events events;
    struct schema_watch schema;
    struct svc_buffer arrays[2 + LANE_COUNT]; /* agents, sessions, room per lane */
    struct svc_log_limit limit;
    /* Whose statements are in flight. Answers come in the order of the statements. */
    struct hello *hellos[IN_FLIGHT_MAX]; /* ring */
    unsigned hello_first, hello_count;
    struct batch *claim, *question;
    size_t ending; /* sessions in the end statement */
};

bool store_connected(const struct store *store)
{
    return svc_pgq_connected(store->pgq);
}

uint32_t store_in_flight(const struct store *store)
{
    return svc_pgq_in_flight(store->pgq);
}

/* 08 and 57P are a connection that ended while the statement ran: committed or not, nobody said. */
bool store_lost(const struct svc_error *err)
{
    return err->rc == SVC_AGAIN &&
           (strcmp(err->code, "connection_lost") == 0 || strncmp(err->code, "08", 2) == 0 ||
            strncmp(err->code, "57P", 3) == 0);
}

static void on_said(void *arg, const PGresult *result, const struct svc_error *err)
{
    struct store *store = arg;
    (void)result;
    if (err->rc != SVC_OK)
        svc_warn_limited(&store->limit, "statement_failed", SVC_ERR(err));
}

/* Hello */

static void on_hello(void *arg, const PGresult *result, const struct svc_error *err)
{
    struct store *store = arg;
    const struct store_events *events = &store->events;
    struct hello *hello = store->hellos[store->hello_first];
    struct svc_error none = {.rc = SVC_OK};
    store->hello_first = (store->hello_first + 1) % IN_FLIGHT_MAX;
    store->hello_count--;
    if (err->rc == SVC_OK && PQntuples(result) != 1) {
        svc_fail(&none, SVC_REJECT, "no_answer", "agent_hello gave %d rows", PQntuples(result));
        err = &none;
    }
    if (err->rc != SVC_OK) {
        events->on_hello(events->arg, hello, NULL, err);
        return;
    }
    const struct hello_answer answer = {.code = svc_pg_text(result, 0, 0),
                                        .message = svc_pg_text(result, 0, 1),
                                        .user_id = svc_pg_text(result, 0, 2),
                                        .session_no = (uint64_t)svc_pg_i64(result, 0, 3)};
    events->on_hello(events->arg, hello, &answer, err);
}

/* The CURVE key as bytea; the User-Id is its Z85. */
static void curve_key(const char *user_id, char ret[BYTEA_TEXT])
{
    uint8_t key[CURVE_KEY_BYTES] = {0};
    (void)zmq_z85_decode(key, user_id); /* of the right length: sessions.h */
    ret[0] = '\\';
    ret[1] = 'x';
    svc_hex(key, sizeof key, ret + 2);
}

static const char *account_text(const struct account *account, const char *text)
{
    return account->present ? text : NULL;
}

enum svc_rc store_hello(struct store *store, struct hello *hello, const char *gateway_id,
                        struct svc_error *err)
{
    char key[BYTEA_TEXT], seq[NUMBER_TEXT];
    const struct account *account = &hello->account;
    curve_key(hello->peer.user_id, key);
    (void)snprintf(seq, sizeof seq, "%" PRIu64, hello->journal_seq);
    const char *const values[] = {hello->agent_id,
                                  hello->key_hash,
                                  key,
                                  hello->journal_id,
                                  seq,
                                  gateway_id,
                                  account_text(account, account->server),
                                  account_text(account, account->login),
                                  account_text(account, account->currency),
                                  account_text(account, account->margin_mode),
                                  account_text(account, account->is_real ? "t" : "f")};
    const enum svc_rc rc =
        svc_pgq_submit(store->pgq, GATEWAY_SQL_HELLO, sizeof values / sizeof values[0], values,
                       on_hello, store, err);
    if (rc == SVC_OK)
        store->hellos[(store->hello_first + store->hello_count++) % IN_FLIGHT_MAX] = hello;
    return rc;
}

/* Claims and questions */

enum job_column {
    COL_ID,
    COL_TYPE,
    COL_AGENT,
    COL_USER,
    COL_LANE,
    COL_EPOCH,
    COL_SESSION,
    COL_LEASE_MS,
    COL_EXPIRES,
    COL_CLAIMED,
    COL_CREATED,
    COL_TERMINAL_ONLY,
    COL_SERVER,
    COL_LOGIN,
    COL_CURRENCY,
    COL_MARGIN_MODE,
    COL_IS_REAL,
    COL_INPUT,
    COL_TRACEPARENT,
    COL_SEQ,
};

static struct job_row read_row(const PGresult *r, int row)
{
    return (struct job_row){
        .job_id = svc_pg_text(r, row, COL_ID),
        .job_type = svc_pg_text(r, row, COL_TYPE),
        .agent_id = svc_pg_text(r, row, COL_AGENT),
        .user_id = svc_pg_text(r, row, COL_USER),
        .lane = (enum lane)(svc_pg_i64(r, row, COL_LANE) - 1),
        .lease_epoch = (uint64_t)svc_pg_i64(r, row, COL_EPOCH),
        .session_no = (uint64_t)svc_pg_i64(r, row, COL_SESSION),
        .lease_ms = (uint32_t)svc_pg_i64(r, row, COL_LEASE_MS),
        .expires_unix_us = svc_pg_i64(r, row, COL_EXPIRES),
        .claimed_unix_us = svc_pg_i64(r, row, COL_CLAIMED),
        .created_unix_us = svc_pg_i64(r, row, COL_CREATED),
        .terminal_only = svc_pg_bool(r, row, COL_TERMINAL_ONLY),
        .server = svc_pg_text(r, row, COL_SERVER),
        .login = svc_pg_text(r, row, COL_LOGIN),
        .currency = svc_pg_text(r, row, COL_CURRENCY),
        .margin_mode = svc_pg_text(r, row, COL_MARGIN_MODE),
        .is_real = svc_pg_bool(r, row, COL_IS_REAL),
        .input = svc_pg_text(r, row, COL_INPUT),
        .traceparent = svc_pg_text(r, row, COL_TRACEPARENT),
        .seq = (uint64_t)svc_pg_i64(r, row, COL_SEQ),
    };
}

static void give_rows(const struct store *store, struct batch *batch, const PGresult *result,
                      const struct svc_error *err)
{
    const struct store_events *events = &store->events;
    const int rows = err->rc == SVC_OK ? PQntuples(result) : 0;
    for (int i = 0; i < rows; i++) {
        const struct job_row row = read_row(result, i);
        events->on_job(events->arg, batch, &row, err);
    }
    events->on_job(events->arg, batch, NULL, err);
}

static void on_claim(void *arg, const PGresult *result, const struct svc_error *err)
{
    const struct store *store = arg;
    give_rows(store, store->claim, result, err);
}

static void on_question(void *arg, const PGresult *result, const struct svc_error *err)
{
    const struct store *store = arg;
    give_rows(store, store->question, result, err);
}

static void begin_arrays(struct store *store)
{
    for (size_t i = 0; i < sizeof store->arrays / sizeof store->arrays[0]; i++)
        svc_pg_array_begin(&store->arrays[i]);
}

static void add_name(struct store *store, const char *agent_id, uint64_t session_no)
{
    svc_pg_array_add(&store->arrays[0], agent_id);
    svc_pg_array_add_i64(&store->arrays[1], (int64_t)session_no);
}

static void end_arrays(struct store *store, const char *ret_values[2 + LANE_COUNT])
{
    for (size_t i = 0; i < sizeof store->arrays / sizeof store->arrays[0]; i++) {
        svc_pg_array_end(&store->arrays[i]);
        ret_values[i] = store->arrays[i].bytes;
    }
}

static void batch_values(struct store *store, const struct batch *batch,
                         const char *ret_values[2 + LANE_COUNT])
{
    begin_arrays(store);
    for (size_t i = 0; i < batch->count; i++) {
        const struct batch_entry *entry = &batch->entries[i];
        add_name(store, entry->name.agent_id, entry->name.session_no);
        for (int lane = 0; lane < LANE_COUNT; lane++)
            svc_pg_array_add_i64(&store->arrays[2 + lane], entry->slots[lane]);
    }
    end_arrays(store, ret_values);
}

enum svc_rc store_claim(struct store *store, struct batch *batch, struct svc_error *err)
{
    const char *values[2 + LANE_COUNT];
    batch_values(store, batch, values);
    store->claim = batch;
    return svc_pgq_submit(store->pgq, GATEWAY_SQL_CLAIM, 2 + LANE_COUNT, values, on_claim, store,
                          err);
}

enum svc_rc store_question(struct store *store, struct batch *batch, struct svc_error *err)
{
    const char *values[2 + LANE_COUNT];
    batch_values(store, batch, values);
    store->question = batch;
    return svc_pgq_submit(store->pgq, GATEWAY_SQL_QUESTION, 2, values, on_question, store, err);
}

/* Presence */

static void on_ended(void *arg, const PGresult *result, const struct svc_error *err)
{
    struct store *store = arg;
    (void)result;
    store->events.on_ended(store->events.arg, store->ending, err);
}

enum svc_rc store_ended(struct store *store, const struct session_name *names, size_t count,
                        struct svc_error *err)
{
    const char *values[2 + LANE_COUNT];
    begin_arrays(store);
    for (size_t i = 0; i < count; i++)
        add_name(store, names[i].agent_id, names[i].session_no);
    end_arrays(store, values);
    store->ending = count;
    return svc_pgq_submit(store->pgq, GATEWAY_SQL_END, 2, values, on_ended, store, err);
}

static enum svc_rc submit_all(struct store *store, int statement, const struct sessions *sessions,
                              svc_pgq_done_fn *done, struct svc_error *err)
{
    const char *values[2 + LANE_COUNT];
    begin_arrays(store);
    const struct session *session = NULL;
    while ((session = sessions_next(sessions, session)) != NULL)
        add_name(store, session->agent_id, session->session_no);
    end_arrays(store, values);
    return svc_pgq_submit(store->pgq, statement, 2, values, done, store, err);
}

enum svc_rc store_seen(struct store *store, const struct sessions *sessions, struct svc_error *err)
{
    return submit_all(store, GATEWAY_SQL_SEEN, sessions, on_said, err);
}

static void on_current(void *arg, const PGresult *result, const struct svc_error *err)
{
    struct store *store = arg;
    on_said(arg, result, err);
    for (int i = 0; err->rc == SVC_OK && i < PQntuples(result); i++)
        store->events.on_out_of_force(store->events.arg, PQgetvalue(result, i, 0),
                                      (uint64_t)svc_pg_i64(result, i, 1));
}

enum svc_rc store_current(struct store *store, const struct sessions *sessions,
                          struct svc_error *err)
{
    return submit_all(store, GATEWAY_SQL_CURRENT, sessions, on_current, err);
}

enum svc_rc store_beat(struct store *store, const char *gateway_id, const char *name,
                       struct svc_error *err)
{
    const char *const values[] = {gateway_id, name};
    return svc_pgq_submit(store->pgq, GATEWAY_SQL_BEAT, 2, values, on_said, store, err);
}

static void on_ready(void *arg, const PGresult *result, const struct svc_error *err)
{
    struct store *store = arg;
    on_said(arg, result, err);
    for (int i = 0; err->rc == SVC_OK && i < PQntuples(result); i++)
        store->events.on_ready(store->events.arg, PQgetvalue(result, i, 0));
}

enum svc_rc store_ready(struct store *store, unsigned seconds, struct svc_error *err)
{
    char text[NUMBER_TEXT];
    (void)snprintf(text, sizeof text, "%u", seconds);
    const char *const values[] = {text};
    return svc_pgq_submit(store->pgq, GATEWAY_SQL_READY, 1, values, on_ready, store, err);
}

enum svc_rc store_bind(struct store *store, const struct session *session,
                       const struct account *account, struct svc_error *err)
{
    char number[NUMBER_TEXT];
    (void)snprintf(number, sizeof number, "%" PRIu64, session->session_no);
    const char *const values[] = {session->agent_id,
                                  number,
                                  account->server,
                                  account->login,
                                  account->currency,
                                  account->margin_mode,
                                  account->is_real ? "t" : "f"};
    return svc_pgq_submit(store->pgq, GATEWAY_SQL_BIND, sizeof values / sizeof values[0], values,
                          on_said, store, err);
}

/* Life */

static void on_state(void *arg, bool connected)
{
    struct store *store = arg;
    store->events.on_state(store->events.arg, connected);
}

enum svc_rc store_open(struct svc_loop *loop, const struct svc_cfg_pg *server,
                       const struct store_events *events, struct store **ret_store,
                       struct svc_error *err)
{
    SVC_CLEANUP(store_close) struct store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "store");
    store->events = *events;
    store->schema = (struct schema_watch){.judged = events->on_schema, .arg = events->arg};
    const struct svc_pgq_options options = {
        .pg = {.server = *server,
               .application_name = "mt5-agent-gateway",
               .gate = schema_gate(&store->schema),
               .statements = gateway_statements,
               .statement_count = GATEWAY_SQL_COUNT},
        .on_state = on_state,
        .arg = store,
        .in_flight_max = IN_FLIGHT_MAX,
        .answer_ms = ANSWER_MS,
    };
    const enum svc_rc rc = svc_pgq_open(loop, &options, &store->pgq, err);
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
    if (closing->pgq != NULL)
        svc_pgq_close(&closing->pgq);
    for (size_t i = 0; i < sizeof closing->arrays / sizeof closing->arrays[0]; i++)
        svc_buffer_done(&closing->arrays[i]);
    free(closing);
}
