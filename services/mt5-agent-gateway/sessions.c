/* Sessions, their order in time, and their slots. */
#include "sessions.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static const unsigned lane_first[LANE_COUNT + 1] = {0, SLOTS_EFFECTS, SLOTS_EFFECTS + SLOTS_READS,
                                                    SLOTS_ALL};

bool sessions_init(struct sessions *sessions, uint32_t agents_max, uint32_t timeout_ms,
                   uint32_t heartbeat_ms)
{
    *sessions = (struct sessions){.agents_max = agents_max,
                                  .timeout_us = (int64_t)timeout_ms * 1000,
                                  .heartbeat_us = (int64_t)heartbeat_ms * 1000};
    list_init(&sessions->by_traffic);
    list_init(&sessions->by_heartbeat);
    sessions->ended = calloc(agents_max, sizeof *sessions->ended);
    const bool made = keymap_init(&sessions->agents, SVC_UUID_TEXT - 1, agents_max) &&
                      keymap_init(&sessions->users, SVC_UUID_TEXT - 1, agents_max) &&
                      keymap_init(&sessions->routings, PEER_ROUTING_LEN, agents_max);
    return made && sessions->ended != NULL;
}

static void forget(struct sessions *sessions, struct session *session)
{
    keymap_remove(&sessions->agents, &session->by_agent);
    keymap_remove(&sessions->users, &session->by_user);
    keymap_remove(&sessions->routings, &session->by_routing);
    list_remove(&session->by_traffic);
    list_remove(&session->by_heartbeat);
    list_remove(&session->want);
    list_remove(&session->ask);
    free(session);
}

void sessions_done(struct sessions *sessions)
{
    if (sessions->by_traffic.next == NULL)
        return;
    while (!list_alone(&sessions->by_traffic))
        forget(sessions, list_owner(sessions->by_traffic.next, struct session, by_traffic));
    keymap_done(&sessions->agents);
    keymap_done(&sessions->users);
    keymap_done(&sessions->routings);
    free(sessions->ended);
    sessions->ended = NULL;
}

size_t sessions_count(const struct sessions *sessions)
{
    return sessions->agents.count;
}

static struct session *by_routing(const struct sessions *sessions, const uint8_t *routing)
{
    struct keymap_node *node = keymap_find(&sessions->routings, routing);
    return node != NULL ? list_owner(node, struct session, by_routing) : NULL;
}

/* Whoever is told may look at it, and at nothing else: it is leaving the tables. */
static void end(struct sessions *sessions, struct session *session)
{
    if (sessions->on_over != NULL)
        sessions->on_over(sessions->over_arg, session);
    forget(sessions, session);
}

static void make_way(struct sessions *sessions, const struct session_start *start)
{
    struct session *same_agent = sessions_by_agent(sessions, start->agent_id);
    if (same_agent != NULL)
        end(sessions, same_agent);
    struct session *same_peer = by_routing(sessions, start->peer->routing);
    if (same_peer != NULL)
        sessions_end(sessions, same_peer);
}

static void remember_end(struct sessions *sessions, const char *agent_id, uint64_t session_no)
{
    if (sessions->ended_count == sessions->agents_max)
        sessions_ended_told(sessions, 1);
    const size_t at = (sessions->ended_first + sessions->ended_count) % sessions->agents_max;
    memcpy(sessions->ended[at].agent_id, agent_id, SVC_UUID_TEXT);
    sessions->ended[at].session_no = session_no;
    sessions->ended_count++;
}

struct session *sessions_start(struct sessions *sessions, const struct session_start *start)
{
    make_way(sessions, start);
    struct session *session =
        sessions_count(sessions) < sessions->agents_max ? calloc(1, sizeof *session) : NULL;
    if (session == NULL) {
        remember_end(sessions, start->agent_id, start->session_no);
        return NULL;
    }
    memcpy(session->agent_id, start->agent_id, SVC_UUID_TEXT);
    memcpy(session->user_id, start->user_id, SVC_UUID_TEXT);
    session->peer = *start->peer;
    session->session_no = start->session_no;
    session->terminal_ready = start->terminal_ready;
    session->peer_sent_unix_us = start->peer_sent_unix_us;
    session->peer_sent_mono_us = start->heard_mono_us;
    session->heard_mono_us = start->now_mono_us;
    session->heartbeat_due_mono_us = start->now_mono_us + sessions->heartbeat_us;
    keymap_add(&sessions->agents, &session->by_agent, session->agent_id);
    keymap_add(&sessions->users, &session->by_user, session->user_id);
    keymap_add(&sessions->routings, &session->by_routing, session->peer.routing);
    list_init(&session->by_traffic);
    list_init(&session->by_heartbeat);
    list_init(&session->want);
    list_init(&session->ask);
    list_append(&sessions->by_traffic, &session->by_traffic);
    list_append(&sessions->by_heartbeat, &session->by_heartbeat);
    return session;
}

void sessions_end(struct sessions *sessions, struct session *session)
{
    remember_end(sessions, session->agent_id, session->session_no);
    end(sessions, session);
}

enum peer_verdict sessions_by_peer(struct sessions *sessions, const struct peer *peer,
                                   struct session **ret_session)
{
    struct session *session = by_routing(sessions, peer->routing);
    if (session == NULL)
        return PEER_UNKNOWN;
    if (strcmp(session->peer.user_id, peer->user_id) != 0) {
        sessions_end(sessions, session);
        return PEER_CHANGED;
    }
    *ret_session = session;
    return PEER_LIVE;
}

