/* The connection to the gateway.
 *
 *     WAITING ─ back-off over ─► HELLO ─ welcome ─► LIVE
 *        ▲                         │                  │
 *        └── no welcome, refusal ──┴── silence, unknown session ──┘ */
#include "link.h"

#include "contracts/codes.h"
#include "contracts/messages.h"
#include "link_messages.h"
#include "link_watch.h"
#include "peer_clock.h"

#include "svc/clock.h"
#include "svc/log.h"
#include "svc/retry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <zmq.h>

enum {
    GATEWAYS_MAX = 16,
    WELCOME_MS = 5000,        /* longest wait for the answer to a hello */
    REFUSED_AGAIN_MS = 60000, /* a person must act: ask now and then */
    RECEIVE_PER_TURN = 64,
    SENT_KEPT = 8, /* own heartbeats that an echo may name */
    QUEUE_MAX = 1000,
    ARENA_BYTES = 16 * 1024,
};

enum link_phase { LINK_WAITING, LINK_HELLO, LINK_LIVE };

struct link {
    struct svc_loop *loop;
    struct link_options options;
    char gateways[GATEWAYS_MAX][128], keys[GATEWAYS_MAX][KEY_TEXT];
    size_t gateway_count, gateway; /* the one in use */
    void *context, *socket;
    enum link_phase phase;
    struct svc_source source;
    struct link_watch watch;
    struct svc_timer again, beat;
    struct svc_retry retry;
    struct svc_arena arena;
    struct svc_buffer bytes;
    struct peer_clock clock;
    uint64_t session;
    uint32_t heartbeat_ms, timeout_ms;
    int64_t received_mono_us, trust_until_boot_us;
    int64_t peer_sent_unix_us, peer_sent_mono_us; /* the gateway's last heartbeat */
    struct {
        int64_t unix_us, boot_us;
    } sent[SENT_KEPT];
    unsigned sent_next;
    struct account account;
    bool has_account, ready, account_unsaid;
};

/* Split a list at commas; 0 when an entry is empty or too long, or there are too many. */
static size_t split(const char *list, char *ret, size_t width)
{
    size_t count = 0;
    for (;; count++) {
        size_t len = strcspn(list, ",");
        if (len == 0 || len >= width || count == GATEWAYS_MAX)
            return 0;
        memcpy(ret + count * width, list, len);
        ret[count * width + len] = '\0';
        list += len;
        if (*list == '\0')
            return count + 1;
        list++;
    }
}

static enum svc_rc read_gateways(struct link *link, const char *gateways, const char *keys,
                                 struct svc_error *err)
{
    link->gateway_count = split(gateways, link->gateways[0], sizeof link->gateways[0]);
    size_t key_count = split(keys, link->keys[0], sizeof link->keys[0]);
    if (link->gateway_count == 0 || key_count == 0)
        return svc_fail(err, SVC_REJECT, "bad_gateways", "an entry is empty or too long");
    for (size_t i = 0; i < key_count; i++) {
        uint8_t raw[32];
        if (strlen(link->keys[i]) != KEY_TEXT - 1 || zmq_z85_decode(raw, link->keys[i]) == NULL)
            return svc_fail(err, SVC_REJECT, "bad_gateways", "key %zu is not 40 characters of Z85",
                            i + 1);
    }
    if (key_count != 1 && key_count != link->gateway_count)
        return svc_fail(err, SVC_REJECT, "bad_gateways", "%zu gateways but %zu keys",
                        link->gateway_count, key_count);
    for (size_t i = key_count; i < link->gateway_count; i++)
        memcpy(link->keys[i], link->keys[0], KEY_TEXT);
    return SVC_OK;
}

enum svc_rc link_check_gateways(const char *gateways, const char *keys, struct svc_error *err)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "out of memory");
    enum svc_rc rc = read_gateways(link, gateways, keys, err);
    free(link);
    return rc;
}

