/* What happens by the clock. One tick looks at what is due; the due times are data. */
#include "contracts/codes.h"
#include "gateway.h"

#include "svc/clock.h"

enum {
    TICK_MS = 100,
    BEAT_US = 2000 * 1000,
    POLL_US = 1000 * 1000,
    POLL_LOOKS_BACK_S = 3,
    SWEEP_US = 5000 * 1000,
    SEEN_US = 60000 * 1000,
    ENDS_PER_STATEMENT = 1024,
    PAUSE_US = 1000 * 1000, /* a tick so late that this process stood still */
    FAREWELL_RETRY_MS = 500,
};

static const char *const end_words[] = {"silent", "unreachable", "outcome_lost", "out_of_force",
                                        "drain"};

void beat_end_session(struct gateway *gateway, struct session *session,
                      enum session_end_reason reason)
{
    svc_counter_add(gateway->counters.sessions_ended, reason, 1);
    svc_info("agent_gone", SVC_T("agent_id", session->agent_id),
             SVC_N("session_no", session->session_no), SVC_T("reason", end_words[reason]));
    sessions_end(&gateway->sessions, session);
    svc_source_again(&gateway->pump);
}

void beat_over(void *arg, const struct session *session)
{
    struct gateway *gateway = arg;
    events_session_ended(gateway->events, session);
}

/* Due: now and then every period, without catching up. */
static bool due(int64_t *due_us, int64_t now, int64_t period_us)
{
    if (now < *due_us)
        return false;
    *due_us = now + period_us;
    return true;
}

static void send_heartbeats(struct gateway *gateway, int64_t now)
{
    struct session *session;
    while ((session = sessions_heartbeat(&gateway->sessions, now)) != NULL)
        (void)speak_heartbeat(gateway, session);
}

/* After this process stood still, everybody seems to have been silent, and what they said is still
 * unread. */
static void end_silent(struct gateway *gateway, int64_t now)
{
    struct session *session;
    if (now - gateway->tick_mono_us > PAUSE_US)
        gateway->silence_from_mono_us = now + PAUSE_US;
    gateway->tick_mono_us = now;
    while (now >= gateway->silence_from_mono_us &&
           (session = sessions_silent(&gateway->sessions, now)) != NULL) {
        svc_counter_add(gateway->counters.heartbeat_missed, 0, 1);
        beat_end_session(gateway, session, END_SILENT);
    }
    hellos_expire(&gateway->hellos, now);
}

/* Statements that nobody waits for: one that could not be sent is due again soon enough. */
static void note(const struct svc_error *err)
{
    svc_debug("statement_not_sent", SVC_ERR(err));
}

static void say_presence(struct gateway *gateway, int64_t now)
{
    struct svc_error err = {.rc = SVC_OK};
    if (due(&gateway->beat_due_us, now, BEAT_US) &&
        store_beat(gateway->store, gateway->id, gateway->name, &err) != SVC_OK)
        note(&err);
    if (due(&gateway->seen_due_us, now, SEEN_US) && sessions_count(&gateway->sessions) > 0 &&
        store_seen(gateway->store, &gateway->sessions, &err) != SVC_OK)
        note(&err);
}

static void look_for_work(struct gateway *gateway, int64_t now)
{
    struct svc_error err = {.rc = SVC_OK};
    if (gateway->draining || sessions_count(&gateway->sessions) == 0)
        return;
    if (due(&gateway->poll_due_us, now, POLL_US) &&
        store_ready(gateway->store, POLL_LOOKS_BACK_S, &err) != SVC_OK)
        note(&err);
    if (due(&gateway->sweep_due_us, now, SWEEP_US)) {
        claims_ask_all(&gateway->claims, &gateway->sessions);
        claims_want_all(&gateway->claims, &gateway->sessions);
        if (store_current(gateway->store, &gateway->sessions, &err) != SVC_OK)
            note(&err);
    }
}

/* Draining, and nothing is on its way: tell the agents, so that they look for a gateway at once
 * instead of after a silence. */
static void say_farewell(struct gateway *gateway)
{
    const struct refusal refusal = {.code = code_name(CODE_NO_SESSION),
                                    .text = "this gateway stops",
                                    .retry_ms = FAREWELL_RETRY_MS};
    struct session *session;
    if (!gateway->draining || gateway->farewell || relay_in_flight(gateway->relay) > 0 ||
        gateway->claims.claim.in_flight || gateway->claims.question.in_flight)
        return;
    while ((session = sessions_next(&gateway->sessions, NULL)) != NULL) {
        speak_refusal(gateway, session->peer.routing, &refusal);
        beat_end_session(gateway, session, END_DRAIN);
    }
    gateway->farewell = true;
}

static void on_tick(void *arg)
{
    struct gateway *gateway = arg;
    const int64_t now = svc_mono_us();
    svc_timer_after_ms(gateway->loop, &gateway->tick, TICK_MS);
    send_heartbeats(gateway, now);
    end_silent(gateway, now);
    if (store_connected(gateway->store)) {
        say_presence(gateway, now);
        look_for_work(gateway, now);
    }
    say_farewell(gateway);
    svc_source_again(&gateway->pump);
}

void beat_begin(struct gateway *gateway)
{
    gateway->tick_mono_us = svc_mono_us();
    gateway->tick = (struct svc_timer){.run = on_tick, .arg = gateway};
    svc_timer_after_ms(gateway->loop, &gateway->tick, TICK_MS);
}

/* Back again: say that we live before anything else, then look at everything. */
void beat_store_state(void *arg, bool connected)
{
    struct gateway *gateway = arg;
    svc_admin_check(gateway->admin, CHECK_POSTGRES, connected, connected ? "" : "not connected");
    gateway->beat_due_us = gateway->poll_due_us = gateway->sweep_due_us = 0;
    if (!connected)
        return;
    say_presence(gateway, svc_mono_us());
    look_for_work(gateway, svc_mono_us());
    svc_source_again(&gateway->pump);
}

void beat_schema(void *arg, bool good, const char *text)
{
    const struct gateway *gateway = arg;
    svc_admin_check(gateway->admin, CHECK_SCHEMA, good, text);
}

void beat_kafka_state(void *arg, bool reachable)
{
    struct gateway *gateway = arg;
    svc_admin_check(gateway->admin, CHECK_KAFKA, reachable, reachable ? "" : "not reachable");
}

/* A claim under such a session gets nothing, for ever; its agent would wait and not know. */
void beat_out_of_force(void *arg, const char *agent_id, uint64_t session_no)
{
    struct gateway *gateway = arg;
    struct session *session = sessions_named(&gateway->sessions, agent_id, session_no);
    if (session == NULL)
        return;
    const struct peer peer = session->peer;
    beat_end_session(gateway, session, END_OUT_OF_FORCE);
    greet_stranger(gateway, &peer);
}

void beat_ended(void *arg, size_t count, const struct svc_error *err)
{
    struct gateway *gateway = arg;
    gateway->ending = false;
    if (err->rc == SVC_OK)
        sessions_ended_told(&gateway->sessions, count);
    else
        svc_warn_limited(&gateway->statement_limit, "session_end_failed", SVC_ERR(err));
}

void beat_pump(struct gateway *gateway)
{
    struct session_name names[ENDS_PER_STATEMENT];
    struct svc_error err = {.rc = SVC_OK};
    if (gateway->ending || !store_connected(gateway->store))
        return;
    const size_t count = sessions_ended(&gateway->sessions, ENDS_PER_STATEMENT, names);
    if (count > 0)
        gateway->ending = store_ended(gateway->store, names, count, &err) == SVC_OK;
}
