/* The connection to the gateway: ZeroMQ DEALER with CURVE; hello, heartbeats, session, clock.
 * Edge: it turns envelopes into offers and acknowledgements and knows nothing of what they mean.
 *
 * Gateways are tried one after the other with a jittered back-off. A session ends when nothing came
 * for session_timeout_ms, when the gateway says that it does not know us, or refuses us. */
#pragma once

#include "account.h"
#include "book.h"
#include "keyfile.h"
#include "symbols.h"
#include "tradewire/v1/agent.pb-c.h"

#include "svc/loop.h"

struct link;

struct link_events { /* called from the loop's PEER phase */
    void (*offer)(void *arg, const struct book_offer *offer);
    void (*acked)(void *arg, const char *job_id, uint64_t epoch);
    void (*symbols_acked)(void *arg, uint64_t report, uint32_t page);
    void (*refused)(void *arg); /* a message that is no envelope, and was dropped */
    void (*changed)(void *arg); /* a session began or ended, a heartbeat came */
    uint64_t (*journal_seq)(void *arg);
    void *arg;
};

struct link_options { /* texts borrowed for the link's life */
    const char *gateways, *gateway_keys;
    const char *agent_id, *agent_key, *journal_id;
    const struct key_pair *keys;
    struct link_events events;
};

struct link_state {
    uint64_t session; /* 0: none */
    /* The session is certain until then (CLOCK_BOOTTIME): the start of the last exchange that the
     * gateway confirmed, plus its timeout, less a margin. */
    int64_t trust_until_boot_us;
    int64_t
        gateway_minus_boot_us; /* gateway's clock minus CLOCK_BOOTTIME; wall clock's before one */
};

/* Do the two lists fit, and are the keys keys? */
enum svc_rc link_check_gateways(const char *gateways, const char *keys,
                                struct svc_error *err) SVC_CHECK;
/* Makes the context; link_start begins to connect. */
enum svc_rc link_open(struct svc_loop *loop, const struct link_options *options,
                      struct link **ret_link, struct svc_error *err) SVC_CHECK;
void link_start(struct link *link);
void link_close(struct link **link);

struct link_state link_state(const struct link *link);
/* False: there is no session, or its queue is full; say it again later. */
bool link_report(struct link *link, Tradewire__V1__JobReport *report);
bool link_symbols(struct link *link, const struct symbols_page *page);
/* The terminal came, went or changed; account NULL: none. Told to the gateway. */
void link_terminal(struct link *link, const struct account *account, bool ready);