static void close_socket(struct link *link)
{
    if (link->socket == NULL)
        return;
    link_watch_close(&link->watch);
    svc_source_remove(&link->source); /* before libzmq closes the descriptor */
    (void)zmq_close(link->socket);
    link->socket = NULL;
}

static void hang_up(struct link *link, uint32_t again_ms)
{
    bool was_live = link->phase == LINK_LIVE;
    svc_timer_stop(&link->beat);
    close_socket(link);
    link->phase = LINK_WAITING;
    link->session = 0;
    link->gateway = (link->gateway + 1) % link->gateway_count;
    svc_timer_after_ms(link->loop, &link->again, again_ms);
    if (was_live)
        link->options.events.changed(link->options.events.arg);
}

static void hang_up_and_retry(struct link *link)
{
    hang_up(link, svc_retry_next_ms(&link->retry));
}

static bool send_envelope(struct link *link, Tradewire__V1__Envelope *envelope)
{
    if (link->socket == NULL)
        return false;
    envelope->has_version = 1;
    envelope->version = MESSAGE_VERSION;
    contracts_pack(&envelope->base, &link->bytes);
    bool sent = zmq_send(link->socket, link->bytes.bytes, link->bytes.len, ZMQ_DONTWAIT) >= 0;
    svc_source_again(&link->source); /* a send may have eaten the descriptor's edge */
    return sent;
}

static void note_sent(struct link *link, int64_t unix_us)
{
    link->sent[link->sent_next].unix_us = unix_us;
    link->sent[link->sent_next].boot_us = svc_boot_us();
    link->sent_next = (link->sent_next + 1) % SENT_KEPT;
}

static void say_hello(struct link *link)
{
    const struct link_options *o = &link->options;
    int64_t now = svc_unix_us();
    svc_arena_reset(&link->arena);
    note_sent(link, now);
    Tradewire__V1__Envelope envelope;
    link_message_hello(&link->arena,
                       &(struct link_hello){.agent_id = o->agent_id,
                                            .agent_key = o->agent_key,
                                            .journal_id = o->journal_id,
                                            .journal_seq = o->events.journal_seq(o->events.arg),
                                            .account = link->has_account ? &link->account : NULL,
                                            .sent_unix_us = now},
                       &envelope);
    link->account_unsaid = false;
    (void)send_envelope(link, &envelope); /* not sent: no welcome comes, and it is tried again */
}

static void say_account(struct link *link)
{
    Tradewire__V1__Envelope envelope;
    svc_arena_reset(&link->arena);
    link_message_account(&link->arena, link->has_account ? &link->account : NULL, &envelope);
    link->account_unsaid = !send_envelope(link, &envelope);
}

static void beat(void *arg)
{
    struct link *link = arg;
    int64_t mono = svc_mono_us(), now = svc_unix_us();
    if (link->phase == LINK_HELLO) {
        svc_warn("gateway_silent", SVC_T("gateway", link->gateways[link->gateway]));
        hang_up_and_retry(link);
        return;
    }
    if (mono - link->received_mono_us > (int64_t)link->timeout_ms * 1000) {
        svc_warn("session_lost", SVC_N("session_no", link->session),
                 SVC_T("err", "nothing came from the gateway"));
        hang_up_and_retry(link);
        return;
    }
    Tradewire__V1__Heartbeat heartbeat = TRADEWIRE__V1__HEARTBEAT__INIT;
    heartbeat.has_sent_unix_us = heartbeat.has_echo_unix_us = heartbeat.has_echo_age_us = 1;
    heartbeat.has_terminal_ready = 1;
    heartbeat.sent_unix_us = now;
    heartbeat.echo_unix_us = link->peer_sent_unix_us;
    heartbeat.echo_age_us = link->peer_sent_unix_us == 0 ? 0 : mono - link->peer_sent_mono_us;
    heartbeat.terminal_ready = link->ready;
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_HEARTBEAT;
    envelope.heartbeat = &heartbeat;
    note_sent(link, now);
    (void)send_envelope(link, &envelope); /* a full queue is a gateway that does not read */
    if (link->account_unsaid)
        say_account(link);
    svc_timer_after_ms(link->loop, &link->beat, link->heartbeat_ms);
}

