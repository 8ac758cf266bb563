/* Opening, wiring, draining, closing. */
#include "gateway.h"

#include "contracts/topics.h"

#include "svc/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

enum { ARENA_BYTES = 64 * 1024 };
enum { /* the producer */
       QUEUE_MAX = 40000,
       MESSAGE_BYTES_MAX = 2 * 1024 * 1024, /* as the topics have it */
       MESSAGE_TIMEOUT_MS = 5000,
       LINGER_US = 500,
};

/* Last in the turn: what all sources of the turn asked for goes out together. First hellos, then
 * what their answers allow. */
static void run_pump(void *arg, uint32_t events)
{
    struct gateway *gateway = arg;
    (void)events;
    greet_pump(gateway);
    work_pump(gateway);
    beat_pump(gateway);
}

static void on_scrape(void *arg)
{
    struct gateway *gateway = arg;
    svc_gauge_set(gateway->counters.agents, AGENTS_LIVE,
                  (int64_t)sessions_count(&gateway->sessions));
    svc_gauge_set(gateway->counters.agents, AGENTS_CONNECTING,
                  (int64_t)hellos_count(&gateway->hellos));
}

static enum svc_rc open_core(struct gateway *gateway, struct svc_error *err)
{
    const struct config *config = gateway->config;
    svc_uuid_random(gateway->id);
    (void)gethostname(gateway->name, sizeof gateway->name - 1);
    svc_arena_init(&gateway->arena, ARENA_BYTES);
    claims_init(&gateway->claims);
    limiter_init(&gateway->refused);
    limiter_init(&gateway->turned_off);
    if (sessions_init(&gateway->sessions, config->agents_max, config->session_timeout_ms,
                      config->heartbeat_ms) &&
        hellos_init(&gateway->hellos, config->agents_max)) {
        gateway->sessions.on_over = beat_over;
        gateway->sessions.over_arg = gateway;
        return SVC_OK;
    }
    return svc_fail(err, SVC_FATAL, "out_of_memory", "for %u agents", config->agents_max);
}

static enum svc_rc open_admin(struct gateway *gateway, struct svc_error *err)
{
    static const char *const checks[] = {"kafka", "postgres", "schema", NULL};
    enum svc_rc rc = svc_loop_open(&gateway->loop, err);
    if (rc != SVC_OK)
        return rc;
    gateway->metrics = svc_metrics_new(gateway_program.name);
    counters_init(&gateway->counters, gateway->metrics);
    rc = svc_admin_open(gateway->loop, gateway->config->svc.admin_listen, gateway->metrics, checks,
                        &gateway->admin, err);
    if (rc == SVC_OK)
        svc_admin_on_scrape(gateway->admin, on_scrape, gateway);
    return rc;
}

static enum svc_rc open_store(struct gateway *gateway, struct svc_error *err)
{
    const struct store_events events = {.on_state = beat_store_state,
                                        .on_schema = beat_schema,
                                        .on_hello = greet_answer,
                                        .on_job = work_job,
                                        .on_ready = work_ready,
                                        .on_out_of_force = beat_out_of_force,
                                        .on_ended = beat_ended,
                                        .arg = gateway};
    return store_open(gateway->loop, &gateway->config->pg, &events, &gateway->store, err);
}

static enum svc_rc open_producer(struct gateway *gateway, struct svc_error *err)
{
    const struct svc_producer_options options = {.kafka = gateway->config->kafka,
                                                 .message_timeout_ms = MESSAGE_TIMEOUT_MS,
                                                 .linger_us = LINGER_US,
                                                 .queue_max = QUEUE_MAX,
                                                 .message_bytes_max = MESSAGE_BYTES_MAX,
                                                 .on_state = beat_kafka_state,
                                                 .arg = gateway};
    return svc_producer_open(gateway->loop, &options, &gateway->producer, err);
}

static enum svc_rc open_publishers(struct gateway *gateway, struct svc_error *err)
{
    const struct relay_options relay = {.producer = gateway->producer,
                                        .counters = &gateway->counters,
                                        .on_durable = work_durable,
                                        .arg = gateway};
    const struct events_options events = {.producer = gateway->producer,
                                          .counters = &gateway->counters,
                                          .on_page = work_page,
                                          .arg = gateway};
    const enum svc_rc rc = relay_open(&relay, &gateway->relay, err);
    return rc == SVC_OK ? events_open(&events, &gateway->events, err) : rc;
}

