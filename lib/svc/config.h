/* Configuration: one table per program, the environment is the only source (12-factor).
 *
 * The table parses, checks ranges, prints --help, and prints the effective values at start. All
 * faults are reported in one go. Secrets may come as NAME_FILE (one trailing line end is cut) and
 * print as ***. getenv appears in config.c only. Strings live until the process ends. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum svc_cfg_type {
    CFG_STR,    /* const char *; fallback NULL = required, "" = may be empty */
    CFG_U32,    /* uint32_t within [min, max] */
    CFG_SWITCH, /* bool: off or on */
    CFG_SECRET, /* const char *; also from NAME_FILE */
    CFG_CHOICE, /* uint32_t: index into `choices`, words separated by '|' */
};

struct svc_cfg_item {
    const char *name;
    enum svc_cfg_type type;
    size_t offset;        /* of the member in the program's struct config */
    const char *fallback; /* as text; NULL: required */
    uint32_t min, max;    /* CFG_U32 only */
    const char *help;     /* with the unit */
    const char *choices;  /* CFG_CHOICE only */
};

/* The settings every service has; embed as the member `svc` of struct config and start the table
 * with SVC_CFG_SERVICE(struct config, ":9101"). */
struct svc_cfg_service {
    uint32_t log_level;  /* index of debug|info|warn|error */
    uint32_t log_format; /* index of logfmt|json */
    const char *admin_listen;
    uint32_t drain_timeout_ms;
};
#define SVC_CFG_LOG(type)                                                                          \
    {"LOG_LEVEL", CFG_CHOICE, offsetof(type, svc.log_level), "info",                               \
     0,           0,          "least level printed",         "debug|info|warn|error"},             \
    {                                                                                              \
        "LOG_FORMAT", CFG_CHOICE, offsetof(type, svc.log_format), "logfmt", 0, 0, "line format",   \
            "logfmt|json"                                                                          \
    }
#define SVC_CFG_SERVICE(type, admin)                                                               \
    SVC_CFG_LOG(type),                                                                             \
        {"ADMIN_LISTEN",                                                                           \
         CFG_STR,                                                                                  \
         offsetof(type, svc.admin_listen),                                                         \
         admin,                                                                                    \
         0,                                                                                        \
         0,                                                                                        \
         "address of /healthz, /readyz and /metrics",                                              \
         NULL},                                                                                    \
    {                                                                                              \
        "DRAIN_TIMEOUT_MS", CFG_U32, offsetof(type, svc.drain_timeout_ms), "10000", 0, 60000,      \
            "how long to finish work after SIGTERM, ms", NULL                                      \
    }
/* The settings of everything that talks to Kafka or Postgres; members `kafka` and `pg`. */
struct svc_cfg_kafka {
    const char *brokers, *options, *topic_prefix, *instance;
};
struct svc_cfg_pg {
    const char *url;
    bool pooled;
};
#define SVC_CFG_KAFKA(type)                                                                        \
    {"KAFKA_BROKERS",         CFG_STR, offsetof(type, kafka.brokers), NULL, 0, 0,                  \
     "host:port[,host:port]", NULL},                                                               \
        {"KAFKA_OPTIONS",                                                                          \
         CFG_SECRET,                                                                               \
         offsetof(type, kafka.options),                                                            \
         "",                                                                                       \
         0,                                                                                        \
         0,                                                                                        \
         "librdkafka properties for TLS and SASL, k=v[,k=v]",                                      \
         NULL},                                                                                    \
    {                                                                                              \
        "TOPIC_PREFIX", CFG_STR, offsetof(type, kafka.topic_prefix), "tradewire.", 0, 0,           \
            "in front of every topic and group name", NULL                                         \
    }
#define SVC_CFG_INSTANCE(type)                                                                     \
    {                                                                                              \
        "CONSUMER_INSTANCE", CFG_STR, offsetof(type, kafka.instance), "", 0, 0,                    \
            "stable unique name of this instance: static group membership", NULL                   \
    }
#define SVC_CFG_PG(type)                                                                           \
    {"DATABASE_URL",                                                                               \
     CFG_SECRET,                                                                                   \
     offsetof(type, pg.url),                                                                       \
     NULL,                                                                                         \
     0,                                                                                            \
     0,                                                                                            \
     "Postgres connection URI",                                                                    \
     NULL},                                                                                        \
    {                                                                                              \
        "DATABASE_POOLED", CFG_SWITCH, offsetof(type, pg.pooled), "off", 0, 0,                     \
            "on: behind PgBouncer in transaction mode", NULL                                       \
    }

enum svc_exit { /* sysexits.h; house-style.md section 6 */
                SVC_EXIT_RUN = -1,
                SVC_EXIT_OK = 0,
                SVC_EXIT_FAILED = 1,
                SVC_EXIT_USAGE = 64,
                SVC_EXIT_UNAVAILABLE = 69,
                SVC_EXIT_SOFTWARE = 70,
                SVC_EXIT_DEADLINE = 75,
                SVC_EXIT_CONFIG = 78,
};

struct svc_program {
    const char *name;                 /* "job-dispatcher" */
    const char *summary;              /* one sentence for --help */
    const struct svc_cfg_item *items; /* ends with a NULL name */
};

/* For services, which take no arguments but --help, --version and --check-config: parse everything,
 * set up logging (LOG_LEVEL and LOG_FORMAT must be in the table), print the effective values as one
 * log line each at debug and one line at info, hold SIGTERM and SIGINT back for svc_run. Returns
 * SVC_EXIT_RUN to go on, else the exit code. */
enum svc_exit svc_start(int argc, char **argv, const struct svc_program *program, void *config);

/* For command-line tools with arguments of their own: fill config from the environment; faults are
 * printed to stderr. SVC_EXIT_RUN or SVC_EXIT_CONFIG. */
enum svc_exit svc_config_load(const struct svc_program *program, void *config);
/* The settings part of --help, to stdout. */
void svc_config_print_help(const struct svc_program *program);
