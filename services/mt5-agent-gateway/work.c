/* Jobs out, results back. */
#include "gateway.h"

#include "svc/clock.h"

#include <string.h>

static void count_claim(struct gateway *gateway, enum claim_result result)
{
    svc_counter_add(gateway->counters.claims, result, 1);
}

/* Statements. A question goes first: what an agent may hold already is settled before it gets more.
 */
void work_pump(struct gateway *gateway)
{
    struct claims *claims = &gateway->claims;
    struct svc_error err = {.rc = SVC_OK};
    const int64_t now = svc_mono_us();
    if (gateway->draining || !store_connected(gateway->store))
        return;
    if (claims_next_question(claims, svc_unix_us(), now) &&
        store_question(gateway->store, &claims->question, &err) != SVC_OK)
        claims_unsent(claims, &gateway->sessions, &claims->question, now);
    if (claims_next_claim(claims, svc_unix_us(), now) &&
        store_claim(gateway->store, &claims->claim, &err) != SVC_OK)
        claims_unsent(claims, &gateway->sessions, &claims->claim, now);
}

/* Offers */

static void hold(struct gateway *gateway, struct session *session, const struct batch *batch,
                 const struct job_row *row)
{
    const bool question = batch == &gateway->claims.question;
    struct held_job job = {.lane = row->lane,
                           .lease_epoch = row->lease_epoch,
                           .until_mono_us = batch->asked_mono_us +
                                            ((int64_t)row->lease_ms + SLOT_GRACE_MS) * 1000,
                           .claimed_unix_us = row->claimed_unix_us,
                           .sent_unix_us = svc_unix_us()};
    memcpy(job.job_id, row->job_id, SVC_UUID_TEXT);
    if (row->traceparent != NULL)
        svc_trace_continue(row->traceparent, strlen(row->traceparent), job.traceparent);
    if (!session_hold(session, &job, question, svc_mono_us()))
        svc_alert("slot_missing", SVC_T("job_id", row->job_id), SVC_T("agent_id", row->agent_id));
}

/* NULL: the job has none. */
static const char *trace_id(const struct job_row *row, char buffer[SVC_TRACE_ID_TEXT])
{
    if (row->traceparent == NULL)
        return NULL;
    svc_trace_id(row->traceparent, buffer);
    return buffer;
}

static void offer(struct gateway *gateway, struct session *session, const struct batch *batch,
                  const struct job_row *row)
{
    const struct offer_terms terms = {.question = batch == &gateway->claims.question,
                                      .asked_unix_us = batch->asked_unix_us};
    Tradewire__V1__JobOffer message;
    struct svc_error err = {.rc = SVC_OK};
    char buffer[SVC_TRACE_ID_TEXT];
    svc_arena_reset(&gateway->arena);
    hold(gateway, session, batch, row);
    if (offer_build(&gateway->arena, row, &terms, &message, &err) != SVC_OK) {
        svc_counter_add(gateway->counters.offers, OFFER_UNSUPPORTED, 1);
        svc_warn("job_unsupported", SVC_T("job_id", row->job_id), SVC_ERR(&err));
        relay_refusal(gateway->relay, session, row, &err);
        return;
    }
    svc_info(terms.question ? "job_questioned" : "job_offered", SVC_T("job_id", row->job_id),
             SVC_T("trace_id", trace_id(row, buffer)), SVC_T("agent_id", row->agent_id),
             SVC_N("lease_epoch", row->lease_epoch));
    if (speak_offer(gateway, session, &message))
        svc_counter_add(gateway->counters.offers, terms.question ? OFFER_QUESTION : OFFER_JOB, 1);
}

/* A job is offered to the session it was claimed for, or to nobody: the agent's next hello asks
 * about it. */