static enum svc_rc open_kafka(struct gateway *gateway, struct svc_error *err)
{
    const struct svc_tail_options hints = {.kafka = gateway->config->kafka,
                                           .topic = TOPIC_JOBS_READY,
                                           .on_record = receive_hint,
                                           .arg = gateway};
    enum svc_rc rc = open_producer(gateway, err);
    if (rc == SVC_OK)
        rc = open_publishers(gateway, err);
    return rc == SVC_OK ? svc_tail_open(gateway->loop, &hints, &gateway->hints, err) : rc;
}

static enum svc_rc open_socket(struct gateway *gateway, struct svc_error *err)
{
    const struct socket_options options = {.endpoint = gateway->config->zmq,
                                           .curve_secret = gateway->config->curve_secret,
                                           .on_frame = receive_frame,
                                           .arg = gateway};
    gateway->zmq = zmq_ctx_new();
    if (gateway->zmq == NULL)
        return svc_fail(err, SVC_FATAL, "zmq_failed", "%s", zmq_strerror(zmq_errno()));
    const enum svc_rc rc =
        zap_open(gateway->loop, gateway->zmq, gateway->counters.zap_requests, &gateway->zap, err);
    if (rc != SVC_OK)
        return rc;
    return socket_open(gateway->loop, gateway->zmq, &options, &gateway->router, err);
}

/* Behind the socket in its phase. */
static void add_pump(struct gateway *gateway)
{
    gateway->pump =
        (struct svc_source){.fd = -1, .phase = SVC_PHASE_PEER, .run = run_pump, .arg = gateway};
    svc_source_add(gateway->loop, &gateway->pump);
}

enum svc_rc gateway_open(const struct config *config, struct gateway **ret_gateway,
                         struct svc_error *err)
{
    SVC_CLEANUP(gateway_close) struct gateway *gateway = calloc(1, sizeof *gateway);
    if (gateway == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "gateway");
    gateway->config = config;
    enum svc_rc rc = open_core(gateway, err);
    if (rc == SVC_OK)
        rc = open_admin(gateway, err);
    if (rc == SVC_OK)
        rc = open_store(gateway, err);
    if (rc == SVC_OK)
        rc = open_kafka(gateway, err);
    if (rc == SVC_OK)
        rc = open_socket(gateway, err);
    if (rc != SVC_OK)
        return rc;
    add_pump(gateway);
    beat_begin(gateway);
    svc_info("gateway_listening", SVC_T("endpoint", config->zmq), SVC_T("gateway_id", gateway->id));
    *ret_gateway = gateway;
    gateway = NULL;
    return SVC_OK;
}

void gateway_close(struct gateway **gateway)
{
    struct gateway *closing = *gateway;
    *gateway = NULL;
    if (closing == NULL)
        return;
    svc_timer_stop(&closing->tick);
    svc_source_remove(&closing->pump);
    socket_close(&closing->router);
    zap_close(&closing->zap);
    if (closing->zmq != NULL)
        (void)zmq_ctx_term(closing->zmq); /* waits for the farewells, at most the socket's linger */
    svc_tail_close(&closing->hints);
    if (closing->producer != NULL)
        svc_producer_close(&closing->producer);
    relay_close(&closing->relay); /* what they have in flight is theirs: after who reports on it */
    events_close(&closing->events);
    store_close(&closing->store);
    hellos_done(&closing->hellos);
    sessions_done(&closing->sessions);
    svc_arena_done(&closing->arena);
    svc_buffer_done(&closing->packed);
    svc_admin_close(&closing->admin);
    svc_metrics_free(&closing->metrics);
    svc_loop_close(&closing->loop);
    free(closing);
}

static void begin_drain(void *arg)
{
    struct gateway *gateway = arg;
    gateway->draining = true;
    svc_admin_draining(gateway->admin);
}

/* Postgres away: it finds the sessions over by itself, when our row is 6 s old. Kafka away: the
 * ends of the sessions, which nobody relies on, are not waited for. */
static bool is_idle(void *arg)
{
    const struct gateway *gateway = arg;
    const bool told = gateway->sessions.ended_count == 0 && !gateway->ending;
    const bool said =
        events_in_flight(gateway->events) == 0 || !svc_producer_reachable(gateway->producer);
    return gateway->farewell && relay_in_flight(gateway->relay) == 0 && said &&
           (told || !store_connected(gateway->store));
}

struct svc_lifecycle gateway_lifecycle(struct gateway *gateway)
{
    return (struct svc_lifecycle){
        .begin_drain = begin_drain, .is_idle = is_idle, .arg = gateway, .catch_signals = true};
}
