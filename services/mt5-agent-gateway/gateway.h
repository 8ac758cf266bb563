/* The gateway's parts, and what happens between them:
 *
 *   receive.c  a frame came from a peer: whose is it, what does it want
 *   greet.c    hello → agent_hello() → welcome or refusal
 *   work.c     wanting agents → claim_jobs(), question_jobs() → offers; reports → acknowledgements
 *   speak.c    messages to agents
 *   relay.c    results to Kafka;  events.c  what agents say about themselves, to Kafka
 *   beat.c     what happens by the clock: heartbeats, silence, presence, polls, drain
 *
 * Callbacks record, and ask for the pump, which runs once at the end of the turn and sends what is
 * due to Postgres: one statement then serves all that came in the turn. */
#pragma once

#include "claims.h"
#include "config.h"
#include "counters.h"
#include "events.h"
#include "hellos.h"
#include "limiter.h"
#include "relay.h"
#include "sessions.h"
#include "socket.h"
#include "store.h"
#include "zap.h"

#include "svc/admin.h"
#include "svc/consumer.h"
#include "svc/log.h"

enum gateway_check { CHECK_KAFKA, CHECK_POSTGRES, CHECK_SCHEMA };

struct gateway {
    const struct config *config;
    char id[SVC_UUID_TEXT]; /* of this process */
    char name[65];          /* the machine's, for people */

    struct svc_loop *loop;
    struct svc_metrics *metrics;
    struct svc_admin *admin;
    struct store *store;
    struct svc_producer *producer; /* relay and events borrow it */
    struct relay *relay;
    struct events *events;
    struct svc_tail *hints;
    void *zmq;
    struct zap *zap;
    struct router *router;
    struct counters counters;

    struct sessions sessions;
    struct hellos hellos;
    struct claims claims;
    struct limiter refused;    /* peers that were told no_session a moment ago */
    struct limiter turned_off; /* peers whose hello was refused a moment ago */

    struct svc_arena arena;   /* one frame, record or row */
    struct svc_buffer packed; /* one message to an agent */

    struct svc_source pump;
    struct svc_timer tick;
    int64_t tick_mono_us, silence_from_mono_us;
    int64_t beat_due_us, poll_due_us, sweep_due_us, seen_due_us; /* monotonic */
    bool ending;                                                 /* an end statement is in flight */
    bool draining; /* takes no hellos, claims nothing */
    bool farewell; /* all sessions are over: nothing is left to do but to tell Postgres */
    struct svc_log_limit frame_limit, statement_limit, peer_limit, hint_limit, refused_limit;
};

enum svc_rc gateway_open(const struct config *config, struct gateway **ret_gateway,
                         struct svc_error *err) SVC_CHECK;
void gateway_close(struct gateway **gateway);
struct svc_lifecycle gateway_lifecycle(struct gateway *gateway);

/* receive.c */
void receive_frame(void *arg, const struct socket_frame *frame);
void receive_hint(void *arg, const struct svc_record *record);

/* greet.c */
void greet_hello(struct gateway *gateway, const struct peer *peer,
                 const Tradewire__V1__Hello *message);
void greet_answer(void *arg, struct hello *hello, const struct hello_answer *answer,
                  const struct svc_error *err);
void greet_pump(struct gateway *gateway);
/* Tell a peer without a session to say hello, at most once a second. */
void greet_stranger(struct gateway *gateway, const struct peer *peer);

/* work.c */
void work_pump(struct gateway *gateway);
void work_job(void *arg, struct batch *batch, const struct job_row *row,
              const struct svc_error *err);
void work_ready(void *arg, const char *agent_id);
void work_durable(void *arg, const struct flight *flight);
void work_page(void *arg, const struct event_page *page, bool durable);

/* beat.c */
void beat_begin(struct gateway *gateway);
void beat_store_state(void *arg, bool connected);
void beat_schema(void *arg, bool good, const char *text);
void beat_kafka_state(void *arg, bool reachable);
void beat_out_of_force(void *arg, const char *agent_id, uint64_t session_no);
void beat_over(void *arg, const struct session *session);
void beat_ended(void *arg, size_t count, const struct svc_error *err);
void beat_pump(struct gateway *gateway);
/* End a session, and say why in the log and the metrics. */
void beat_end_session(struct gateway *gateway, struct session *session,
                      enum session_end_reason reason);

/* speak.c: to peers without a session, best effort. */
struct refusal {
    const char *code, *text;
    uint32_t retry_ms; /* 0: a person must act first */
};
void speak_refusal(struct gateway *gateway, const uint8_t routing[PEER_ROUTING_LEN],
                   const struct refusal *refusal);
/* To sessions. False: the peer cannot be reached, and the session is over (freed). */
bool speak_welcome(struct gateway *gateway, struct session *session);
bool speak_heartbeat(struct gateway *gateway, struct session *session);
bool speak_offer(struct gateway *gateway, struct session *session, Tradewire__V1__JobOffer *offer);
bool speak_ack(struct gateway *gateway, struct session *session, const struct flight *flight);
bool speak_symbols_ack(struct gateway *gateway, struct session *session,
                       const struct event_page *page);