static void on_row(struct gateway *gateway, struct batch *batch, const struct job_row *row)
{
    struct session *session = sessions_named(&gateway->sessions, row->agent_id, row->session_no);
    batch->jobs++;
    if (row->lane >= LANE_COUNT) {
        svc_alert("job_lane_unknown", SVC_T("job_id", row->job_id));
    } else if (session == NULL) {
        svc_counter_add(gateway->counters.offers, OFFER_NO_SESSION, 1);
        svc_info("job_not_offered", SVC_T("job_id", row->job_id), SVC_T("agent_id", row->agent_id),
                 SVC_N("session_no", row->session_no));
    } else {
        if (batch == &gateway->claims.claim)
            claims_received(session, row->lane);
        offer(gateway, session, batch, row);
    }
}

/* Jobs may be claimed, or marked as asked about, of which nothing is known here, and Postgres gives
 * them to this session no second time. A new session is how to ask about them. */
static void restart_sessions(struct gateway *gateway, const struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        const struct session_name *name = &batch->entries[i].name;
        struct session *session =
            sessions_named(&gateway->sessions, name->agent_id, name->session_no);
        if (session == NULL)
            continue;
        const struct peer peer = session->peer;
        beat_end_session(gateway, session, END_OUTCOME_LOST);
        greet_stranger(gateway, &peer);
    }
}

static void on_good(struct gateway *gateway, struct batch *batch)
{
    const int64_t now = svc_mono_us();
    if (batch == &gateway->claims.claim) {
        count_claim(gateway, batch->jobs > 0 ? CLAIM_JOBS : CLAIM_NONE);
        svc_histogram_add_us(gateway->counters.claim_seconds, now - batch->asked_mono_us);
    }
    claims_finished(&gateway->claims, &gateway->sessions, batch, now);
}

static void on_bad(struct gateway *gateway, struct batch *batch, const struct svc_error *err)
{
    const char *what = batch == &gateway->claims.claim ? "claim" : "question";
    const bool lost = store_lost(err);
    if (batch == &gateway->claims.claim)
        count_claim(gateway, lost ? CLAIM_LOST : CLAIM_FAILED);
    svc_warn_limited(&gateway->statement_limit, lost ? "claim_lost" : "claim_failed",
                     SVC_T("statement", what), SVC_N("agents", batch->count), SVC_ERR(err));
    if (lost)
        restart_sessions(gateway, batch);
    claims_failed(&gateway->claims, &gateway->sessions, batch, svc_mono_us());
}

void work_job(void *arg, struct batch *batch, const struct job_row *row,
              const struct svc_error *err)
{
    struct gateway *gateway = arg;
    if (row != NULL) {
        on_row(gateway, batch, row);
        return;
    }
    if (err->rc == SVC_OK)
        on_good(gateway, batch);
    else
        on_bad(gateway, batch, err);
    svc_source_again(&gateway->pump);
}

void work_ready(void *arg, const char *agent_id)
{
    struct gateway *gateway = arg;
    struct session *session = sessions_by_agent(&gateway->sessions, agent_id);
    if (session == NULL)
        return;
    claims_want(&gateway->claims, session);
    svc_source_again(&gateway->pump);
}

/* Results */

void work_durable(void *arg, const struct flight *flight)
{
    struct gateway *gateway = arg;
    const struct report_key *key = &flight->key;
    enum lane lane = LANE_EFFECTS;
    struct session *session = sessions_named(&gateway->sessions, key->agent_id, flight->session_no);
    svc_info("result_relayed", SVC_T("job_id", key->job_id), SVC_T("agent_id", key->agent_id),
             SVC_N("lease_epoch", key->lease_epoch));
    if (session == NULL || (flight->answer && !speak_ack(gateway, session, flight)))
        return;
    if (session_release(session, key->job_id, key->lease_epoch, flight->fact, &lane)) {
        claims_slot_freed(&gateway->claims, session, lane);
        svc_source_again(&gateway->pump);
    }
}

/* Symbols. A page that did not become durable is said again by the agent. */

void work_page(void *arg, const struct event_page *page, bool durable)
{
    struct gateway *gateway = arg;
    struct session *session = sessions_named(&gateway->sessions, page->agent_id, page->session_no);
    if (session == NULL)
        return;
    session->page_in_flight = false;
    if (durable)
        (void)speak_symbols_ack(gateway, session, page);
}
