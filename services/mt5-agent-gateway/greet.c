/* From hello to welcome. Who an agent is, and whether it may come, is decided by agent_hello() in
 * Postgres. */
#include "contracts/codes.h"
#include "gateway.h"

#include "svc/clock.h"

#include <string.h>

enum {
    STRANGER_HOLD_US = 1000 * 1000, /* one no_session per peer and second */
    REFUSED_HOLD_US = 1000 * 1000,  /* a refused peer is not asked about again for so long */
    FULL_RETRY_MS = 5000,
    AGAIN_RETRY_MS = 1,     /* at once; 0 would say that a person must act */
    HELLOS_IN_FLIGHT = 192, /* of the store's statements: the rest is for claims and beats */
};

static void refuse(struct gateway *gateway, const struct peer *peer, const char *code,
                   const char *text, uint32_t retry_ms)
{
    const struct refusal refusal = {.code = code, .text = text, .retry_ms = retry_ms};
    speak_refusal(gateway, peer->routing, &refusal);
}

void greet_stranger(struct gateway *gateway, const struct peer *peer)
{
    const int64_t now = svc_mono_us();
    if (gateway->draining || limiter_holds(&gateway->refused, peer, now))
        return;
    limiter_hold(&gateway->refused, peer, now + STRANGER_HOLD_US);
    refuse(gateway, peer, code_name(CODE_NO_SESSION), "say hello first", AGAIN_RETRY_MS);
}

/* A newcomer needs a place; who says hello again has one. */
static bool has_room(const struct gateway *gateway, const char *agent_id)
{
    return sessions_count(&gateway->sessions) + hellos_count(&gateway->hellos) <
               gateway->config->agents_max ||
           sessions_by_agent(&gateway->sessions, agent_id) != NULL;
}

static void turn_away(struct gateway *gateway, const struct peer *peer)
{
    svc_counter_add(gateway->counters.hellos, HELLO_TURNED_AWAY, 1);
    svc_warn_limited(&gateway->peer_limit, "agents_full",
                     SVC_N("agents_max", gateway->config->agents_max));
    refuse(gateway, peer, code_name(CODE_NO_SESSION), "this gateway is full", FULL_RETRY_MS);
}

void greet_hello(struct gateway *gateway, const struct peer *peer,
                 const Tradewire__V1__Hello *message)
{
    const int64_t now = svc_mono_us();
    if (gateway->draining)
        return;
    if (limiter_holds(&gateway->turned_off, peer, now)) {
        svc_counter_add(gateway->counters.frames_dropped, FRAME_HELD, 1);
        return;
    }
    if (!has_room(gateway, message->agent_id)) {
        turn_away(gateway, peer);
        return;
    }
    switch (hellos_take(&gateway->hellos, peer, message, now)) {
    case HELLO_WAITS:
        svc_source_again(&gateway->pump);
        break;
    case HELLO_REPEATED:
        svc_counter_add(gateway->counters.frames_dropped, FRAME_BEFORE_WELCOME, 1);
        break;
    case HELLO_FULL:
        turn_away(gateway, peer);
        break;
    }
}

void greet_pump(struct gateway *gateway)
{
    struct hello *hello;
    struct svc_error err = {.rc = SVC_OK};
    while (!gateway->draining && store_connected(gateway->store) &&
           store_in_flight(gateway->store) < HELLOS_IN_FLIGHT &&
           (hello = hellos_next(&gateway->hellos)) != NULL &&
           store_hello(gateway->store, hello, gateway->id, &err) == SVC_OK)
        hellos_asked(&gateway->hellos, hello);
}

static void on_refused(struct gateway *gateway, const struct hello *hello,
                       const struct hello_answer *answer)
{
    svc_counter_add(gateway->counters.hellos, HELLO_REFUSED, 1);
    svc_counter_add(gateway->counters.auth_failures, counters_auth_failure(answer->code), 1);
    svc_warn_limited(&gateway->refused_limit, "agent_refused", SVC_T("agent_id", hello->agent_id),
                     SVC_T("code", answer->code), SVC_T("err", answer->message));
    limiter_hold(&gateway->turned_off, &hello->peer, svc_mono_us() + REFUSED_HOLD_US);
    refuse(gateway, &hello->peer, answer->code, answer->message, 0);
}

static void on_welcome(struct gateway *gateway, const struct hello *hello,
                       const struct hello_answer *answer)
{
    const struct session_start start = {.agent_id = hello->agent_id,
                                        .user_id = answer->user_id,
                                        .peer = &hello->peer,
                                        .session_no = answer->session_no,
                                        .terminal_ready = hello->account.present,
                                        .peer_sent_unix_us = hello->sent_unix_us,
                                        .heard_mono_us = hello->heard_mono_us,
                                        .now_mono_us = svc_mono_us()};
    struct session *session = sessions_start(&gateway->sessions, &start);
    if (session == NULL) {
        turn_away(gateway, &hello->peer);
        return;
    }
    svc_counter_add(gateway->counters.hellos, HELLO_WELCOMED, 1);
    svc_info("agent_connected", SVC_T("agent_id", session->agent_id),
             SVC_N("session_no", session->session_no),
             SVC_T("agent_version", hello->agent_version));
    if (hello->account.present)
        events_account(gateway->events, session, &hello->account);
    claims_ask(&gateway->claims, session);
    claims_want(&gateway->claims, session);
    (void)speak_welcome(gateway, session); /* false: over already, and noted */
}

void greet_answer(void *arg, struct hello *hello, const struct hello_answer *answer,
                  const struct svc_error *err)
{
    struct gateway *gateway = arg;
    svc_source_again(&gateway->pump);
    if (answer == NULL && err->rc == SVC_AGAIN) {
        svc_counter_add(gateway->counters.hellos, HELLO_LOST, 1);
        hellos_again(&gateway->hellos, hello);
        return;
    }
    if (answer == NULL) {
        /* The agent has its own timeout, and says hello again. */
        svc_counter_add(gateway->counters.hellos, HELLO_LOST, 1);
        svc_alert("hello_failed", SVC_T("agent_id", hello->agent_id), SVC_ERR(err));
    } else if (answer->code != NULL) {
        on_refused(gateway, hello, answer);
    } else {
        on_welcome(gateway, hello, answer);
    }
    hellos_drop(&gateway->hellos, hello);
}
