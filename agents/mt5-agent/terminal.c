/* The terminal's side of the agent. */
#include "terminal.h"

#include "peer_clock.h"
#include "terminal_peer.h"
#include "wire/jsonline.h"

#include "svc/clock.h"
#include "svc/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

const char *const terminal_refusal_names[TERMINAL_REFUSALS + 1] = {
    "bad_token", "bad_message", "line_too_long", "no_hello", "busy", "too_many", NULL};

enum { PINGS_KEPT = 8 };

struct terminal {
    struct svc_loop *loop;
    struct terminal_events events;
    uint8_t token_hash[crypto_generichash_BYTES];
    struct svc_source listener;
    struct terminal_peer peers[TERMINAL_PEERS_MAX];
    struct terminal_peer *active; /* the one that said hello, NULL: none */
    uint64_t sessions;
    struct account account;
    struct wire_clocks clocks;
    int64_t clocks_mono_us; /* when they were read */
    struct peer_clock clock;
    struct {
        uint64_t id;
        int64_t boot_us;
    } pings[PINGS_KEPT];
    unsigned ping_next;
    struct svc_timer tick;
    struct svc_arena arena;
    struct svc_buffer line;
};

static void hash_token(const char *token, uint8_t ret[crypto_generichash_BYTES])
{
    (void)crypto_generichash(ret, crypto_generichash_BYTES, (const uint8_t *)token, strlen(token),
                             NULL, 0);
}

static void close_peer(struct terminal *t, struct terminal_peer *peer)
{
    bool was_active = peer == t->active;
    terminal_peer_close(peer);
    if (!was_active)
        return;
    t->active = NULL;
    t->clocks = (struct wire_clocks){.clock_us = 0};
    t->clock = (struct peer_clock){.count = 0};
    svc_info("terminal_gone", SVC_N("session", t->sessions));
    t->events.changed(t->events.arg);
}

static void send_to(struct terminal *t, struct terminal_peer *peer, const struct svc_buffer *line)
{
    if (peer->out.len + line->len > TERMINAL_OUTPUT_MAX) { /* it does not read */
        close_peer(t, peer);
        return;
    }
    svc_buffer_add(&peer->out, line->bytes, line->len);
    if (!terminal_peer_write(peer))
        close_peer(t, peer);
}

static void refuse(struct terminal *t, struct terminal_peer *peer, enum terminal_refusal why,
                   const char *detail)
{
    static struct svc_log_limit limit;
    t->events.refused(t->events.arg, why);
    svc_warn_limited(&limit, "terminal_refused", SVC_T("code", terminal_refusal_names[why]),
                     SVC_T("err", detail));
    wire_refusal(terminal_refusal_names[why], why == TERMINAL_BUSY ? TERMINAL_PING_MS : 0,
                 &t->line);
    svc_buffer_add(&peer->out, t->line.bytes, t->line.len);
    (void)terminal_peer_write(peer); /* a courtesy; it is closed in any case */
    close_peer(t, peer);
}

static void ping(struct terminal *t)
{
    uint64_t id = t->events.number(t->events.arg);
    t->pings[t->ping_next].id = id;
    t->pings[t->ping_next].boot_us = svc_boot_us();
    t->ping_next = (t->ping_next + 1) % PINGS_KEPT;
    wire_ping(id, &t->line);
    send_to(t, t->active, &t->line);
}

static void keep_clocks(struct terminal *t, const struct wire_clocks *clocks)
{
    t->clocks = *clocks;
    t->clocks_mono_us = svc_mono_us();
}

static void take_hello(struct terminal *t, struct terminal_peer *peer, const struct wire_message *m)
{
    uint8_t hash[crypto_generichash_BYTES];
    hash_token(m->hello.token, hash);
    if (sodium_memcmp(hash, t->token_hash, sizeof hash) != 0) {
        refuse(t, peer, TERMINAL_BAD_TOKEN, "wrong terminal token");
        return;
    }
    int64_t dead_us = (int64_t)TERMINAL_DEAD_MS * 1000;
    if (t->active != NULL && svc_mono_us() - t->active->heard_mono_us < dead_us) {
        refuse(t, peer, TERMINAL_BUSY, "another terminal is connected");
        return;
    }
    if (t->active != NULL)
        close_peer(t, t->active);
    t->active = peer;
    t->sessions++;
    t->account = m->hello.account;
    keep_clocks(t, &m->clocks);
    t->clocks.trade_connected = false; /* until a pong shows its clock */
    svc_info("terminal_connected", SVC_N("session", t->sessions),
             SVC_T("server", t->account.server), SVC_T("mode", t->account.margin_mode),
             SVC_T("version", m->hello.version));
    wire_welcome(t->sessions, &t->line);
    send_to(t, peer, &t->line);
    if (t->active == peer)
        ping(t);
    t->events.changed(t->events.arg);
}

