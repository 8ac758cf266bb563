/* Each command: its options to values, one statement, its rows to a document. */
#include "commands.h"

#include "output.h"
#include "pairing_key.h"
#include "store.h"
#include "token.h"
#include "topics.h"

#include "svc/buffer.h"
#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/pg.h"
#include "svc/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

static enum svc_exit refuse(const char *what)
{
    struct svc_error err = {.rc = SVC_OK};
    (void)output_fail(&err, SVC_REJECT, CODE_BAD_ARGUMENT, "%s", what);
    return output_error(&err);
}

/* A statement that found nothing; functions say it themselves. */
static enum code unknown(enum operator_sql statement)
{
    switch (statement) {
    case OPERATOR_SQL_SIGNAL_SHOW:
        return CODE_UNKNOWN_SIGNAL;
    case OPERATOR_SQL_JOB_SHOW:
        return CODE_UNKNOWN_JOB;
    default:
        return CODE_INTERNAL_ERROR;
    }
}

/* Run a statement whose one row is the command's document. */
static enum svc_rc one_row(const struct ctl_config *config, enum operator_sql statement, int count,
                           const char *const *values, json_t **ret_row, struct svc_error *err)
{
    json_t *rows = NULL;
    const enum svc_rc rc = store_run(&config->pg, statement, count, values, &rows, err);
    if (rc != SVC_OK)
        return rc;
    if (json_array_size(rows) == 0) {
        json_decref(rows);
        return output_fail(err, SVC_REJECT, unknown(statement), "there is none with this id");
    }
    *ret_row = json_incref(json_array_get(rows, 0));
    json_decref(rows);
    return SVC_OK;
}

static enum svc_exit print_one(const struct ctl_config *config, const struct arguments *args,
                               enum operator_sql statement, int count, const char *const *values)
{
    json_t *row = NULL;
    struct svc_error err = {.rc = SVC_OK};
    if (one_row(config, statement, count, values, &row, &err) != SVC_OK)
        return output_error(&err);
    return output_print(row, args->json);
}

static enum svc_exit run_topics_apply(const struct ctl_config *config,
                                      const struct ctl_command *command,
                                      const struct arguments *args)
{
    (void)command;
    json_t *rows = NULL;
    struct svc_error err = {.rc = SVC_OK};
    if (topics_apply(&config->kafka, &rows, &err) != SVC_OK)
        return output_error(&err);
    return output_print(args->json ? json_pack("{s:o}", "topics", rows) : rows, args->json);
}

static enum svc_exit run_user_add(const struct ctl_config *config,
                                  const struct ctl_command *command, const struct arguments *args)
{
    (void)command;
    const char *values[] = {arguments_get(args, "email")};
    return print_one(config, args, OPERATOR_SQL_USER_ADD, 1, values);
}

static enum svc_exit run_user_token(const struct ctl_config *config,
                                    const struct ctl_command *command, const struct arguments *args)
{
    (void)command;
    const char *user = arguments_get(args, "user"), *ttl = arguments_get(args, "ttl");
    uint64_t ttl_s = 3600;
    if (!svc_uuid_valid(user))
        return refuse("--user takes a UUID, as `user add` printed it");
    if (ttl != NULL && svc_parse_u64(ttl, 1, 366 * 86400, &ttl_s) != 0)
        return refuse("--ttl takes seconds, 1 to 31622400");
    struct svc_error err = {.rc = SVC_OK};
    SVC_FREE char *token = NULL;
    if (token_make(config->jwt_secret, user, svc_unix_us() / 1000000, (int64_t)ttl_s, &token,
                   &err) != SVC_OK)
        return output_error(&err);
    return output_print(json_pack("{s:s}", "token", token), args->json);
}

/* The key is shown once: it is in the document and nowhere else. */
static enum svc_exit print_with_key(const struct ctl_config *config, const struct arguments *args,
                                    enum operator_sql statement, int count,
                                    const char *const *values, const char *key)
{
    json_t *row = NULL;
    struct svc_error err = {.rc = SVC_OK};
    if (one_row(config, statement, count, values, &row, &err) != SVC_OK)
        return output_error(&err);
    json_object_set_new(row, "pairing_key", json_string(key));
    return output_print(row, args->json);
}

static enum svc_exit run_agent_pair(const struct ctl_config *config,
                                    const struct ctl_command *command, const struct arguments *args)
{
    (void)command;
    struct pairing_key key;
    pairing_key_make(&key);
    const char *values[] = {arguments_get(args, "user"), arguments_get(args, "name"), key.hash,
                            key.prefix};
    const enum svc_exit rc =
        print_with_key(config, args, OPERATOR_SQL_AGENT_PAIR, 4, values, key.key);
    sodium_memzero(&key, sizeof key);
    return rc;
}

