/* Names and words of the metrics. */
#include "counters.h"

#include "contracts/codes.h"

#include <string.h>

static const char *const agents_words[] = {"connecting", "live", NULL};
static const char *const hello_words[] = {"welcome", "refused", "lost", "turned_away", NULL};
static const char *const auth_words[] = {
    "no_user_id",   "chosen_routing_id", "key_changed", "not_paired", "agent_revoked",
    "key_mismatch", "journal_changed",   "other",       NULL};
static const char *const frame_words[] = {"parts",       "empty",       "long_before_hello",
                                          "undecodable", "bad_message", "before_welcome",
                                          "held",        "wrong_way",   NULL};
static const char *const hint_words[] = {"undecodable", "bad_message", NULL};
static const char *const claim_words[] = {"jobs", "none", "lost", "failed", NULL};
static const char *const offer_words[] = {"job", "question", "unsupported", "no_session", NULL};
static const char *const result_words[] = {"durable", "not_durable", "repeated", "no_room", NULL};
static const char *const end_words[] = {"silent",       "unreachable", "outcome_lost",
                                        "out_of_force", "drain",       NULL};

static void init_agents(struct counters *c, struct svc_metrics *m)
{
    c->agents = svc_gauge_new(m, "tradewire_agents", "Agents by state of their session.", "state",
                              agents_words);
    c->hellos = svc_counter_new(m, "tradewire_hellos_total", "Hellos by what became of them.",
                                "result", hello_words);
    c->auth_failures =
        svc_counter_new(m, "tradewire_auth_failures_total",
                        "Messages and hellos refused for who sent them.", "reason", auth_words);
    c->frames_dropped =
        svc_counter_new(m, "tradewire_frames_dropped_total",
                        "Messages from agents that were not acted on.", "reason", frame_words);
    c->sessions_ended = svc_counter_new(m, "tradewire_sessions_ended_total",
                                        "Sessions that this gateway ended.", "reason", end_words);
    c->heartbeat_missed =
        svc_counter_new(m, "tradewire_heartbeat_missed_total",
                        "Sessions ended after GATEWAY_SESSION_TIMEOUT_MS of silence.", NULL, NULL);
    c->send_again = svc_counter_new(m, "tradewire_zmq_send_eagain_total",
                                    "Messages an agent's full queue did not take.", NULL, NULL);
    c->zap_requests = svc_counter_new(m, "tradewire_zap_requests_total",
                                      "CURVE handshakes that reached the ZAP handler.", NULL, NULL);
}

/* What became of each is one of the words of the results. */
static void init_events(struct counters *c, struct svc_metrics *m)
{
    c->events[EVENT_ACCOUNT] = svc_counter_new(
        m, "tradewire_agent_accounts_total",
        "Accounts that agents reported, by what became of the event.", "result", result_words);
    c->events[EVENT_SYMBOLS] =
        svc_counter_new(m, "tradewire_agent_symbol_pages_total",
                        "Pages of symbols that agents reported, by what became of the event.",
                        "result", result_words);
    c->events[EVENT_SESSION_ENDED] = svc_counter_new(
        m, "tradewire_agent_session_ends_total",
        "Ends of agents' sessions, by what became of the event.", "result", result_words);
}

void counters_init(struct counters *c, struct svc_metrics *m)
{
    c->metrics = m;
    init_agents(c, m);
    init_events(c, m);
    c->claims = svc_counter_new(m, "tradewire_claims_total", "Claim statements by their answer.",
                                "result", claim_words);
    c->claim_seconds = svc_histogram_new(m, "tradewire_claim_seconds",
                                         "From sending a claim statement to its answer.");
    c->hints_dropped =
        svc_counter_new(m, "tradewire_hints_dropped_total",
                        "Records of jobs.ready.v1 that were not acted on.", "reason", hint_words);
    c->offers =
        svc_counter_new(m, "tradewire_offers_total",
                        "Claimed and questioned jobs by what was sent.", "kind", offer_words);
    c->results = svc_counter_new(m, "tradewire_results_total",
                                 "Job reports by what became of them.", "result", result_words);
    c->result_seconds = svc_histogram_new(m, "tradewire_result_seconds",
                                          "From a job report to its delivery in Kafka.");
}

enum auth_failure counters_auth_failure(const char *code)
{
    static const struct {
        enum code code;
        enum auth_failure failure;
    } table[] = {
        {CODE_NOT_PAIRED, AUTH_NOT_PAIRED},
        {CODE_AGENT_REVOKED, AUTH_AGENT_REVOKED},
        {CODE_KEY_MISMATCH, AUTH_KEY_MISMATCH},
        {CODE_JOURNAL_CHANGED, AUTH_JOURNAL_CHANGED},
    };
    for (unsigned i = 0; i < sizeof table / sizeof table[0]; i++)
        if (strcmp(code, code_name(table[i].code)) == 0)
            return table[i].failure;
    return AUTH_OTHER;
}
