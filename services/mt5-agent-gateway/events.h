/* What agents say about themselves, on its way to Kafka: AgentEvents on agents.events.v1, with the
 * user's key. The gateway says SymbolsAck only after the delivery report; an account and the end of
 * a session are said once, and counted where Kafka did not take them. */
#pragma once

#include "counters.h"
#include "hellos.h"
#include "sessions.h"

#include "svc/producer.h"

struct events;

enum {
    EVENT_PAGES_MAX = 256,   /* pages of symbols in flight; one per session */
    EVENT_NOTES_MAX = 16384, /* other events in flight */
};

struct event_page {
    char agent_id[SVC_UUID_TEXT];
    uint64_t session_no, report;
    uint32_t page;
};

struct events_options {
    struct svc_producer *producer; /* borrowed; closed before events_close */
    struct counters *counters;     /* borrowed */
    /* A page's flight is over: another page of its session may come, and this one is acknowledged
     * where it is durable. */
    void (*on_page)(void *arg, const struct event_page *page, bool durable);
    void *arg;
};

enum svc_rc events_open(const struct events_options *options, struct events **ret_events,
                        struct svc_error *err) SVC_CHECK;
void events_close(struct events **events);
size_t events_in_flight(const struct events *events);

/* account->present. */
void events_account(struct events *events, const struct session *session,
                    const struct account *account);
/* page was checked by contracts_unpack_envelope. Nothing comes back when it cannot be taken now:
 * the agent repeats it. */
void events_symbols(struct events *events, struct session *session,
                    Tradewire__V1__SymbolsReport *page);
void events_session_ended(struct events *events, const struct session *session);
