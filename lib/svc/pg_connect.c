/* Opening a connection: DATABASE_URL plus the settings every connection here has, and the check of
 * the program's statements on it. Nothing in here waits, but for the look-up of host names inside
 * libpq. */
#include "pg_internal.h"

#include "svc/cleanup.h"
#include "svc/log.h"
#include "svc/memory.h"
#include "svc/text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HOST_MAX = 256,        /* bytes of one host, address or port in DATABASE_URL */
    KEYWORDS_MAX = 96,     /* libpq 15 knows 41 */
    CONNECT_TIMEOUT_S = 3, /* for one host */
    CONNECT_TIMEOUT_MAX = 60,
};

/* Added where DATABASE_URL is silent. */
static const char *const defaults[][2] = {
    {"target_session_attrs", "read-write"}, /* claims are never decided on a standby */
    {"keepalives", "1"},
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "5000"},
    {"client_encoding", "UTF8"},
};

struct svc_pg_login {
    PQconninfoOption *given;
    const char *application_name;
    int hosts;
    uint32_t limit_ms;
};

static const char *given(const struct svc_pg_login *login, const char *keyword)
{
    for (const PQconninfoOption *o = login->given; o->keyword != NULL; o++)
        if (strcmp(o->keyword, keyword) == 0)
            return o->val;
    return NULL;
}

static int list_count(const char *list)
{
    int count = 1;
    for (const char *p = list; p != NULL && (p = strchr(p, ',')) != NULL; p++)
        count++;
    return count;
}

/* Element `index` of a comma-separated list; a list of one stands for all. False when it is too
 * long. */
static bool list_item(const char *list, int index, char ret_item[HOST_MAX])
{
    const char *from = list;
    if (list_count(list) > 1)
        for (int i = 0; i < index && from != NULL; i++)
            from = strchr(from, ',') != NULL ? strchr(from, ',') + 1 : NULL;
    const size_t len = from != NULL ? strcspn(from, ",") : 0;
    if (len >= HOST_MAX)
        return false;
    memcpy(ret_item, from != NULL ? from : "", len);
    ret_item[len] = '\0';
    return true;
}

static bool is_host_keyword(const char *keyword)
{
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0;
}

/* An '@' in a host is the rest of a password that was not percent-encoded: it must not reach a
 * message. */
static bool plausible(const char *keyword, const char *item)
{
    uint64_t port;
    if (strcmp(keyword, "port") == 0 && item[0] != '\0')
        return svc_parse_u64(item, 1, UINT16_MAX, &port) == 0;
    return strchr(item, '@') == NULL;
}

/* Every element is looked at once here, so that svc_pg_login_start can rely on them. */
static enum svc_rc read_hosts(struct svc_pg_login *login, struct svc_error *err)
{
    const int hosts = list_count(given(login, "host")),
              addresses = list_count(given(login, "hostaddr"));
    login->hosts = hosts > addresses ? hosts : addresses;
    char item[HOST_MAX];
    for (const PQconninfoOption *o = login->given; o->keyword != NULL; o++)
        for (int i = 0; is_host_keyword(o->keyword) && o->val != NULL && i < login->hosts; i++)
            if (!list_item(o->val, i, item) || !plausible(o->keyword, item))
                return svc_fail(
                    err, SVC_FATAL, "database_url",
                    "DATABASE_URL: bad %s (special characters of a password are written "
                    "as %%40 and the like)",
                    o->keyword);
    return SVC_OK;
}

static enum svc_rc read_timeout(struct svc_pg_login *login, struct svc_error *err)
{
    uint64_t seconds = CONNECT_TIMEOUT_S;
    const char *text = given(login, "connect_timeout");
    if (text != NULL && svc_parse_u64(text, 1, CONNECT_TIMEOUT_MAX, &seconds) != 0)
        return svc_fail(err, SVC_FATAL, "database_url",
                        "DATABASE_URL: connect_timeout must be 1 … %d s", CONNECT_TIMEOUT_MAX);
    login->limit_ms = (uint32_t)seconds * 1000;
    return SVC_OK;
}

enum svc_rc svc_pg_login_new(const struct svc_pg_options *options, struct svc_pg_login **ret_login,
                             struct svc_error *err)
{
    SVC_CLEANUP(svc_pg_login_free) struct svc_pg_login *login = svc_must_zalloc(sizeof *login);
    login->application_name = options->application_name;
    /* libpq's own message may quote the URL, password and all: it is not asked for. */
    login->given = PQconninfoParse(options->server.url, NULL);
    if (login->given == NULL)
        return svc_fail(
            err, SVC_FATAL, "database_url",
            "DATABASE_URL cannot be read: expected postgresql://user:password@host:port/db");
    enum svc_rc rc = read_hosts(login, err);
    if (rc == SVC_OK)
        rc = read_timeout(login, err);
    if (rc != SVC_OK)
        return rc;
    *ret_login = login;
    login = NULL;
    return SVC_OK;
}

void svc_pg_login_free(struct svc_pg_login **login)
{
    if (*login == NULL)
        return;
    PQconninfoFree((*login)->given);
    free(*login);
    *login = NULL;
}

int svc_pg_login_hosts(const struct svc_pg_login *login)
{
    return login->hosts;
}

uint32_t svc_pg_login_limit_ms(const struct svc_pg_login *login)
{
    return login->limit_ms;
}

struct keywords {
    const char *keys[KEYWORDS_MAX], *values[KEYWORDS_MAX];
    int count;
};

static void add_keyword(struct keywords *words, const char *key, const char *value)
{
    assert(words->count < KEYWORDS_MAX - 1);
    words->keys[words->count] = key;
    words->values[words->count++] = value;
}

