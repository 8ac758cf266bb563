/* The command line; the environment through svc_config. */
#include "config.h"

#include "svc/config.h"
#include "svc/text.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct svc_cfg_item config_items[] = {
    {"MIGRATE_DATABASE_URL", CFG_SECRET, offsetof(struct config, migrate_url), "", 0, 0,
     "Postgres connection URI of the role that owns the schema; default DATABASE_URL", NULL},
    {"DATABASE_URL", CFG_SECRET, offsetof(struct config, database_url), "", 0, 0,
     "used where MIGRATE_DATABASE_URL is not set", NULL},
    {"MIGRATE_SCRATCH_URL", CFG_SECRET, offsetof(struct config, against), "", 0, 0,
     "an empty database to run files in and compare with; default: one is made, and dropped", NULL},
    {0},
};

static const struct svc_program program = {
    .name = "migrate",
    .summary = "bring the database's schema to what the programs need",
    .items = config_items,
};

#define BIT(command) (1U << (command))
enum {
    ALL = BIT(COMMAND_COUNT) - 1,
    ON_DATABASE = ALL & ~(BIT(COMMAND_LINT) | BIT(COMMAND_NEW)),
    CHANGING = BIT(COMMAND_UP) | BIT(COMMAND_DOWN) | BIT(COMMAND_PLAN) | BIT(COMMAND_BASELINE) |
               BIT(COMMAND_REPAIR),
    RUNNING = BIT(COMMAND_UP) | BIT(COMMAND_DOWN) | BIT(COMMAND_PLAN),
};

static const struct {
    const char *name, *help;
} commands[] = {
    [COMMAND_UP] = {"up", "apply what is not applied yet, each file in one transaction"},
    [COMMAND_DOWN] = {"down", "take back the newest files: --to VERSION stays, or --steps N go"},
    [COMMAND_STATUS] = {"status", "say what is applied, what is pending and what does not fit"},
    [COMMAND_VERIFY] = {"verify", "compare the database with what the applied files promise"},
    [COMMAND_PLAN] = {"plan", "execute what is pending, say what it does, roll it back"},
    [COMMAND_BASELINE] = {"baseline", "record files up to --to as applied where they already are"},
    [COMMAND_REPAIR] = {"repair", "say how a history that does not fit can be mended"},
    [COMMAND_LINT] = {"lint", "look for risky or unclear SQL in [FILE…], or in all files"},
    [COMMAND_NEW] = {"new", "make the three files of a migration NAME"},
};

const char *config_command_name(enum command command)
{
    return commands[command].name;
}

/* What an option's value becomes. */
enum option_type { FLAG, DURATION, VERSION, COUNT, TEXT };

static const struct option {
    const char *name, *value, *help;
    enum option_type type;
    size_t offset; /* into struct config */
    uint64_t min;
    unsigned commands; /* BITs */
} options[] = {
    {"--dir", "DIR", "take the files from DIR instead of those in the program", TEXT,
     offsetof(struct config, folder), 0, ALL},
    {"--json", NULL, "one JSON document on stdout; progress goes to stderr", FLAG,
     offsetof(struct config, json), 0, ALL},
    {"--wait", "TIME", "how long to wait for a server that does not answer yet; default 0s",
     DURATION, offsetof(struct config, wait_ms), 0, ON_DATABASE},
    {"--lock-wait", "TIME",
     "how long to wait for another migrate, and for tables in use: 60s (default), 500ms, 2m",
     DURATION, offsetof(struct config, lock_wait_ms), 0, CHANGING},
    {"--lock-timeout", "TIME", "one try for a table's lock, others queue behind it; default 1s",
     DURATION, offsetof(struct config, lock_timeout_ms), 1, RUNNING},
    {"--dry-run", NULL, "the same as `plan`", FLAG, offsetof(struct config, command), 0,
     BIT(COMMAND_UP)},
    {"--to", "VERSION", "down: the newest file that stays, 0 for none; baseline: the last one",
     VERSION, offsetof(struct config, to), 0, BIT(COMMAND_DOWN) | BIT(COMMAND_BASELINE)},
    {"--steps", "N", "how many files to take back", COUNT, offsetof(struct config, steps), 1,
     BIT(COMMAND_DOWN)},
    {"--allow-data-loss", NULL, "take back files although rows are lost with them", FLAG,
     offsetof(struct config, allow_data_loss), 0, BIT(COMMAND_DOWN)},
    {"--exit-code", NULL, "exit 7 when something is pending", FLAG,
     offsetof(struct config, exit_code), 0, BIT(COMMAND_STATUS)},
    {"--min-version", "VERSION", "only ask whether this file is applied", VERSION,
     offsetof(struct config, min_version), 1, BIT(COMMAND_VERIFY)},
    {"--force-mismatch", NULL, "record although the database looks otherwise; needs --reason", FLAG,
     offsetof(struct config, force_mismatch), 0, BIT(COMMAND_BASELINE)},
    {"--reason", "TEXT", "why; it is kept in the history", TEXT, offsetof(struct config, reason), 0,
     BIT(COMMAND_BASELINE)},
    {"--no-transaction", NULL, "the files run statement by statement", FLAG,
     offsetof(struct config, no_transaction), 0, BIT(COMMAND_NEW)},
    {"--apply", NULL, "do it; without this the repair is only shown", FLAG,
     offsetof(struct config, apply), 0, BIT(COMMAND_REPAIR)},
};
enum { OPTION_COUNT = sizeof options / sizeof *options };

