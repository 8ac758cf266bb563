/* The agents that talk to this gateway: one session per agent, found by agent, by user and by peer.
 *
 * A session begins when Postgres has welcomed a hello (hellos.h holds those that still wait) and
 * ends when a newer hello replaces it, after a time of silence, when its peer cannot be reached, or
 * when its routing id shows up under another key. Core: no I/O, and the time comes in.
 *
 * An agent is known by its CURVE key, which the ZAP handler makes the User-Id of each of its
 * messages; the routing id is only the address to answer to (research/reliability.md F1: job
 * theft). */
#pragma once

#include "keymap.h"
#include "list.h"

#include "svc/text.h"
#include "svc/trace.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    PEER_USER_ID_LEN = 40, /* Z85 of a 32-byte public key */
    PEER_ROUTING_LEN = 5,  /* what ROUTER makes; ids that a peer chose are refused in receive.c */
};

struct peer {
    char user_id[PEER_USER_ID_LEN + 1];
    uint8_t routing[PEER_ROUTING_LEN];
};

/* As jobs.lane, minus one (design.md section 2, "Order and lanes"). */
enum lane { LANE_EFFECTS, LANE_READS, LANE_BUILDS, LANE_COUNT };
enum {
    SLOTS_EFFECTS = 8,
    SLOTS_READS = 4,
    SLOTS_BUILDS = 1,
    SLOTS_ALL = SLOTS_EFFECTS + SLOTS_READS + SLOTS_BUILDS,
    QUESTIONS_KEPT = 8, /* whose times are kept for the result; more are asked all the same */
    SLOT_GRACE_MS = 5000,
};

/* A job that was offered to the agent and not reported back yet. */
struct held_job {
    char job_id[SVC_UUID_TEXT]; /* lower case; "": free */
    enum lane lane;
    uint64_t lease_epoch;
    int64_t until_mono_us;   /* its lease is over then: the slot is free whatever the agent says */
    int64_t claimed_unix_us; /* as Postgres recorded it */
    int64_t sent_unix_us;    /* when the offer was given to the socket */
    char traceparent[SVC_TRACE_TEXT]; /* the job's; "": it has none */
};

struct session {
    struct keymap_node by_agent, by_user, by_routing;
    struct list by_traffic, by_heartbeat; /* in every session: oldest first */
    struct list want, ask;                /* claims.h */

    char agent_id[SVC_UUID_TEXT], user_id[SVC_UUID_TEXT]; /* lower case */
    struct peer peer;
    uint64_t session_no;
    bool terminal_ready; /* without a terminal: no effects, but questions about open ones */
    bool asked;          /* its open effects were asked for: it may claim */
    bool page_in_flight; /* a page of its symbols is on its way to Kafka (events.h) */

    int64_t heard_mono_us, heartbeat_due_mono_us;
    int64_t peer_sent_unix_us, peer_sent_mono_us; /* of its last heartbeat or hello; 0: none */

    bool more[LANE_COUNT];         /* something may be left that its slots had no room for */
    uint16_t wanted[LANE_COUNT];   /* of the claim in flight */
    uint16_t received[LANE_COUNT]; /* of the claim in flight */

    struct held_job held[SLOTS_ALL + QUESTIONS_KEPT]; /* slots by lane, then open questions */
    unsigned next_question;
};

/* A session that Postgres must still be told the end of. */
struct session_name {
    char agent_id[SVC_UUID_TEXT];
    uint64_t session_no;
};

struct sessions {
    /* Called for each session that is over, before it is freed, whatever ended it; not by
     * sessions_done. May be NULL. */
    void (*on_over)(void *arg, const struct session *session);
    void *over_arg;
    struct keymap agents, users, routings;
    struct list by_traffic, by_heartbeat;
    uint32_t agents_max;
    int64_t timeout_us, heartbeat_us;
    struct session_name *ended; /* ring of agents_max names; when full, the oldest is forgotten: its
                                 * lease then lapses by its longest run time */
    size_t ended_first, ended_count;
};

struct session_start {
    const char *agent_id, *user_id;
    const struct peer *peer;
    uint64_t session_no;
    bool terminal_ready;
    int64_t peer_sent_unix_us, heard_mono_us; /* the hello's own time, and when it came */
    int64_t now_mono_us;
};

/* False: no memory. */
bool sessions_init(struct sessions *sessions, uint32_t agents_max, uint32_t timeout_ms,
                   uint32_t heartbeat_ms);
void sessions_done(struct sessions *sessions);
size_t sessions_count(const struct sessions *sessions);

/* Begin a session. An older one of the same agent is replaced (Postgres has already put it out of
 * force), one of another agent behind the same peer is ended. NULL: agents_max or no memory; the
 * session is in the queue of ended ones then. */
struct session *sessions_start(struct sessions *sessions, const struct session_start *start);
/* End a session: it is freed, and its name waits in the queue for Postgres. */
void sessions_end(struct sessions *sessions, struct session *session);

/* Whose message is this? PEER_CHANGED: the routing id was that of a session with another key; that
 * session is over now, and nothing more is sent to this address for it. */
enum peer_verdict { PEER_LIVE, PEER_UNKNOWN, PEER_CHANGED };
enum peer_verdict sessions_by_peer(struct sessions *sessions, const struct peer *peer,
                                   struct session **ret_session);
struct session *sessions_by_agent(const struct sessions *sessions, const char *agent_id);
/* The live session of this very number, or NULL. */
struct session *sessions_named(const struct sessions *sessions, const char *agent_id,
                               uint64_t session_no);
/* All sessions of a user: start with NULL. */
struct session *sessions_of_user(const struct sessions *sessions, const char *user_id,
                                 const struct session *after);
/* All sessions: start with NULL. The session given as `after` must still live. */
struct session *sessions_next(const struct sessions *sessions, const struct session *after);

void sessions_heard(struct sessions *sessions, struct session *session, int64_t now_mono_us);
/* A session that was silent for too long, or NULL. End it, then ask again. */
struct session *sessions_silent(const struct sessions *sessions, int64_t now_mono_us);
/* A session whose heartbeat is due, or NULL; its next one is due one period later. */
struct session *sessions_heartbeat(struct sessions *sessions, int64_t now_mono_us);

/* Ended sessions: look at the first max, forget them when Postgres knows. */
size_t sessions_ended(const struct sessions *sessions, size_t max, struct session_name *ret_names);
void sessions_ended_told(struct sessions *sessions, size_t count);

/* Slots. */
unsigned session_free_slots(const struct session *session, enum lane lane, int64_t now_mono_us);
/* Note a job as offered. A question takes no slot: closes must get through while effects are open.
 * False: no slot is free (the claim asked for more than there was room for: a bug of ours). */
bool session_hold(struct session *session, const struct held_job *job, bool question,
                  int64_t now_mono_us);
/* What was noted for this job, or NULL (it was offered by an earlier session). */
const struct held_job *session_held(const struct session *session, const char *job_id);
/* A report for the job is durable: free its slot. fact: an order was executed, whatever the epoch.
 * Returns true when a slot became free, with its lane. */
bool session_release(struct session *session, const char *job_id, uint64_t lease_epoch, bool fact,
                     enum lane *ret_lane);