struct session *sessions_by_agent(const struct sessions *sessions, const char *agent_id)
{
    struct keymap_node *node = keymap_find(&sessions->agents, agent_id);
    return node != NULL ? list_owner(node, struct session, by_agent) : NULL;
}

struct session *sessions_named(const struct sessions *sessions, const char *agent_id,
                               uint64_t session_no)
{
    struct session *session = sessions_by_agent(sessions, agent_id);
    return session != NULL && session->session_no == session_no ? session : NULL;
}

struct session *sessions_of_user(const struct sessions *sessions, const char *user_id,
                                 const struct session *after)
{
    struct keymap_node *node = after != NULL ? keymap_next(&sessions->users, &after->by_user)
                                             : keymap_find(&sessions->users, user_id);
    return node != NULL ? list_owner(node, struct session, by_user) : NULL;
}

struct session *sessions_next(const struct sessions *sessions, const struct session *after)
{
    const struct list *link = after != NULL ? &after->by_heartbeat : &sessions->by_heartbeat;
    if (link->next == &sessions->by_heartbeat)
        return NULL;
    return list_owner(link->next, struct session, by_heartbeat);
}

void sessions_heard(struct sessions *sessions, struct session *session, int64_t now_mono_us)
{
    session->heard_mono_us = now_mono_us;
    list_append(&sessions->by_traffic, &session->by_traffic);
}

struct session *sessions_silent(const struct sessions *sessions, int64_t now_mono_us)
{
    if (list_alone(&sessions->by_traffic))
        return NULL;
    struct session *oldest = list_owner(sessions->by_traffic.next, struct session, by_traffic);
    return now_mono_us - oldest->heard_mono_us >= sessions->timeout_us ? oldest : NULL;
}

struct session *sessions_heartbeat(struct sessions *sessions, int64_t now_mono_us)
{
    if (list_alone(&sessions->by_heartbeat))
        return NULL;
    struct session *first = list_owner(sessions->by_heartbeat.next, struct session, by_heartbeat);
    if (first->heartbeat_due_mono_us > now_mono_us)
        return NULL;
    /* From now, not from when it was due: after a pause there is nothing to catch up. */
    first->heartbeat_due_mono_us = now_mono_us + sessions->heartbeat_us;
    list_append(&sessions->by_heartbeat, &first->by_heartbeat);
    return first;
}

size_t sessions_ended(const struct sessions *sessions, size_t max, struct session_name *ret_names)
{
    const size_t count = sessions->ended_count < max ? sessions->ended_count : max;
    for (size_t i = 0; i < count; i++)
        ret_names[i] = sessions->ended[(sessions->ended_first + i) % sessions->agents_max];
    return count;
}

void sessions_ended_told(struct sessions *sessions, size_t count)
{
    assert(count <= sessions->ended_count);
    sessions->ended_first = (sessions->ended_first + count) % sessions->agents_max;
    sessions->ended_count -= count;
}

/* Slots */

static bool slot_free(const struct held_job *slot, int64_t now_mono_us)
{
    return slot->job_id[0] == '\0' || slot->until_mono_us <= now_mono_us;
}

unsigned session_free_slots(const struct session *session, enum lane lane, int64_t now_mono_us)
{
    unsigned count = 0;
    for (unsigned i = lane_first[lane]; i < lane_first[lane + 1]; i++)
        count += slot_free(&session->held[i], now_mono_us);
    return count;
}

enum { HELD_MAX = SLOTS_ALL + QUESTIONS_KEPT };

/* Index of what was noted for this job, HELD_MAX: nothing. */
static unsigned noted(const struct session *session, const char *job_id)
{
    unsigned i = 0;
    while (i < HELD_MAX && strcmp(session->held[i].job_id, job_id) != 0)
        i++;
    return i;
}

static unsigned free_slot(const struct session *session, enum lane lane, int64_t now_mono_us)
{
    for (unsigned i = lane_first[lane]; i < lane_first[lane + 1]; i++)
        if (slot_free(&session->held[i], now_mono_us))
            return i;
    return HELD_MAX;
}

/* A job that is asked about while it has a slot keeps it. */
static unsigned place(struct session *session, const struct held_job *job, bool question,
                      int64_t now_mono_us)
{
    const unsigned old = noted(session, job->job_id);
    if (old < HELD_MAX && question)
        return old;
    if (question)
        return SLOTS_ALL + session->next_question++ % QUESTIONS_KEPT;
    if (old < HELD_MAX)
        session->held[old] = (struct held_job){0};
    return free_slot(session, job->lane, now_mono_us);
}

bool session_hold(struct session *session, const struct held_job *job, bool question,
                  int64_t now_mono_us)
{
    const unsigned at = place(session, job, question, now_mono_us);
    if (at == HELD_MAX)
        return false;
    session->held[at] = *job;
    return true;
}

const struct held_job *session_held(const struct session *session, const char *job_id)
{
    const unsigned at = noted(session, job_id);
    return at < HELD_MAX ? &session->held[at] : NULL;
}

bool session_release(struct session *session, const char *job_id, uint64_t lease_epoch, bool fact,
                     enum lane *ret_lane)
{
    const unsigned at = noted(session, job_id);
    if (at == HELD_MAX || (session->held[at].lease_epoch != lease_epoch && !fact))
        return false;
    *ret_lane = session->held[at].lane;
    session->held[at] = (struct held_job){0};
    return at < SLOTS_ALL;
}