/* Notices may quote data, so only their primary message goes out, and only at debug. */
static void on_notice(void *arg, const PGresult *result)
{
    (void)arg;
    svc_debug("postgres_notice", SVC_T("severity", PQresultErrorField(result, PG_DIAG_SEVERITY)),
              SVC_T("err", PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
}

PGconn *svc_pg_login_start(const struct svc_pg_login *login, int host)
{
    struct keywords words = {.count = 0};
    char items[3][HOST_MAX];
    int item = 0;
    for (const PQconninfoOption *o = login->given; o->keyword != NULL; o++) {
        if (o->val == NULL)
            continue;
        if (is_host_keyword(o->keyword) && list_item(o->val, host, items[item]))
            add_keyword(&words, o->keyword, items[item++]);
        else
            add_keyword(&words, o->keyword, o->val);
    }
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++)
        if (given(login, defaults[i][0]) == NULL)
            add_keyword(&words, defaults[i][0], defaults[i][1]);
    if (given(login, "application_name") == NULL)
        add_keyword(&words, "application_name", login->application_name);
    PGconn *conn = PQconnectStartParams(words.keys, words.values, 0);
    if (conn == NULL)
        return NULL;
    /* With this the text of a refused login holds its SQLSTATE, which libpq gives no other way. */
    PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
    PQsetNoticeReceiver(conn, on_notice, NULL);
    return conn;
}

/* "FATAL:  28P01: password authentication failed …" (the word before the colon may be translated).
 */
static const char *find_sqlstate(const char *message)
{
    const char *found = NULL;
    for (const char *p = strstr(message, ":  "); p != NULL; p = strstr(p + 1, ":  "))
        if (strspn(p + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5 && p[8] == ':')
            found = p + 3;
    return found;
}

enum svc_rc svc_pg_login_error(const PGconn *conn, struct svc_error *err)
{
    char text[sizeof err->text];
    snprintf(text, sizeof text, "%s", PQerrorMessage(conn));
    for (char *p = text; *p != '\0'; p++)
        if (*p == '\n' || *p == '\t')
            *p = ' ';
    char *location = strstr(text, " LOCATION:");
    if (location != NULL)
        *location = '\0';
    const char *found = find_sqlstate(text);
    char sqlstate[6] = "";
    memcpy(sqlstate, found != NULL ? found : "", found != NULL ? 5 : 0);
    return svc_fail(err, found != NULL ? svc_pg_sqlstate_rc(sqlstate) : SVC_AGAIN,
                    found != NULL ? sqlstate : "connection_lost", "%s", text);
}

/* Behind a pooler in transaction mode nothing may stay on the backend: the unnamed statement is
 * parsed and analysed just the same and is gone with the next one. */
static const char *prepared_name(const struct svc_pg_options *options, int statement)
{
    return options->server.pooled ? "" : options->statements[statement].name;
}

enum svc_rc svc_pg_checks_send(PGconn *conn, const struct svc_pg_options *options,
                               struct svc_error *err)
{
    if (PQsetnonblocking(conn, 1) != 0 || PQenterPipelineMode(conn) != 1)
        return svc_pg_classify(NULL, conn, err);
    if (options->gate.sql != NULL &&
        PQsendQueryParams(conn, options->gate.sql, 0, NULL, NULL, NULL, NULL, 0) != 1)
        return svc_pg_classify(NULL, conn, err);
    for (int i = 0; i < options->statement_count; i++)
        if (PQsendPrepare(conn, prepared_name(options, i), options->statements[i].text, 0, NULL) !=
            1)
            return svc_pg_classify(NULL, conn, err);
    if (PQpipelineSync(conn) != 1)
        return svc_pg_classify(NULL, conn, err);
    return SVC_OK;
}

int svc_pg_checks_count(const struct svc_pg_options *options)
{
    return options->statement_count + (options->gate.sql != NULL);
}

static enum svc_rc judge_gate(const struct svc_pg_gate *gate, const PGresult *result,
                              const PGconn *conn, struct svc_error *err)
{
    struct svc_error cause = {.rc = SVC_OK};
    if (PQresultStatus(result) == PGRES_TUPLES_OK)
        return gate->judge(gate->arg, result, err);
    const enum svc_rc rc = svc_pg_classify(result, conn, &cause);
    *err = cause;
    return rc == SVC_AGAIN ? rc : gate->judge(gate->arg, NULL, err);
}

static enum svc_rc judge_statement(const struct svc_pg_options *options, int statement,
                                   const PGresult *result, const PGconn *conn,
                                   struct svc_error *err)
{
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        return SVC_OK;
    struct svc_error cause = {.rc = SVC_OK};
    if (svc_pg_classify(result, conn, &cause) == SVC_AGAIN) {
        *err = cause;
        return SVC_AGAIN;
    }
    return svc_fail(err, SVC_FATAL, "schema_mismatch", "sql/%s.sql: %s %s",
                    options->statements[statement].name, cause.code, cause.text);
}

enum svc_rc svc_pg_checks_judge(const struct svc_pg_options *options, int check,
                                const PGresult *result, const PGconn *conn, struct svc_error *err)
{
    const bool gated = options->gate.sql != NULL;
    if (gated && check == 0)
        return judge_gate(&options->gate, result, conn, err);
    return judge_statement(options, check - gated, result, conn, err);
}

int svc_pg_queue(PGconn *conn, const struct svc_pg_options *options, int statement, int value_count,
                 const char *const *values)
{
    assert(statement >= 0 && statement < options->statement_count);
    const struct svc_statement *s = &options->statements[statement];
    if (options->server.pooled)
        return PQsendQueryParams(conn, s->text, value_count, NULL, values, NULL, NULL, 0);
    return PQsendQueryPrepared(conn, s->name, value_count, values, NULL, NULL, 0);
}
