/* SQLSTATE → what to do next (house-style.md section 4), and the columns of a result. */
#include "pg_internal.h"

#include "svc/text.h"

#include <stdio.h>
#include <string.h>

/* First match wins: single states before their classes. */
static const struct {
    const char *prefix;
    enum svc_rc rc;
} decisions[] = {
    {"25006", SVC_AGAIN},  /* read-only: this server is a standby now */
    {"25P02", SVC_AGAIN},  /* follows an error that was reported before */
    {"25P03", SVC_AGAIN},  /* idle in transaction for too long */
    {"26000", SVC_AGAIN},  /* prepared statement gone: another backend */
    {"55P03", SVC_AGAIN},  /* lock not available */
    {"55006", SVC_AGAIN},  /* object in use */
    {"P0001", SVC_REJECT}, /* RAISE in one of our functions: it refuses this input */
    {"XX000", SVC_AGAIN},  /* internal; "tuple concurrently updated" and its like pass */
    {"08", SVC_AGAIN},     /* connection */
    {"40", SVC_AGAIN},     /* serialization, deadlock */
    {"53", SVC_AGAIN},     /* resources */
    {"57", SVC_AGAIN},     /* shutdown, cancel, timeout */
    {"58", SVC_AGAIN},     /* the server's disk or system */
    {"22", SVC_REJECT},    /* data */
    {"23", SVC_REJECT},    /* constraints */
    {"54", SVC_REJECT},    /* limits: too large */
};

enum svc_rc svc_pg_sqlstate_rc(const char *sqlstate)
{
    for (size_t i = 0; i < sizeof decisions / sizeof decisions[0]; i++)
        if (strncmp(sqlstate, decisions[i].prefix, strlen(decisions[i].prefix)) == 0)
            return decisions[i].rc;
    return SVC_FATAL;
}

bool svc_pg_must_reconnect(const struct svc_error *err)
{
    return strcmp(err->code, "26000") == 0 || strcmp(err->code, "25006") == 0;
}

/* Messages of class 22 quote the value they refuse ('invalid input syntax for type uuid: "…"'), and
 * that value is somebody's data: what stands between the first and the last quote is left out. */
static void copy_message(const char *message, bool quotes_data, char *ret_text, size_t size)
{
    const char *open = quotes_data ? strchr(message, '"') : NULL;
    const char *close = open != NULL ? strrchr(message, '"') : NULL;
    if (close == NULL || close == open)
        snprintf(ret_text, size, "%s", message);
    else
        snprintf(ret_text, size, "%.*s\"…%s", (int)(open - message), message, close);
}

static enum svc_rc classify_sqlstate(const PGresult *result, const char *sqlstate,
                                     struct svc_error *err)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    const bool aborted = strcmp(sqlstate, "25P02") == 0;
    char text[sizeof err->text];
    copy_message(message != NULL ? message : "no message", strncmp(sqlstate, "22", 2) == 0, text,
                 sizeof text);
    return svc_fail(err, svc_pg_sqlstate_rc(sqlstate), aborted ? "pipeline_aborted" : sqlstate,
                    "%s%s%s%s%s%s", text, constraint != NULL ? " (constraint " : "",
                    constraint != NULL ? constraint : "", constraint != NULL ? ")" : "",
                    position != NULL ? " at character " : "", position != NULL ? position : "");
}

enum svc_rc svc_pg_classify(const PGresult *result, const PGconn *conn, struct svc_error *err)
{
    if (result != NULL && PQresultStatus(result) == PGRES_PIPELINE_ABORTED)
        return svc_fail(err, SVC_AGAIN, "pipeline_aborted",
                        "skipped: an earlier statement of the transaction failed");
    const char *sqlstate = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (sqlstate != NULL)
        return classify_sqlstate(result, sqlstate, err);
    const char *message = conn != NULL ? PQerrorMessage(conn) : "";
    const size_t line = strcspn(message, "\n");
    return svc_fail(err, SVC_AGAIN, "connection_lost", "%.*s",
                    line > 0 ? (int)line : (int)strlen("no connection"),
                    line > 0 ? message : "no connection");
}

int64_t svc_pg_i64(const PGresult *result, int row, int column)
{
    int64_t number = 0;
    const char *text = svc_pg_text(result, row, column);
    if (text == NULL || svc_parse_i64(text, INT64_MIN, INT64_MAX, &number) != 0)
        return 0;
    return number;
}

bool svc_pg_bool(const PGresult *result, int row, int column)
{
    const char *text = svc_pg_text(result, row, column);
    return text != NULL && text[0] == 't';
}