static void print_users(const struct option *option)
{
    if (option->commands == ALL)
        return;
    const char *separator = "  [";
    for (unsigned c = 0; c < COMMAND_COUNT; c++)
        if (option->commands & BIT(c)) {
            (void)printf("%s%s", separator, commands[c].name);
            separator = ", ";
        }
    (void)putchar(']');
}

static void print_help(void)
{
    (void)printf("%s: %s\n\nUsage: migrate COMMAND [OPTION…]\n\n", program.name, program.summary);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        (void)printf("  %-9s %s\n", commands[i].name, commands[i].help);
    (void)putchar('\n');
    for (const struct option *o = options; o < options + OPTION_COUNT; o++) {
        (void)printf("  %s%s%s\n      %s", o->name, o->value ? " " : "", o->value ? o->value : "",
                     o->help);
        print_users(o);
        (void)putchar('\n');
    }
    (void)puts("  --check-config\n      check arguments and settings, connect to nothing\n");
    svc_config_print_help(&program);
    (void)puts(
        "\nExit codes: 0 done, 1 SQL error, 2 usage, 3 files and history do not fit, 4 lock,\n"
        "5 connection, pooler or permission, 6 verify or lint found something,\n"
        "7 pending (status --exit-code).");
}

int config_duration_ms(const char *text, uint32_t *ret_ms)
{
    static const struct {
        const char *unit;
        uint32_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"", 1000}};
    size_t digits = strspn(text, "0123456789");
    char number[12];
    uint64_t value;
    if (digits == 0 || digits >= sizeof number)
        return -1;
    memcpy(number, text, digits);
    number[digits] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(text + digits, units[i].unit) == 0 &&
            svc_parse_u64(number, 0, 86400000 / units[i].ms, &value) == 0) {
            *ret_ms = (uint32_t)value * units[i].ms;
            return 0;
        }
    return -1;
}

static bool refuse(const char *what, const char *argument, enum migrate_exit *ret_exit)
{
    (void)fprintf(stderr, "migrate: %s: %s (see migrate --help)\n", argument, what);
    *ret_exit = MIGRATE_USAGE;
    return false;
}

/* NULL: good; else what is wrong. */
static const char *set_value(struct config *config, const struct option *option, const char *value)
{
    char *member = (char *)config + option->offset;
    uint64_t number;
    uint32_t ms;
    switch (option->type) {
    case DURATION:
        if (config_duration_ms(value, &ms) != 0 || ms < option->min)
            return "a time like 60s, 500ms or 2m, at most a day";
        memcpy(member, &ms, sizeof ms);
        break;
    case VERSION:
        if (svc_parse_u64(value, option->min, INT64_MAX, &number) != 0)
            return "not a version: the digits in front of a file's name";
        memcpy(member, &number, sizeof number);
        config->has_to = config->has_to || option->offset == offsetof(struct config, to);
        break;
    case COUNT:
        if (svc_parse_u64(value, option->min, 1000, &number) != 0)
            return "a number from 1 to 1000";
        memcpy(member, &(uint32_t){(uint32_t)number}, sizeof(uint32_t));
        break;
    case TEXT:
        if (!*value)
            return "may not be empty";
        memcpy(member, &value, sizeof value);
        break;
    case FLAG:
        break;
    }
    return NULL;
}

/* A flag by its name; with a value as "--name value" or "--name=value". */
static bool is_option(const struct option *option, const char *argument)
{
    size_t len = strlen(option->name);
    return strncmp(argument, option->name, len) == 0 &&
           (argument[len] == '\0' || (argument[len] == '=' && option->type != FLAG));
}

