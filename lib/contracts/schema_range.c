/* The schema's version against the program's. */
#include "contracts/schema_range.h"

#include "contracts_sql.h"

#include <inttypes.h>
#include <stdio.h>

const struct schema_range schema_range = {
    .needs = 20251109000000, /* raise it with the first program that uses a later file */
    .knows = SCHEMA_KNOWS,
};

bool schema_judge(const struct schema_range *range, const struct schema_found *found,
                  char ret_text[SCHEMA_TEXT])
{
    const bool old = found->newest < range->needs;
    const bool shrunk = found->newest_contract > range->knows;
    if (found->newest == 0)
        (void)snprintf(ret_text, SCHEMA_TEXT, "no migration is applied: run migrate up");
    else if (old)
        (void)snprintf(ret_text, SCHEMA_TEXT,
                       "schema %" PRIu64 ", but at least %" PRIu64 " is needed: run migrate up",
                       found->newest, range->needs);
    else if (shrunk)
        (void)snprintf(ret_text, SCHEMA_TEXT,
                       "schema was narrowed by %" PRIu64 ", this program knows up to %" PRIu64
                       ": run the newer release",
                       found->newest_contract, range->knows);
    else
        (void)snprintf(ret_text, SCHEMA_TEXT,
                       "schema %" PRIu64 "; accepted: %" PRIu64 " or newer, not narrowed after "
                       "%" PRIu64,
                       found->newest, range->needs, range->knows);
    return !old && !shrunk;
}

static enum svc_rc judge(void *arg, const PGresult *result, struct svc_error *err)
{
    const struct schema_watch *watch = arg;
    char text[SCHEMA_TEXT];
    bool good = false;
    if (result != NULL) {
        const struct schema_found found = {.newest = (uint64_t)svc_pg_i64(result, 0, 0),
                                           .newest_contract = (uint64_t)svc_pg_i64(result, 0, 1)};
        good = schema_judge(&schema_range, &found, text);
    } else {
        (void)snprintf(text, sizeof text, "the history of migrations cannot be read (%.90s): %s",
                       err->text, "run migrate up");
    }
    watch->judged(watch->arg, good, text);
    return good ? SVC_OK : svc_fail(err, SVC_AGAIN, "schema_out_of_range", "%s", text);
}

struct svc_pg_gate schema_gate(struct schema_watch *watch)
{
    return (struct svc_pg_gate){
        .sql = contracts_statements[CONTRACTS_SQL_SCHEMA_FOUND].text, .judge = judge, .arg = watch};
}