static enum svc_exit run_agent_rotate(const struct ctl_config *config,
                                      const struct ctl_command *command,
                                      const struct arguments *args)
{
    (void)command;
    struct pairing_key key;
    pairing_key_make(&key);
    const char *values[] = {arguments_get(args, ""), key.hash, key.prefix};
    const enum svc_exit rc =
        print_with_key(config, args, OPERATOR_SQL_AGENT_ROTATE, 3, values, key.key);
    sodium_memzero(&key, sizeof key);
    return rc;
}

static enum svc_exit run_broker_add(const struct ctl_config *config,
                                    const struct ctl_command *command, const struct arguments *args)
{
    (void)command;
    const char *values[] = {arguments_get(args, "user"), arguments_get(args, "agent"),
                            arguments_get(args, "name")};
    return print_one(config, args, OPERATOR_SQL_BROKER_ADD, 3, values);
}

/* "EURUSD,GBPUSD" → '{"EURUSD","GBPUSD"}'; "" is the empty list: no symbol at all. */
static void pairs_array(const char *pairs, struct svc_buffer *ret)
{
    svc_pg_array_begin(ret);
    while (*pairs != '\0') {
        const size_t len = strcspn(pairs, ",");
        if (len > 0)
            svc_pg_array_add_bytes(ret, pairs, len);
        pairs += len + (pairs[len] == ',' ? 1 : 0);
    }
    svc_pg_array_end(ret);
}

/* k=v to a JSON member; whole numbers become numbers, all else stays text. The database judges
 * names and values. */
static json_t *settings_object(const struct arguments *args)
{
    json_t *settings = json_object();
    for (size_t i = 0; i < args->repeat_count; i++) {
        const char *equals = strchr(args->repeats[i], '=');
        uint64_t number = 0;
        if (equals == NULL || equals == args->repeats[i]) {
            json_decref(settings);
            return NULL;
        }
        SVC_FREE char *name = strndup(args->repeats[i], (size_t)(equals - args->repeats[i]));
        json_object_set_new(settings, name,
                            svc_parse_u64(equals + 1, 0, INT64_MAX, &number) == 0
                                ? json_integer((json_int_t)number)
                                : json_string(equals + 1));
    }
    return settings;
}

static enum svc_exit run_strategy_add(const struct ctl_config *config,
                                      const struct ctl_command *command,
                                      const struct arguments *args)
{
    (void)command;
    json_t *settings = settings_object(args), *row = NULL;
    if (settings == NULL)
        return refuse("--set takes name=value");
    SVC_FREE char *settings_text = json_dumps(settings, JSON_COMPACT);
    json_decref(settings);
    SVC_CLEANUP(svc_buffer_done) struct svc_buffer pairs = {0};
    const char *wanted = arguments_get(args, "pairs");
    if (wanted != NULL)
        pairs_array(wanted, &pairs);
    const char *values[] = {arguments_get(args, "user"),   arguments_get(args, "name"),
                            arguments_get(args, "broker"), wanted != NULL ? pairs.bytes : NULL,
                            arguments_get(args, "risk"),   settings_text};
    struct svc_error err = {.rc = SVC_OK};
    if (one_row(config, OPERATOR_SQL_STRATEGY_ADD, 6, values, &row, &err) != SVC_OK)
        return output_error(&err);
    json_object_set_new(row, "webhook_url",
                        json_sprintf("%s/webhook/tradingview/%s", config->public_url,
                                     json_string_value(json_object_get(row, "webhook_secret"))));
    return output_print(row, args->json);
}

static enum svc_exit run_signal_list(const struct ctl_config *config,
                                     const struct ctl_command *command,
                                     const struct arguments *args)
{
    (void)command;
    const char *limit = arguments_get(args, "limit");
    uint64_t number = 0;
    if (limit != NULL && svc_parse_u64(limit, 1, 10000, &number) != 0)
        return refuse("--limit takes 1 to 10000");
    const char *values[] = {arguments_get(args, "user"), arguments_get(args, "status"),
                            limit != NULL ? limit : "50"};
    json_t *rows = NULL;
    struct svc_error err = {.rc = SVC_OK};
    if (store_run(&config->pg, OPERATOR_SQL_SIGNAL_LIST, 3, values, &rows, &err) != SVC_OK)
        return output_error(&err);
    return output_print(args->json ? json_pack("{s:o}", "signals", rows) : rows, args->json);
}

