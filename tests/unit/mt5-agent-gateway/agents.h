/* Names for tests: agents and peers by number. */
#pragma once

#include "sessions.h"

#include <stdio.h>
#include <string.h>

static inline const char *agent_name(unsigned number)
{
    static char names[4][SVC_UUID_TEXT];
    static unsigned next;
    char *name = names[next++ % 4];
    (void)snprintf(name, SVC_UUID_TEXT, "00000000-0000-4000-8000-%012u", number % 1000000u);
    return name;
}

static inline struct peer peer_of(unsigned key, unsigned routing)
{
    struct peer peer;
    memset(&peer, 0, sizeof peer);
    (void)snprintf(peer.user_id, sizeof peer.user_id, "%040u", key);
    peer.routing[1] = (uint8_t)(routing >> 24);
    peer.routing[2] = (uint8_t)(routing >> 16);
    peer.routing[3] = (uint8_t)(routing >> 8);
    peer.routing[4] = (uint8_t)routing;
    return peer;
}

/* Session `session_no` of agent `number`, of user number / 10, behind its own peer. */
static inline struct session *start_session(struct sessions *sessions, unsigned number,
                                            uint64_t session_no, int64_t now_mono_us)
{
    char agent[SVC_UUID_TEXT], user[SVC_UUID_TEXT];
    const struct peer peer = peer_of(number, number);
    memcpy(agent, agent_name(number), sizeof agent);
    memcpy(user, agent_name(900000 + number / 10), sizeof user);
    const struct session_start start = {.agent_id = agent,
                                        .user_id = user,
                                        .peer = &peer,
                                        .session_no = session_no,
                                        .terminal_ready = true,
                                        .now_mono_us = now_mono_us};
    return sessions_start(sessions, &start);
}