/* The gateway named one of our messages: the session lives from when it was sent. */
static void confirm(struct link *link, int64_t echo_unix_us, int64_t peer_received_us,
                    int64_t peer_sent_us)
{
    for (unsigned i = 0; i < SENT_KEPT; i++) {
        if (echo_unix_us == 0 || link->sent[i].unix_us != echo_unix_us)
            continue;
        int64_t until =
            link->sent[i].boot_us + ((int64_t)link->timeout_ms - BOOK_TRUST_MARGIN_MS) * 1000;
        if (until > link->trust_until_boot_us)
            link->trust_until_boot_us = until;
        peer_clock_add(&link->clock, link->sent[i].boot_us, peer_received_us, peer_sent_us,
                       svc_boot_us());
    }
}

static void take_welcome(struct link *link, const Tradewire__V1__Welcome *m)
{
    if (link->phase != LINK_HELLO)
        return;
    link->phase = LINK_LIVE;
    link->session = m->session_no;
    link->heartbeat_ms = m->heartbeat_ms;
    link->timeout_ms = m->session_timeout_ms;
    link->peer_sent_unix_us = 0;
    link->trust_until_boot_us = 0;
    link->clock = (struct peer_clock){.count = 0}; /* another gateway is another clock */
    confirm(link, m->echo_unix_us, m->gateway_unix_us, m->gateway_unix_us);
    svc_retry_reset(&link->retry);
    svc_info("session_begun", SVC_T("gateway", link->gateways[link->gateway]),
             SVC_N("session_no", link->session));
    if (link->account_unsaid)
        say_account(link);
    svc_timer_after_ms(link->loop, &link->beat,
                       0); /* the first is answered at once: a close look at its clock */
    link->options.events.changed(link->options.events.arg);
}

static void take_refusal(struct link *link, const Tradewire__V1__Refusal *m)
{
    const char *code = m->code == NULL ? "" : m->code;
    if (strcmp(code, code_name(CODE_NO_SESSION)) == 0) {
        svc_info("session_unknown", SVC_N("session_no", link->session));
        hang_up_and_retry(link);
        return;
    }
    static struct svc_log_limit limit;
    uint32_t again_ms = m->retry_ms == 0 ? REFUSED_AGAIN_MS : m->retry_ms;
    if (m->retry_ms == 0)
        svc_alert("gateway_refused", SVC_T("code", code), SVC_T("err", m->text));
    else
        svc_warn_limited(&limit, "gateway_refused", SVC_T("code", code), SVC_T("err", m->text));
    hang_up(link, again_ms);
}

static void take_heartbeat(struct link *link, const Tradewire__V1__Heartbeat *m)
{
    link->peer_sent_unix_us = m->sent_unix_us;
    link->peer_sent_mono_us = svc_mono_us();
    confirm(link, m->echo_unix_us, m->sent_unix_us - m->echo_age_us, m->sent_unix_us);
    link->options.events.changed(link->options.events.arg);
}

static void take_offer(struct link *link, const Tradewire__V1__JobOffer *m)
{
    struct book_offer offer;
    if (m->session_no != link->session) {
        svc_info("offer_of_other_session", SVC_T("job_id", m->job_id),
                 SVC_N("session_no", m->session_no));
        return;
    }
    link_message_offer(m, &offer);
    link->options.events.offer(link->options.events.arg, &offer);
}