static void take_pong(struct terminal *t, const struct wire_message *m)
{
    bool connected = t->clocks.trade_connected, allowed = t->clocks.trade_allowed;
    for (unsigned i = 0; i < PINGS_KEPT; i++)
        if (t->pings[i].id == m->id)
            peer_clock_add(&t->clock, t->pings[i].boot_us, m->clocks.clock_us, m->clocks.clock_us,
                           svc_boot_us());
    keep_clocks(t, &m->clocks);
    t->events.answer(t->events.arg, m);
    if (connected != m->clocks.trade_connected || allowed != m->clocks.trade_allowed)
        t->events.changed(t->events.arg);
}

static void take(struct terminal *t, struct terminal_peer *peer, const struct wire_message *m)
{
    bool is_active = peer == t->active;
    if (!is_active && m->kind == WIRE_HELLO)
        take_hello(t, peer, m);
    else if (!is_active || m->kind == WIRE_HELLO)
        refuse(t, peer, TERMINAL_BAD_MESSAGE, "hello must come first, and once");
    else if (m->kind == WIRE_PONG)
        take_pong(t, m);
    else
        t->events.answer(t->events.arg, m);
}

static void take_lines(struct terminal *t, struct terminal_peer *peer)
{
    const char *line;
    size_t len = 0;
    bool too_long = false;
    while (peer->source.fd >= 0 && (line = terminal_peer_line(peer, &len, &too_long)) != NULL) {
        struct wire_message message;
        struct svc_error err;
        svc_arena_reset(&t->arena);
        enum svc_rc rc = wire_parse(&t->arena, line, len, &message, &err);
        terminal_peer_skip(peer, len);
        peer->heard_mono_us = svc_mono_us();
        if (rc == SVC_OK)
            take(t, peer, &message);
        else
            refuse(t, peer, TERMINAL_BAD_MESSAGE, err.text);
    }
    if (too_long && peer->source.fd >= 0)
        refuse(t, peer, TERMINAL_LINE_TOO_LONG, "");
}

static void run_peer(void *arg, uint32_t events)
{
    struct terminal_peer *peer = arg;
    struct terminal *t = peer->owner;
    bool open = true;
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        open = terminal_peer_read(peer);
    take_lines(t, peer); /* also the last words of one that hung up */
    if (peer->source.fd >= 0 && (!open || !terminal_peer_write(peer)))
        close_peer(t, peer);
}

static struct terminal_peer *free_peer(struct terminal *t)
{
    for (unsigned i = 0; i < TERMINAL_PEERS_MAX; i++)
        if (t->peers[i].source.fd < 0)
            return &t->peers[i];
    return NULL;
}

