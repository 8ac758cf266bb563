/* Rows to JSON by their Postgres type. */
#include "store.h"

#include "output.h"

#include "svc/cleanup.h"
#include "svc/pg.h"

#include <string.h>

enum {
    OID_BOOL = 16,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_JSONB = 3802,
    DEADLINE_MS = 15000,
    SQLSTATE_LEN = 5
};

static json_t *column_json(const PGresult *result, int row, int column)
{
    const char *text = svc_pg_text(result, row, column);
    if (text == NULL)
        return json_null();
    switch (PQftype(result, column)) {
    case OID_BOOL:
        return json_boolean(svc_pg_bool(result, row, column));
    case OID_INT8:
    case OID_INT4:
    case OID_INT2:
        return json_integer(svc_pg_i64(result, row, column));
    case OID_JSONB: {
        /* A number in it that jansson cannot hold (1e400) keeps the whole column as text. */
        json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
        return value != NULL ? value : json_string(text);
    }
    default:
        return json_string(text);
    }
}

static json_t *rows_json(const PGresult *result)
{
    json_t *rows = json_array();
    for (int row = 0; row < PQntuples(result); row++) {
        json_t *object = json_object();
        for (int column = 0; column < PQnfields(result); column++)
            json_object_set_new(object, PQfname(result, column), column_json(result, row, column));
        json_array_append_new(rows, object);
    }
    return rows;
}

static enum code code_of(const struct svc_error *err)
{
    if (strcmp(err->code, "database_url") == 0)
        return CODE_BAD_CONFIG;
    if (strcmp(err->code, code_name(CODE_SCHEMA_MISMATCH)) == 0)
        return CODE_SCHEMA_MISMATCH;
    if (err->rc == SVC_AGAIN)
        return CODE_DATABASE_UNREACHABLE;
    if (err->rc == SVC_REJECT) /* data, constraints, limits */
        return CODE_BAD_ARGUMENT;
    return strlen(err->code) == SQLSTATE_LEN ? CODE_DATABASE_REFUSED : CODE_INTERNAL_ERROR;
}

/* To a code that docs/codes.md explains. A function of the schema says it in front of its message;
 * what Postgres itself says has an SQLSTATE. */
static void translate(struct svc_error *err)
{
    const char *colon = strstr(err->text, ": ");
    const size_t len = colon != NULL ? (size_t)(colon - err->text) : 0;
    char code[sizeof err->code];
    if (len > 0 && len < sizeof code && code_known(err->text, (long)len)) {
        memcpy(code, err->text, len);
        code[len] = '\0';
        (void)svc_fail(err, err->rc, code, "%s", colon + 2);
    } else {
        (void)output_fail(err, err->rc, code_of(err), "%s", err->text);
    }
}

enum svc_rc store_run(const struct svc_cfg_pg *pg, enum operator_sql statement, int value_count,
                      const char *const *values, json_t **ret_rows, struct svc_error *err)
{
    if (pg->url[0] == '\0')
        return output_fail(err, SVC_REJECT, CODE_BAD_CONFIG, "DATABASE_URL is not set");
    const struct svc_pg_options options = {.server = *pg,
                                           .application_name = "tradewirectl",
                                           .statements = operator_statements,
                                           .statement_count = OPERATOR_SQL_COUNT,
                                           .deadline_ms = DEADLINE_MS};
    SVC_CLEANUP(svc_pg_close) struct svc_pg *connection = NULL;
    SVC_PGRESULT PGresult *result = NULL;
    enum svc_rc rc = svc_pg_new(&options, &connection, err);
    if (rc == SVC_OK)
        rc = svc_pg_ready(connection, err);
    if (rc == SVC_OK)
        rc = svc_pg_run(connection, (int)statement, value_count, values, &result, err);
    if (rc == SVC_OK)
        *ret_rows = rows_json(result);
    else
        translate(err);
    return rc;
}
