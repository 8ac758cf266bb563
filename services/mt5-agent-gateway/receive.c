/* What comes in: frames from agents, hints from Kafka. Whatever cannot be used is dropped and
 * counted; nothing that a peer sends ends the program or touches another peer's session. */
#include "contracts/codes.h"
#include "gateway.h"

#include "svc/clock.h"

#include <string.h>

static void drop(struct gateway *gateway, enum frame_dropped reason, const char *what)
{
    svc_counter_add(gateway->counters.frames_dropped, reason, 1);
    svc_warn_limited(&gateway->frame_limit, "frame_dropped", SVC_T("reason", what));
}

static void suspect(struct gateway *gateway, enum auth_failure reason, const char *what)
{
    svc_counter_add(gateway->counters.auth_failures, reason, 1);
    svc_warn_limited(&gateway->peer_limit, "peer_refused", SVC_T("reason", what));
}

/* One message of one frame, from a connection whose key is known and whose address ROUTER made. */
static bool usable(struct gateway *gateway, const struct socket_frame *frame)
{
    if (frame->user_id == NULL || strlen(frame->user_id) != PEER_USER_ID_LEN) {
        suspect(gateway, AUTH_NO_USER_ID, "no_user_id");
        return false;
    }
    if (frame->chosen_routing) {
        suspect(gateway, AUTH_CHOSEN_ROUTING_ID, "chosen_routing_id");
        return false;
    }
    if (frame->kind != SOCKET_FRAME_GOOD) {
        drop(gateway, frame->kind == SOCKET_FRAME_PARTS ? FRAME_PARTS : FRAME_EMPTY,
             frame->kind == SOCKET_FRAME_PARTS ? "parts" : "empty");
        return false;
    }
    return true;
}

static bool is_undecodable(const struct svc_error *err)
{
    return strcmp(err->code, code_name(CODE_UNDECODABLE)) == 0;
}

static Tradewire__V1__Envelope *unpack(struct gateway *gateway, const struct socket_frame *frame)
{
    Tradewire__V1__Envelope *envelope = NULL;
    struct svc_error err = {.rc = SVC_OK};
    svc_arena_reset(&gateway->arena);
    if (contracts_unpack_envelope(&gateway->arena, frame->bytes, frame->len, &envelope, &err) ==
        SVC_OK)
        return envelope;
    svc_counter_add(gateway->counters.frames_dropped,
                    is_undecodable(&err) ? FRAME_UNDECODABLE : FRAME_BAD_MESSAGE, 1);
    svc_warn_limited(&gateway->frame_limit, "frame_dropped", SVC_ERR(&err));
    return NULL;
}

/* Without a session only a hello is heard, and a short one. */
static void from_stranger(struct gateway *gateway, const struct peer *peer,
                          const struct socket_frame *frame)
{
    if (frame->len > MESSAGE_HELLO_BYTES_MAX) {
        drop(gateway, FRAME_LONG_BEFORE_HELLO, "long_before_hello");
        greet_stranger(gateway, peer);
        return;
    }
    const Tradewire__V1__Envelope *envelope = unpack(gateway, frame);
    if (envelope == NULL)
        return;
    if (envelope->body_case == TRADEWIRE__V1__ENVELOPE__BODY_HELLO)
        greet_hello(gateway, peer, envelope->hello);
    else if (hellos_of_peer(&gateway->hellos, peer))
        drop(gateway, FRAME_BEFORE_WELCOME, "before_welcome");
    else
        greet_stranger(gateway, peer);
}

static void on_heartbeat(struct gateway *gateway, struct session *session,
                         const Tradewire__V1__Heartbeat *message)
{
    const bool first = session->peer_sent_unix_us == 0;
    session->peer_sent_unix_us = message->sent_unix_us;
    session->peer_sent_mono_us = svc_mono_us();
    /* The hello waited for Postgres, so it tells the agent little about our clock: the first
     * heartbeat is answered at once, and then it knows to within a round trip. */
    if (first)
        (void)speak_heartbeat(gateway, session);
    claims_terminal_ready(&gateway->claims, session, message->terminal_ready);
}