static enum svc_exit run_signal_show(const struct ctl_config *config,
                                     const struct ctl_command *command,
                                     const struct arguments *args)
{
    (void)command;
    const char *values[] = {arguments_get(args, "")};
    return print_one(config, args, OPERATOR_SQL_SIGNAL_SHOW, 1, values);
}

static enum svc_exit run_job_show(const struct ctl_config *config,
                                  const struct ctl_command *command, const struct arguments *args)
{
    (void)command;
    const char *values[] = {arguments_get(args, "")};
    return print_one(config, args, OPERATOR_SQL_JOB_SHOW, 1, values);
}

static enum svc_exit run_job_resolve(const struct ctl_config *config,
                                     const struct ctl_command *command,
                                     const struct arguments *args)
{
    (void)command;
    char who[64];
    if (getlogin_r(who, sizeof who) != 0)
        (void)snprintf(who, sizeof who, "uid %u", (unsigned)getuid());
    const char *values[] = {arguments_get(args, ""),       arguments_get(args, "outcome"),
                            arguments_get(args, "price"),  arguments_get(args, "ticket"),
                            arguments_get(args, "volume"), who,
                            arguments_get(args, "reason")};
    return print_one(config, args, OPERATOR_SQL_JOB_RESOLVE, 7, values);
}

static enum svc_exit run_status(const struct ctl_config *config, const struct ctl_command *command,
                                const struct arguments *args)
{
    (void)command;
    return print_one(config, args, OPERATOR_SQL_STATUS, 0, NULL);
}

const struct ctl_command ctl_commands[] = {
    {"topics",
     "apply",
     2,
     "",
     "make the Kafka topics and set their settings; safe to repeat",
     {{0}},
     run_topics_apply},
    {"user",
     "add",
     2,
     "--email E",
     "add a user (plain Postgres), or find the one of this address",
     {{"email", true, false}},
     run_user_add},
    {"user",
     "token",
     2,
     "--user U [--ttl SECONDS]",
     "sign a token for the user (plain Postgres, tests)",
     {{"user", true, false}, {"ttl", false, false}},
     run_user_token},
    {"agent",
     "pair",
     2,
     "--user U --name N",
     "make an agent; its pairing key is shown this once",
     {{"user", true, false}, {"name", true, false}},
     run_agent_pair},
    {"agent",
     "rotate",
     2,
     "AGENT",
     "give the agent a new key, and let it bind a new key file and journal",
     {{"", true, false}},
     run_agent_rotate},
    {"broker",
     "add",
     2,
     "--user U --agent A --name N",
     "add a broker connection served by the agent",
     {{"user", true, false}, {"agent", true, false}, {"name", true, false}},
     run_broker_add},
    {"strategy",
     "add",
     2,
     "--user U --name N [--broker B] [--pairs EURUSD,GBPUSD] [--risk 1.00] [--set k=v]...",
     "add a strategy; prints its webhook secret and URL",
     {{"user", true, false},
      {"name", true, false},
      {"broker", false, false},
      {"pairs", false, false},
      {"risk", false, false},
      {"set", false, true}},
     run_strategy_add},
    {"signal",
     "list",
     2,
     "[--user U] [--status S] [--limit N]",
     "newest signals first",
     {{"user", false, false}, {"status", false, false}, {"limit", false, false}},
     run_signal_list},
    {"signal",
     "show",
     2,
     "SIGNAL",
     "one signal with its job and timeline",
     {{"", true, false}},
     run_signal_show},
    {"job", "show", 2, "JOB", "one job", {{"", true, false}}, run_job_show},
    {"job",
     "resolve",
     2,
     "JOB --outcome executed|not_executed --reason TEXT [--price P] [--ticket T] [--volume V]",
     "say what became of a job whose outcome is unknown; recorded in the audit log",
     {{"", true, false},
      {"outcome", true, false},
      {"reason", true, false},
      {"price", false, false},
      {"ticket", false, false},
      {"volume", false, false}},
     run_job_resolve},
    {"status", "", 1, "", "what waits, what runs, what needs somebody", {{0}}, run_status},
    {0},
};

const struct ctl_command *ctl_command_find(int argc, char **argv)
{
    for (const struct ctl_command *c = ctl_commands; c->noun != NULL; c++)
        if (argc > c->words && strcmp(argv[1], c->noun) == 0 &&
            (c->words == 1 || strcmp(argv[2], c->verb) == 0))
            return c;
    return NULL;
}