static void take(struct link *link, const Tradewire__V1__Envelope *m)
{
    const struct link_events *events = &link->options.events;
    link->received_mono_us = svc_mono_us();
    if (m->body_case == TRADEWIRE__V1__ENVELOPE__BODY_WELCOME)
        take_welcome(link, m->welcome);
    else if (m->body_case == TRADEWIRE__V1__ENVELOPE__BODY_REFUSAL)
        take_refusal(link, m->refusal);
    else if (link->phase != LINK_LIVE)
        return; /* of a session that is over */
    else if (m->body_case == TRADEWIRE__V1__ENVELOPE__BODY_HEARTBEAT)
        take_heartbeat(link, m->heartbeat);
    else if (m->body_case == TRADEWIRE__V1__ENVELOPE__BODY_JOB_OFFER)
        take_offer(link, m->job_offer);
    else if (m->body_case == TRADEWIRE__V1__ENVELOPE__BODY_REPORT_ACK)
        events->acked(events->arg, m->report_ack->job_id, m->report_ack->lease_epoch);
    else if (m->body_case == TRADEWIRE__V1__ENVELOPE__BODY_SYMBOLS_ACK)
        events->symbols_acked(events->arg, m->symbols_ack->report, m->symbols_ack->page);
}

static void take_frame(struct link *link, const void *bytes, size_t len)
{
    static struct svc_log_limit limit;
    Tradewire__V1__Envelope *envelope;
    struct svc_error err;
    svc_arena_reset(&link->arena);
    if (contracts_unpack_envelope(&link->arena, bytes, len, &envelope, &err) == SVC_OK) {
        take(link, envelope);
    } else {
        link->options.events.refused(link->options.events.arg);
        svc_warn_limited(&limit, "envelope_refused", SVC_ERR(&err));
    }
}

static void receive(void *arg, uint32_t events)
{
    struct link *link = arg;
    (void)events;
    for (int i = 0; link->socket != NULL; i++) {
        zmq_msg_t frame;
        (void)zmq_msg_init(&frame);
        int len = zmq_msg_recv(&frame, link->socket, ZMQ_DONTWAIT);
        if (len >= 0)
            take_frame(link, zmq_msg_data(&frame), zmq_msg_size(&frame));
        (void)zmq_msg_close(&frame);
        if (len < 0)
            return;
        if (i == RECEIVE_PER_TURN && link->socket != NULL) {
            svc_source_again(&link->source);
            return;
        }
    }
}

static void connection_lost(void *arg)
{
    struct link *link = arg;
    if (link->phase == LINK_HELLO) /* libzmq tries again by itself until the hello is overdue */
        return;
    svc_warn("session_lost", SVC_N("session_no", link->session),
             SVC_T("err", "the gateway closed the connection"));
    hang_up_and_retry(link);
}

static bool set_options(struct link *link, void *socket)
{
    const struct key_pair *keys = link->options.keys;
    const int zero = 0, handshake_ms = WELCOME_MS, queue = QUEUE_MAX;
    const int64_t bytes_max = MESSAGE_ENVELOPE_BYTES_MAX;
    return zmq_setsockopt(socket, ZMQ_LINGER, &zero, sizeof zero) == 0 &&
           zmq_setsockopt(socket, ZMQ_SNDHWM, &queue, sizeof queue) == 0 &&
           zmq_setsockopt(socket, ZMQ_RCVHWM, &queue, sizeof queue) == 0 &&
           zmq_setsockopt(socket, ZMQ_HANDSHAKE_IVL, &handshake_ms, sizeof handshake_ms) == 0 &&
           zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &bytes_max, sizeof bytes_max) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, KEY_TEXT) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, KEY_TEXT) == 0 &&
           zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, link->keys[link->gateway], KEY_TEXT) == 0;
}

