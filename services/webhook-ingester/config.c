#include "config.h"

#define CONFIG_U32(name, member, fallback, min, max, help)                                         \
    {                                                                                              \
        name, CFG_U32, offsetof(struct config, member), fallback, min, max, help, NULL             \
    }

static const struct svc_cfg_item items[] = {
    SVC_CFG_SERVICE(struct config, "127.0.0.1:9101"),
    SVC_CFG_KAFKA(struct config),
    SVC_CFG_PG(struct config),
    {"INGESTER_LISTEN", CFG_STR, offsetof(struct config, listen), "127.0.0.1:8080", 0, 0,
     "address of the webhooks", NULL},
    /* The sender gives up after 3 s, and only a 5xx makes it send again. */
    CONFIG_U32("INGESTER_DEADLINE_MS", deadline_ms, "2000", 100, 2500,
               "not durable by then, counted from the end of the headers: 503, ms"),
    CONFIG_U32("INGESTER_IN_FLIGHT_MAX", in_flight_max, "10000", 16, 200000,
               "alerts waiting for Kafka; above it 503"),
    CONFIG_U32("INGESTER_GATHER_MS", gather_ms, "2", 1, 100,
               "longest wait of an alert for earlier ones to be reported by Kafka, ms"),
    CONFIG_U32("INGESTER_CONNECTIONS_MAX", connections_max, "4000", 16, 60000,
               "open HTTP connections"),
    CONFIG_U32("INGESTER_CONNECTIONS_PER_ADDRESS_MAX", connections_per_address_max, "0", 0, 60000,
               "of one source address; 0: no such limit"),
    CONFIG_U32("INGESTER_REFRESH_MS", refresh_ms, "1000", 100, 60000,
               "how often changed strategies are asked for, ms"),
    CONFIG_U32("INGESTER_RELOAD_S", reload_s, "60", 1, 3600,
               "how often all strategies are read, which is when deleted ones go, s"),
    CONFIG_U32("INGESTER_LOOKUP_MS", lookup_ms, "500", 50, 1500,
               "longest wait for Postgres about an unknown secret; over it 503, ms"),
    CONFIG_U32("INGESTER_UNKNOWN_PER_S", unknown_per_s, "10", 1, 100000,
               "401 answers per second to one source address; above it 429"),
    CONFIG_U32("INGESTER_UNKNOWN_BURST", unknown_burst, "50", 1, 1000000,
               "401 answers at once to one source address; above it 429"),
    {0},
};

const struct svc_program ingester_program = {
    .name = "webhook-ingester",
    .summary = "takes TradingView alerts over HTTP and answers once they are durable in Kafka",
    .items = items,
};