static void accept_one(void *arg, uint32_t events)
{
    struct terminal *t = arg;
    const int on = 1;
    (void)events;
    int fd = accept4(t->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return; /* gone again, or out of descriptors: the listener stays readable */
    struct terminal_peer *peer = free_peer(t);
    if (peer == NULL) {
        t->events.refused(t->events.arg, TERMINAL_TOO_MANY);
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int64_t now = svc_mono_us();
    *peer = (struct terminal_peer){.accepted_mono_us = now, .heard_mono_us = now, .owner = t};
    peer->source = (struct svc_source){
        .fd = fd, .events = EPOLLIN, .phase = SVC_PHASE_PEER, .run = run_peer, .arg = peer};
    svc_source_add(t->loop, &peer->source);
}

static void check_silence(struct terminal *t, struct terminal_peer *peer, int64_t now)
{
    if (peer->source.fd < 0)
        return;
    if (peer != t->active) {
        if (now - peer->accepted_mono_us > (int64_t)TERMINAL_HELLO_MS * 1000)
            refuse(t, peer, TERMINAL_NO_HELLO, "no hello in time");
    } else if (now - peer->heard_mono_us > (int64_t)TERMINAL_SILENCE_MS * 1000) {
        svc_warn("terminal_silent", SVC_N("session", t->sessions));
        close_peer(t, peer);
    }
}

static void tick(void *arg)
{
    struct terminal *t = arg;
    int64_t now = svc_mono_us();
    for (unsigned i = 0; i < TERMINAL_PEERS_MAX; i++)
        check_silence(t, &t->peers[i], now);
    if (t->active != NULL)
        ping(t);
    svc_timer_after_ms(t->loop, &t->tick, TERMINAL_PING_MS);
}

static enum svc_rc listen_on(struct terminal *t, const char *address, struct svc_error *err)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    uint64_t port = 0;
    struct sockaddr_in at = {.sin_family = AF_INET};
    const int on = 1;
    if (colon == NULL || (size_t)(colon - address) >= sizeof host ||
        svc_parse_u64(colon + 1, 1, 65535, &port) != 0)
        return svc_fail(err, SVC_REJECT, "bad_address", "TERMINAL_LISTEN: not address:port");
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    at.sin_port = htons((uint16_t)port);
    /* Orders go over this connection in the clear: never off this machine. */
    if (inet_pton(AF_INET, host, &at.sin_addr) != 1 || ntohl(at.sin_addr.s_addr) >> 24 != 127)
        return svc_fail(err, SVC_REJECT, "bad_address",
                        "TERMINAL_LISTEN: %s is not a loopback address", host);
    t->listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (t->listener.fd < 0 ||
        setsockopt(t->listener.fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(t->listener.fd, (const struct sockaddr *)&at, sizeof at) != 0 ||
        listen(t->listener.fd, TERMINAL_PEERS_MAX) != 0)
        return svc_fail(err, SVC_FATAL, "listen_failed", "TERMINAL_LISTEN %s: %s", address,
                        strerrordesc_np(errno));
    svc_source_add(t->loop, &t->listener);
    return SVC_OK;
}

enum svc_rc terminal_open(struct svc_loop *loop, const char *address, const char *token,
                          const struct terminal_events *events, struct terminal **ret_terminal,
                          struct svc_error *err)
{
    struct terminal *t = calloc(1, sizeof *t);
    if (t == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "terminal: out of memory");
    t->loop = loop;
    t->events = *events;
    hash_token(token, t->token_hash);
    svc_arena_init(&t->arena, JSONLINE_BYTES_MAX);
    for (unsigned i = 0; i < TERMINAL_PEERS_MAX; i++)
        t->peers[i].source.fd = -1;
    t->tick = (struct svc_timer){.run = tick, .arg = t};
    t->listener = (struct svc_source){
        .fd = -1, .events = EPOLLIN, .phase = SVC_PHASE_PEER, .run = accept_one, .arg = t};
    if (listen_on(t, address, err) != SVC_OK) {
        terminal_close(&t);
        return err->rc;
    }
    tick(t);
    *ret_terminal = t;
    return SVC_OK;
}

void terminal_close(struct terminal **terminal)
{
    struct terminal *t = *terminal;
    *terminal = NULL;
    if (t == NULL)
        return;
    svc_timer_stop(&t->tick);
    for (unsigned i = 0; i < TERMINAL_PEERS_MAX; i++)
        terminal_peer_close(&t->peers[i]);
    svc_source_remove(&t->listener);
    if (t->listener.fd >= 0)
        (void)close(t->listener.fd);
    svc_arena_done(&t->arena);
    svc_buffer_done(&t->line);
    free(t);
}

struct terminal_state terminal_state(const struct terminal *t)
{
    if (t->active == NULL)
        return (struct terminal_state){.session = 0};
    bool connected = t->clocks.trade_connected && t->clock.count > 0;
    return (struct terminal_state){
        .session = t->sessions,
        .trade_connected = connected,
        .ready = connected && t->clocks.trade_allowed,
        .account = &t->account,
        .clock_low_us = t->clock.low_us,
        .server_time_us = t->clocks.server_time_us + (svc_mono_us() - t->clocks_mono_us),
        .server_offset_s = t->clocks.server_offset_s,
    };
}

void terminal_send(struct terminal *t, const struct svc_buffer *line)
{
    if (t->active != NULL)
        send_to(t, t->active, line);
}
