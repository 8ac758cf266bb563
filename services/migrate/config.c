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
    {0},
};

static const struct svc_program program = {
    .name = "migrate",
    .summary = "bring the database's schema to what the programs need",
    .items = config_items,
};

static void print_help(void)
{
    (void)printf(
        "%s: %s\n\n"
        "Usage: migrate up     [--dir DIR] [--lock-wait 60s] [--json]\n"
        "       migrate status [--dir DIR] [--exit-code] [--json]\n\n"
        "  up           apply what is not applied yet, each file in one transaction\n"
        "  status       say what is applied, what is pending and what does not fit\n"
        "  --dir DIR    take the files from DIR instead of those in the program\n"
        "  --lock-wait  how long to wait while another migrate is at work: 60s, 500ms, 2m\n"
        "  --exit-code  exit 7 when something is pending\n"
        "  --json       one JSON document on stdout; progress goes to stderr\n"
        "  --check-config  check arguments and settings, connect to nothing\n\n",
        program.name, program.summary);
    svc_config_print_help(&program);
    (void)puts("\nExit codes: 0 done, 1 SQL error, 2 usage, 3 files and history do not fit,\n"
               "4 lock, 5 connection or permission, 7 pending (status --exit-code).");
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

/* One option and, where it has one, its value: "--name value" or "--name=value". */
static const char *option_value(const char *name, int argc, char **argv, int *at)
{
    size_t len = strlen(name);
    if (strncmp(argv[*at], name, len) != 0)
        return NULL;
    if (argv[*at][len] == '=')
        return argv[*at] + len + 1;
    return argv[*at][len] == '\0' && *at + 1 < argc ? argv[++*at] : NULL;
}

static bool parse_options(int argc, char **argv, struct config *config, bool *ret_check,
                          enum migrate_exit *ret_exit)
{
    for (int i = 2; i < argc; i++) {
        const char *argument = argv[i], *value;
        if (strcmp(argument, "--json") == 0)
            config->json = true;
        else if (strcmp(argument, "--exit-code") == 0 && config->command == COMMAND_STATUS)
            config->exit_code = true;
        else if (strcmp(argument, "--check-config") == 0)
            *ret_check = true;
        else if ((value = option_value("--dir", argc, argv, &i)) != NULL)
            config->folder = value;
        else if (config->command == COMMAND_UP &&
                 (value = option_value("--lock-wait", argc, argv, &i)) != NULL) {
            if (config_duration_ms(value, &config->lock_wait_ms) != 0)
                return refuse("a time like 60s, 500ms or 2m, at most a day", value, ret_exit);
        } else
            return refuse("unknown option, or its value is missing", argument, ret_exit);
    }
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
    if (strcmp(word, "--check-config") == 0 || strcmp(word, "up") == 0)
        config->command = COMMAND_UP;
    else if (strcmp(word, "status") == 0)
        config->command = COMMAND_STATUS;
    else
        return refuse("the first argument is a command: up or status", word, ret_exit);
    *ret_check = word[0] == '-';
    return parse_options(argc, argv, config, ret_check, ret_exit);
}

bool config_load(int argc, char **argv, struct config *ret_config, enum migrate_exit *ret_exit)
{
    bool check = false;
    *ret_config = (struct config){.lock_wait_ms = 60000};
    if (!parse_command(argc, argv, ret_config, &check, ret_exit))
        return false;
    *ret_exit = MIGRATE_USAGE;
    if (svc_config_load(&program, ret_config) != SVC_EXIT_RUN)
        return false;
    ret_config->url = *ret_config->migrate_url ? ret_config->migrate_url : ret_config->database_url;
    if (!*ret_config->url) {
        (void)fprintf(stderr, "migrate: MIGRATE_DATABASE_URL or DATABASE_URL is required\n");
        return false;
    }
    if (check)
        *ret_exit = MIGRATE_OK;
    return !check;
}