static void connect_now(void *arg)
{
    struct link *link = arg;
    int fd = -1;
    size_t len = sizeof fd;
    link->socket = zmq_socket(link->context, ZMQ_DEALER);
    link->watch = (struct link_watch){.lost = connection_lost, .arg = link};
    link->source = (struct svc_source){.fd = -1};
    if (link->socket == NULL || !set_options(link, link->socket) ||
        !link_watch_open(&link->watch, link->loop, link->context, link->socket) ||
        zmq_connect(link->socket, link->gateways[link->gateway]) != 0 ||
        zmq_getsockopt(link->socket, ZMQ_FD, &fd, &len) != 0) {
        svc_alert("gateway_socket_failed", SVC_T("gateway", link->gateways[link->gateway]),
                  SVC_T("err", zmq_strerror(errno)));
        hang_up_and_retry(link);
        return;
    }
    link->source = (struct svc_source){
        .fd = fd, .events = EPOLLIN, .phase = SVC_PHASE_PEER, .run = receive, .arg = link};
    svc_source_add(link->loop, &link->source);
    link->phase = LINK_HELLO;
    say_hello(link);
    svc_timer_after_ms(link->loop, &link->beat, WELCOME_MS);
}

enum svc_rc link_open(struct svc_loop *loop, const struct link_options *options,
                      struct link **ret_link, struct svc_error *err)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "link: out of memory");
    link->loop = loop;
    link->options = *options;
    link->retry = (struct svc_retry){.base_ms = 200, .cap_ms = 10000};
    link->again = (struct svc_timer){.run = connect_now, .arg = link};
    link->beat = (struct svc_timer){.run = beat, .arg = link};
    svc_arena_init(&link->arena, ARENA_BYTES);
    enum svc_rc rc = read_gateways(link, options->gateways, options->gateway_keys, err);
    if (rc == SVC_OK && (link->context = zmq_ctx_new()) == NULL)
        rc = svc_fail(err, SVC_FATAL, "zmq_failed", "libzmq: %s", zmq_strerror(errno));
    if (rc != SVC_OK)
        link_close(&link);
    *ret_link = link;
    return rc;
}

void link_start(struct link *link)
{
    svc_timer_after_ms(link->loop, &link->again, 0);
}

void link_close(struct link **link)
{
    struct link *closing = *link;
    *link = NULL;
    if (closing == NULL)
        return;
    svc_timer_stop(&closing->again);
    svc_timer_stop(&closing->beat);
    close_socket(closing);
    if (closing->context != NULL)
        (void)zmq_ctx_term(closing->context);
    svc_arena_done(&closing->arena);
    svc_buffer_done(&closing->bytes);
    free(closing);
}

struct link_state link_state(const struct link *link)
{
    bool measured = link->clock.count > 0;
    return (struct link_state){
        .session = link->session,
        .trust_until_boot_us = link->trust_until_boot_us,
        .gateway_minus_boot_us = measured ? link->clock.middle_us : svc_unix_us() - svc_boot_us(),
    };
}

bool link_report(struct link *link, Tradewire__V1__JobReport *report)
{
    if (link->phase != LINK_LIVE)
        return false;
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_JOB_REPORT;
    envelope.job_report = report;
    return send_envelope(link, &envelope);
}

bool link_symbols(struct link *link, const struct symbols_page *page)
{
    if (link->phase != LINK_LIVE)
        return false;
    Tradewire__V1__Envelope envelope;
    svc_arena_reset(&link->arena);
    link_message_symbols(&link->arena, page, &envelope);
    return send_envelope(link, &envelope);
}

void link_terminal(struct link *link, const struct account *account, bool ready)
{
    bool had = link->has_account, was_ready = link->ready;
    struct account before = link->account;
    link->has_account = account != NULL;
    link->ready = ready;
    if (account != NULL)
        link->account = *account;
    bool changed = had != link->has_account ||
                   (account != NULL && (!account_same(&before, account) ||
                                        strcmp(before.balance, account->balance) != 0));
    if (changed && link->phase == LINK_LIVE)
        say_account(link);
    else if (changed)
        link->account_unsaid = link->phase == LINK_HELLO;
    if (was_ready != ready && link->phase == LINK_LIVE)
        beat(link); /* the gateway should not wait for the next one to learn this */
}
