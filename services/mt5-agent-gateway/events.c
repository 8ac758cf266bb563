/* The topic of agents' events. */
#include "events.h"

#include "contracts/messages.h"
#include "contracts/topics.h"

#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/log.h"
#include "svc/trace.h"

#include <stdlib.h>
#include <string.h>

static const char schema[] = "tradewire.v1.AgentEvent";

/* One event at the producer. */
struct event {
    struct list all;
    struct events *owner;
    enum event_kind kind;
    struct event_page page; /* of pages; else only whose it is */
};

struct events {
    struct events_options options;
    struct list all;
    size_t pages, notes; /* in flight */
    struct svc_buffer packed;
    struct svc_log_limit limit;
};

static void count(const struct events *events, enum event_kind kind, enum result_result result)
{
    svc_counter_add(events->options.counters->events[kind], result, 1);
}

static size_t *in_flight(struct events *events, enum event_kind kind)
{
    return kind == EVENT_SYMBOLS ? &events->pages : &events->notes;
}

static struct event *event_new(struct events *events, const struct session *session,
                               enum event_kind kind)
{
    const size_t max = kind == EVENT_SYMBOLS ? EVENT_PAGES_MAX : EVENT_NOTES_MAX;
    struct event *event = *in_flight(events, kind) < max ? calloc(1, sizeof *event) : NULL;
    if (event == NULL)
        return NULL;
    event->owner = events;
    event->kind = kind;
    event->page.session_no = session->session_no;
    memcpy(event->page.agent_id, session->agent_id, SVC_UUID_TEXT);
    list_init(&event->all);
    list_append(&events->all, &event->all);
    ++*in_flight(events, kind);
    return event;
}

static void event_free(struct event *event)
{
    --*in_flight(event->owner, event->kind);
    list_remove(&event->all);
    free(event);
}

/* A page is said again by its agent; anything else is lost. */
static void note_failure(const struct event *event, const struct svc_error *err)
{
    if (event->kind != EVENT_SYMBOLS)
        svc_warn_limited(&event->owner->limit, "agent_event_lost",
                         SVC_T("agent_id", event->page.agent_id),
                         SVC_N("session_no", event->page.session_no), SVC_ERR(err));
}

static void on_delivered(void *arg, enum svc_rc rc, const struct svc_error *err)
{
    struct event *event = arg;
    struct events *events = event->owner;
    const struct event_page page = event->page;
    const bool is_page = event->kind == EVENT_SYMBOLS;
    count(events, event->kind, rc == SVC_OK ? RESULT_DURABLE : RESULT_NOT_DURABLE);
    if (rc != SVC_OK)
        note_failure(event, err);
    event_free(event);
    if (is_page)
        events->options.on_page(events->options.arg, &page, rc == SVC_OK);
}

static Tradewire__V1__AgentEvent message_of(const struct session *session)
{
    Tradewire__V1__AgentEvent message = TRADEWIRE__V1__AGENT_EVENT__INIT;
    message.agent_id = (char *)(uintptr_t)session->agent_id;
    message.user_id = (char *)(uintptr_t)session->user_id;
    message.has_at_unix_us = message.has_session_no = 1;
    message.at_unix_us = svc_unix_us();
    message.session_no = session->session_no;
    return message;
}

/* Owns event from here on. False: it is over already. */
static bool publish(struct events *events, struct event *event,
                    const Tradewire__V1__AgentEvent *message)
{
    char trace[SVC_TRACE_TEXT];
    struct svc_error err = {.rc = SVC_OK};
    svc_trace_new(trace);
    const struct svc_header headers[] = {{"traceparent", trace, sizeof trace - 1},
                                         {"schema", schema, sizeof schema - 1}};
    contracts_pack(&message->base, &events->packed);
    if (svc_producer_send(events->options.producer, TOPIC_AGENTS_EVENTS, message->user_id,
                          events->packed.bytes, events->packed.len, headers,
                          sizeof headers / sizeof headers[0], on_delivered, event, &err) == SVC_OK)
        return true;
    count(events, event->kind, RESULT_NO_ROOM);
    note_failure(event, &err);
    event_free(event);
    return false;
}

/* Said once, whatever becomes of it. */
static void send_note(struct events *events, const struct session *session, enum event_kind kind,
                      const Tradewire__V1__AgentEvent *message)
{
    struct event *event = event_new(events, session, kind);
    if (event != NULL)
        (void)publish(events, event, message);
    else
        count(events, kind, RESULT_NO_ROOM);
}

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)(uintptr_t)text};
}

void events_account(struct events *events, const struct session *session,
                    const struct account *account)
{
    Tradewire__V1__AgentEvent message = message_of(session);
    Tradewire__V1__Account m = TRADEWIRE__V1__ACCOUNT__INIT;
    m.has_server = m.has_login = m.has_is_real = m.has_leverage = 1;
    m.server = bytes_of(account->server);
    m.login = bytes_of(account->login);
    m.currency = (char *)(uintptr_t)account->currency;
    m.margin_mode = (char *)(uintptr_t)account->margin_mode;
    m.is_real = account->is_real;
    m.balance = account->balance[0] != '\0' ? (char *)(uintptr_t)account->balance : NULL;
    m.leverage = account->leverage;
    message.event_case = TRADEWIRE__V1__AGENT_EVENT__EVENT_ACCOUNT;
    message.account = &m;
    send_note(events, session, EVENT_ACCOUNT, &message);
}

void events_session_ended(struct events *events, const struct session *session)
{
    Tradewire__V1__AgentEvent message = message_of(session);
    message.event_case = TRADEWIRE__V1__AGENT_EVENT__EVENT_SESSION_ENDED;
    message.session_ended = 1;
    send_note(events, session, EVENT_SESSION_ENDED, &message);
}

void events_symbols(struct events *events, struct session *session,
                    Tradewire__V1__SymbolsReport *page)
{
    Tradewire__V1__AgentEvent message = message_of(session);
    if (session->page_in_flight) { /* said again meanwhile; another one says so in its turn */
        count(events, EVENT_SYMBOLS, RESULT_REPEATED);
        return;
    }
    struct event *event = event_new(events, session, EVENT_SYMBOLS);
    if (event == NULL) {
        count(events, EVENT_SYMBOLS, RESULT_NO_ROOM);
        return;
    }
    event->page.report = page->report;
    event->page.page = page->page;
    message.event_case = TRADEWIRE__V1__AGENT_EVENT__EVENT_SYMBOLS;
    message.symbols = page;
    session->page_in_flight = publish(events, event, &message);
}

enum svc_rc events_open(const struct events_options *options, struct events **ret_events,
                        struct svc_error *err)
{
    struct events *events = calloc(1, sizeof *events);
    if (events == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "events");
    events->options = *options;
    list_init(&events->all);
    *ret_events = events;
    return SVC_OK;
}

void events_close(struct events **events)
{
    struct events *closing = *events;
    *events = NULL;
    if (closing == NULL)
        return;
    while (!list_alone(&closing->all))
        event_free(list_owner(closing->all.next, struct event, all));
    svc_buffer_done(&closing->packed);
    free(closing);
}

size_t events_in_flight(const struct events *events)
{
    return events->pages + events->notes;
}
