/* Who is to be asked for in Postgres: the agents that want jobs, and those whose open effects must
 * be asked about first. Core: decides what goes into the next statement, keeps what its answer
 * means.
 *
 * One claim statement for all wanting agents, one question statement for all that are due, and at
 * most one of each in flight; a wish that comes meanwhile waits for the next. An agent wants again
 * when
 *   - a slot becomes free and its last claim in that lane was full,
 *   - a hint or the poll names it,
 *   - every 5 s, and after its hello. */
#pragma once

#include "sessions.h"

enum { BATCH_AGENTS_MAX = 1024 };

/* One session's part of a statement. */
struct batch_entry {
    struct session_name name;
    uint16_t slots[LANE_COUNT]; /* claims: how many jobs it has room for */
};

struct batch {
    bool in_flight;
    /* Agents in the next statement: halved while statements fail, so that one agent's broken rows
     * are alone in the end and harm no neighbour. */
    size_t limit;
    int64_t not_before_mono_us; /* after a failure: no statement until then */
    size_t count;
    size_t jobs; /* that came back */
    /* Before the statement was sent: leases are counted from here. */
    int64_t asked_unix_us, asked_mono_us;
    struct batch_entry entries[BATCH_AGENTS_MAX];
};

struct claims {
    struct list wanting, to_ask;
    struct batch claim, question;
};

void claims_init(struct claims *claims);

void claims_want(struct claims *claims, struct session *session);
void claims_ask(struct claims *claims, struct session *session);
void claims_want_all(struct claims *claims, const struct sessions *sessions);
void claims_ask_all(struct claims *claims, const struct sessions *sessions);

/* Fill claims->question or claims->claim with the next statement's agents and mark it in flight.
 * False: there is nothing to send, or one is in flight. Agents that were never asked about their
 * open effects don't claim: the two statements go through one pipeline, in this order. */
bool claims_next_question(struct claims *claims, int64_t now_unix_us, int64_t now_mono_us);
bool claims_next_claim(struct claims *claims, int64_t now_unix_us, int64_t now_mono_us);
/* The statement could not be sent: nothing happened, its agents are in the next one. */
void claims_unsent(struct claims *claims, struct sessions *sessions, struct batch *batch,
                   int64_t now_mono_us);
/* The statement failed and was rolled back: its agents are in the next ones, which are half as
 * large. One that was alone waits for its next turn by hint, poll or the 5 s. */
void claims_failed(struct claims *claims, struct sessions *sessions, struct batch *batch,
                   int64_t now_mono_us);

/* One job of the claim in flight came for this session. */
void claims_received(struct session *session, enum lane lane);
/* The statement in flight is over, and good. */
void claims_finished(struct claims *claims, const struct sessions *sessions, struct batch *batch,
                     int64_t now_mono_us);
/* A slot in this lane became free. */
void claims_slot_freed(struct claims *claims, struct session *session, enum lane lane);
/* The agent's terminal came: effects are possible now. */
void claims_terminal_ready(struct claims *claims, struct session *session, bool ready);
