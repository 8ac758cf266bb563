/* tradewirectl: the operator's tool. Every change goes through an SQL function of the table's
 * owner.
 *
 *     tradewirectl <noun> <verb> [--option value]… [--json]
 */
#include "arguments.h"
#include "commands.h"
#include "contracts/codes.h"

#include "svc/log.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

static const struct svc_cfg_item config_items[] = {
    SVC_CFG_LOG(struct ctl_config),
    {"DATABASE_URL", CFG_SECRET, offsetof(struct ctl_config, pg.url), "", 0, 0,
     "Postgres connection URI, role tradewire_operator", NULL},
    {"DATABASE_POOLED", CFG_SWITCH, offsetof(struct ctl_config, pg.pooled), "off", 0, 0,
     "on: behind PgBouncer in transaction mode", NULL},
    {"KAFKA_BROKERS", CFG_STR, offsetof(struct ctl_config, kafka.brokers), "", 0, 0,
     "host:port[,host:port]; for topics", NULL},
    {"KAFKA_OPTIONS", CFG_SECRET, offsetof(struct ctl_config, kafka.options), "", 0, 0,
     "librdkafka properties for TLS and SASL, k=v[,k=v]", NULL},
    {"TOPIC_PREFIX", CFG_STR, offsetof(struct ctl_config, kafka.topic_prefix), "tradewire.", 0, 0,
     "in front of every topic name", NULL},
    {"JWT_SECRET", CFG_SECRET, offsetof(struct ctl_config, jwt_secret), "", 0, 0,
     "key of user tokens, at least 32 bytes; for user token", NULL},
    {"PUBLIC_URL", CFG_STR, offsetof(struct ctl_config, public_url), "http://127.0.0.1:8080", 0, 0,
     "what webhook_url begins with", NULL},
    {0},
};

static const struct svc_program program = {
    .name = "tradewirectl",
    .summary = "set up and look into a Tradewire installation",
    .items = config_items,
};

static int print_help(void)
{
    printf("tradewirectl: %s\n\nusage: tradewirectl <noun> <verb> [--option value]... [--json]\n\n",
           program.summary);
    for (const struct ctl_command *c = ctl_commands; c->noun != NULL; c++)
        printf("  %s %s %s\n      %s\n", c->noun, c->verb, c->usage, c->summary);
    printf("\nexit codes: 0 done, 1 refused or not found, 64 usage, 69 unreachable, 78 "
           "configuration\n\n");
    svc_config_print_help(&program);
    return SVC_EXIT_OK;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0))
        return print_help();
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        return printf("%s %s\n", program.name, TRADEWIRE_VERSION) < 0;
    struct ctl_config config = {0};
    enum svc_exit early = svc_config_load(&program, &config);
    if (early != SVC_EXIT_RUN)
        return early;
    if (argc == 2 && strcmp(argv[1], "--check-config") == 0)
        return SVC_EXIT_OK;
    svc_log_setup(program.name, (enum svc_log_level)config.svc.log_level,
                  (enum svc_log_format)config.svc.log_format);
    if (sodium_init() < 0)
        return SVC_EXIT_SOFTWARE;
    const struct ctl_command *command = ctl_command_find(argc, argv);
    if (command == NULL) {
        fprintf(stderr, "%s: no such command; see tradewirectl --help\n",
                code_name(CODE_BAD_ARGUMENT));
        return SVC_EXIT_USAGE;
    }
    struct arguments args = {0};
    early = arguments_parse(command, argc, argv, &args);
    return early != SVC_EXIT_RUN ? early : command->run(&config, command, &args);
}
