/* Messages to agents: packed into one reused buffer, handed to the socket. */
#include "gateway.h"

#include "svc/clock.h"

#include <string.h>

static enum svc_rc send_envelope(struct gateway *gateway, const uint8_t *routing,
                                 Tradewire__V1__Envelope *envelope, struct svc_error *err)
{
    envelope->has_version = 1;
    envelope->version = MESSAGE_VERSION;
    contracts_pack(&envelope->base, &gateway->packed);
    const enum svc_rc rc =
        socket_send(gateway->router, routing, gateway->packed.bytes, gateway->packed.len, err);
    if (rc != SVC_OK && strcmp(err->code, "peer_slow") == 0)
        svc_counter_add(gateway->counters.send_again, 0, 1);
    return rc;
}

static bool send_to(struct gateway *gateway, struct session *session,
                    Tradewire__V1__Envelope *envelope)
{
    struct svc_error err = {.rc = SVC_OK};
    if (send_envelope(gateway, session->peer.routing, envelope, &err) == SVC_OK)
        return true;
    beat_end_session(gateway, session, END_UNREACHABLE);
    return false;
}

void speak_refusal(struct gateway *gateway, const uint8_t routing[PEER_ROUTING_LEN],
                   const struct refusal *refusal)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    Tradewire__V1__Refusal message = TRADEWIRE__V1__REFUSAL__INIT;
    struct svc_error err = {.rc = SVC_OK};
    message.code = (char *)(uintptr_t)refusal->code;
    message.text = (char *)(uintptr_t)refusal->text;
    message.has_retry_ms = 1;
    message.retry_ms = refusal->retry_ms;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_REFUSAL;
    envelope.refusal = &message;
    if (send_envelope(gateway, routing, &envelope, &err) != SVC_OK)
        svc_debug("refusal_not_sent", SVC_ERR(&err));
}

bool speak_welcome(struct gateway *gateway, struct session *session)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    Tradewire__V1__Welcome message = TRADEWIRE__V1__WELCOME__INIT;
    message.has_session_no = message.has_heartbeat_ms = message.has_session_timeout_ms = 1;
    message.session_no = session->session_no;
    message.heartbeat_ms = gateway->config->heartbeat_ms;
    message.session_timeout_ms = gateway->config->session_timeout_ms;
    message.has_echo_unix_us = message.has_gateway_unix_us = 1;
    message.echo_unix_us = session->peer_sent_unix_us;
    message.gateway_unix_us = svc_unix_us();
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_WELCOME;
    envelope.welcome = &message;
    return send_to(gateway, session, &envelope);
}

bool speak_heartbeat(struct gateway *gateway, struct session *session)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    Tradewire__V1__Heartbeat message = TRADEWIRE__V1__HEARTBEAT__INIT;
    message.has_sent_unix_us = message.has_echo_unix_us = message.has_echo_age_us = 1;
    message.sent_unix_us = svc_unix_us();
    message.echo_unix_us = session->peer_sent_unix_us;
    message.echo_age_us =
        session->peer_sent_unix_us != 0 ? svc_mono_us() - session->peer_sent_mono_us : 0;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_HEARTBEAT;
    envelope.heartbeat = &message;
    return send_to(gateway, session, &envelope);
}

bool speak_offer(struct gateway *gateway, struct session *session, Tradewire__V1__JobOffer *offer)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_JOB_OFFER;
    envelope.job_offer = offer;
    return send_to(gateway, session, &envelope);
}

bool speak_ack(struct gateway *gateway, struct session *session, const struct flight *flight)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    Tradewire__V1__ReportAck message = TRADEWIRE__V1__REPORT_ACK__INIT;
    message.job_id = (char *)(uintptr_t)flight->key.job_id;
    message.has_lease_epoch = 1;
    message.lease_epoch = flight->key.lease_epoch;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_REPORT_ACK;
    envelope.report_ack = &message;
    return send_to(gateway, session, &envelope);
}

bool speak_symbols_ack(struct gateway *gateway, struct session *session,
                       const struct event_page *page)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    Tradewire__V1__SymbolsAck message = TRADEWIRE__V1__SYMBOLS_ACK__INIT;
    message.has_report = message.has_page = 1;
    message.report = page->report;
    message.page = page->page;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_SYMBOLS_ACK;
    envelope.symbols_ack = &message;
    return send_to(gateway, session, &envelope);
}