static void set_flag(struct config *config, const struct option *option)
{
    if (option->offset == offsetof(struct config, command)) /* --dry-run */
        config->command = COMMAND_PLAN;
    else
        memcpy((char *)config + option->offset, &(bool){true}, sizeof(bool));
}

static bool parse_option(int argc, char **argv, int *at, unsigned command_bit,
                         struct config *config, enum migrate_exit *ret_exit)
{
    const char *argument = argv[*at];
    for (const struct option *o = options; o < options + OPTION_COUNT; o++) {
        if (!is_option(o, argument) || !(o->commands & command_bit))
            continue;
        if (o->type == FLAG) {
            set_flag(config, o);
            return true;
        }
        const char *equals = strchr(argument, '=');
        if (!equals && *at + 1 >= argc)
            return refuse("its value is missing", argument, ret_exit);
        const char *value = equals ? equals + 1 : argv[++*at];
        const char *wrong = set_value(config, o, value);
        return wrong ? refuse(wrong, argument, ret_exit) : true;
    }
    return refuse("no option of this command", argument, ret_exit);
}

/* Options first and last, what is left are arguments, which are moved to the front. */
static bool parse_options(int argc, char **argv, struct config *config, bool *ret_check,
                          enum migrate_exit *ret_exit)
{
    unsigned command_bit = BIT(config->command);
    config->arguments = argv + 2;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--check-config") == 0)
            *ret_check = true;
        else if (argv[i][0] != '-')
            argv[2 + config->argument_count++] = argv[i];
        else if (!parse_option(argc, argv, &i, command_bit, config, ret_exit))
            return false;
    }
    return true;
}

/* What belongs together. */
static bool check_options(const struct config *config, enum migrate_exit *ret_exit)
{
    const char *name = commands[config->command].name;
    if (config->command == COMMAND_NEW ? config->argument_count != 1
                                       : config->argument_count && config->command != COMMAND_LINT)
        return refuse(config->command == COMMAND_NEW ? "it takes one NAME"
                                                     : "it takes no arguments",
                      name, ret_exit);
    if (config->command == COMMAND_DOWN && config->has_to == (config->steps > 0))
        return refuse("say how far: --to VERSION (0: all the way), or --steps N", name, ret_exit);
    if (config->command == COMMAND_BASELINE && (!config->has_to || config->to == 0))
        return refuse("--to VERSION is required", name, ret_exit);
    if (config->force_mismatch && !config->reason)
        return refuse("--force-mismatch needs --reason TEXT", name, ret_exit);
    return true;
}

/* --help, --version and --check-config stand alone, as with every program here. */
static bool parse_command(int argc, char **argv, struct config *config, bool *ret_check,
                          enum migrate_exit *ret_exit)
{
    const char *word = argc > 1 ? argv[1] : "";
    *ret_exit = MIGRATE_OK;
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help();
        return false;
    }
    if (strcmp(word, "--version") == 0) {
        (void)printf("migrate %s\n", TRADEWIRE_VERSION);
        return false;
    }
    if (strcmp(word, "--check-config") == 0) {
        *ret_check = true;
        return true;
    }
    for (unsigned c = 0; c < COMMAND_COUNT; c++)
        if (strcmp(word, commands[c].name) == 0) {
            config->command = (enum command)c;
            return parse_options(argc, argv, config, ret_check, ret_exit) &&
                   check_options(config, ret_exit);
        }
    return refuse("the first argument is a command: up, down, status, verify, plan, baseline, "
                  "repair, lint or new",
                  word, ret_exit);
}

bool config_load(int argc, char **argv, struct config *ret_config, enum migrate_exit *ret_exit)
{
    bool check = false;
    *ret_config = (struct config){.lock_wait_ms = 60000, .lock_timeout_ms = 1000};
    if (!parse_command(argc, argv, ret_config, &check, ret_exit))
        return false;
    *ret_exit = MIGRATE_USAGE;
    if (svc_config_load(&program, ret_config) != SVC_EXIT_RUN)
        return false;
    ret_config->url = *ret_config->migrate_url ? ret_config->migrate_url : ret_config->database_url;
    if (!*ret_config->url && (BIT(ret_config->command) & ON_DATABASE)) {
        (void)fprintf(stderr, "migrate: MIGRATE_DATABASE_URL or DATABASE_URL is required\n");
        return false;
    }
    if (!*ret_config->against)
        ret_config->against = NULL;
    if (check)
        *ret_exit = MIGRATE_OK;
    return !check;
}