static void on_account(struct gateway *gateway, struct session *session,
                       const Tradewire__V1__AccountReport *message)
{
    struct account account;
    struct svc_error err = {.rc = SVC_OK};
    account_copy(message->account, &account);
    if (account.present && store_bind(gateway->store, session, &account, &err) != SVC_OK)
        /* The next hello binds it; until then the agent compares with what is bound, which is
         * nothing. */
        svc_warn("account_not_bound", SVC_T("agent_id", session->agent_id), SVC_ERR(&err));
    if (account.present)
        events_account(gateway->events, session, &account);
    claims_terminal_ready(&gateway->claims, session, account.present);
}

static void from_agent(struct gateway *gateway, struct session *session,
                       const struct socket_frame *frame)
{
    const Tradewire__V1__Envelope *envelope = unpack(gateway, frame);
    if (envelope == NULL)
        return;
    sessions_heard(&gateway->sessions, session, svc_mono_us());
    switch (envelope->body_case) {
    case TRADEWIRE__V1__ENVELOPE__BODY_HEARTBEAT:
        on_heartbeat(gateway, session, envelope->heartbeat);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_JOB_REPORT:
        relay_report(gateway->relay, session, envelope->job_report);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_ACCOUNT_REPORT:
        on_account(gateway, session, envelope->account_report);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_SYMBOLS_REPORT:
        events_symbols(gateway->events, session, envelope->symbols_report);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_HELLO:
        greet_hello(gateway, &session->peer, envelope->hello);
        break;
    default:
        drop(gateway, FRAME_WRONG_WAY, "wrong_way");
        break;
    }
    svc_source_again(&gateway->pump);
}

void receive_frame(void *arg, const struct socket_frame *frame)
{
    struct gateway *gateway = arg;
    struct session *session = NULL;
    struct peer peer;
    if (gateway->farewell || !usable(gateway, frame))
        return;
    memset(&peer, 0, sizeof peer); /* hashed whole */
    memcpy(peer.user_id, frame->user_id, PEER_USER_ID_LEN);
    memcpy(peer.routing, frame->routing, PEER_ROUTING_LEN);
    switch (sessions_by_peer(&gateway->sessions, &peer, &session)) {
    case PEER_LIVE:
        from_agent(gateway, session, frame);
        break;
    case PEER_UNKNOWN:
        from_stranger(gateway, &peer, frame);
        break;
    case PEER_CHANGED:
        suspect(gateway, AUTH_KEY_CHANGED, "key_changed");
        svc_source_again(&gateway->pump);
        break;
    }
}

static void want(struct gateway *gateway, struct session *session)
{
    claims_want(&gateway->claims, session);
    svc_source_again(&gateway->pump);
}

/* jobs.ready.v1. A hint for an agent of another gateway is none of ours; a lost one costs one poll.
 */
void receive_hint(void *arg, const struct svc_record *record)
{
    struct gateway *gateway = arg;
    Tradewire__V1__JobReady *ready = NULL;
    struct svc_error err = {.rc = SVC_OK};
    svc_arena_reset(&gateway->arena);
    if (contracts_unpack_job_ready(&gateway->arena, record->payload, record->payload_len, &ready,
                                   &err) != SVC_OK) {
        svc_counter_add(gateway->counters.hints_dropped,
                        is_undecodable(&err) ? HINT_UNDECODABLE : HINT_BAD_MESSAGE, 1);
        svc_warn_limited(&gateway->hint_limit, "hint_dropped", SVC_ERR(&err));
        return;
    }
    struct session *session = NULL;
    if (ready->agent_id != NULL) {
        session = sessions_by_agent(&gateway->sessions, ready->agent_id);
        if (session != NULL)
            want(gateway, session);
        return;
    }
    while ((session = sessions_of_user(&gateway->sessions, ready->user_id, session)) != NULL)
        want(gateway, session);
}
