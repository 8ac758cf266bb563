/* The results topic. */
#include "relay.h"

#include "contracts/codes.h"
#include "contracts/topics.h"

#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/log.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

enum {
    BYTES_MAX = 64 * 1024 * 1024, /* of reports in flight; one output may have 1 MiB */
    REPORTS_EXPECTED = 8192,
};

static const char schema[] = "tradewire.v1.JobResult";

struct relay {
    struct relay_options options;
    struct reports reports;
    struct svc_buffer packed;
    struct svc_log_limit limit;
};

static void count(const struct relay *relay, enum result_result result)
{
    svc_counter_add(relay->options.counters->results, result, 1);
}

/* What tells one report from another. When it was sent is not part of it: an agent that repeats a
 * report says the same with a later time. */
static void digest_of(struct relay *relay, Tradewire__V1__JobResult *result,
                      uint8_t ret[REPORT_DIGEST_BYTES])
{
    Tradewire__V1__AgentTimes *times = result->times;
    const int64_t sent = result->sent_unix_us, claimed = result->claimed_unix_us;
    result->times = NULL;
    result->sent_unix_us = result->claimed_unix_us = 0;
    contracts_pack(&result->base, &relay->packed);
    (void)crypto_generichash(ret, REPORT_DIGEST_BYTES, (const uint8_t *)relay->packed.bytes,
                             relay->packed.len, NULL, 0);
    result->times = times;
    result->sent_unix_us = sent;
    result->claimed_unix_us = claimed;
}

static void on_delivered(void *arg, enum svc_rc rc, const struct svc_error *err)
{
    struct flight *flight = arg, landed = *flight;
    struct relay *relay = landed.owner;
    const bool told = reports_delivered(&relay->reports, flight, rc == SVC_OK);
    count(relay, rc == SVC_OK ? RESULT_DURABLE : RESULT_NOT_DURABLE);
    if (rc != SVC_OK)
        svc_warn_limited(&relay->limit, "result_not_durable", SVC_T("job_id", landed.key.job_id),
                         SVC_ERR(err));
    else
        svc_histogram_add_us(relay->options.counters->result_seconds,
                             svc_mono_us() - landed.sent_mono_us);
    if (told)
        relay->options.on_durable(relay->options.arg, &landed);
}

/* That of the job; a new one where it had none, or where it was offered by an earlier session. */
static void trace_of(const struct session *session, const char *job_id, char ret[SVC_TRACE_TEXT])
{
    const struct held_job *held = session_held(session, job_id);
    const char *known = held != NULL ? held->traceparent : "";
    svc_trace_continue(known, strlen(known), ret);
}

static void send_flight(struct relay *relay, struct flight *flight, const struct session *session,
                        const Tradewire__V1__JobResult *result)
{
    char trace[SVC_TRACE_TEXT];
    trace_of(session, result->job_id, trace);
    const struct svc_header headers[] = {{"traceparent", trace, sizeof trace - 1},
                                         {"schema", schema, sizeof schema - 1}};
    struct svc_error err = {.rc = SVC_OK};
    contracts_pack(&result->base, &relay->packed);
    if (svc_producer_send(relay->options.producer, TOPIC_RESULTS, result->user_id,
                          relay->packed.bytes, relay->packed.len, headers,
                          sizeof headers / sizeof headers[0], on_delivered, flight, &err) == SVC_OK)
        return;
    (void)reports_delivered(&relay->reports, flight, false);
    count(relay, RESULT_NO_ROOM);
    svc_warn_limited(&relay->limit, "result_not_sent", SVC_T("job_id", result->job_id),
                     SVC_ERR(&err));
}

static void forward(struct relay *relay, const struct session *session,
                    Tradewire__V1__JobResult *result, bool answer)
{
    struct report_key key = {.lease_epoch = result->lease_epoch};
    uint8_t digest[REPORT_DIGEST_BYTES];
    struct flight *flight = NULL;
    memcpy(key.agent_id, session->agent_id, SVC_UUID_TEXT);
    memcpy(key.job_id, result->job_id, SVC_UUID_TEXT);
    digest_of(relay, result, digest);
    switch (reports_begin(&relay->reports, &key, digest, relay->packed.len, &flight)) {
    case REPORT_COLLAPSED:
        count(relay, RESULT_REPEATED);
        return;
    case REPORT_FULL:
        count(relay, RESULT_NO_ROOM);
        return;
    case REPORT_SEND:
        break;
    }
    flight->owner = relay;
    flight->session_no = session->session_no;
    flight->fact = result->outcome == TRADEWIRE__V1__OUTCOME__OUTCOME_DONE;
    flight->answer = answer;
    flight->sent_mono_us = svc_mono_us();
    send_flight(relay, flight, session, result);
}

static void lower_uuid(const char *text, char ret[SVC_UUID_TEXT])
{
    for (size_t i = 0; i < SVC_UUID_TEXT; i++)
        ret[i] = (char)tolower((unsigned char)text[i]);
}

/* Who it is from, and what the gateway knows of the offer it answers. */
static void begin_result(const struct session *session, char *job_id, Tradewire__V1__JobResult *ret)
{
    const struct held_job *held = session_held(session, job_id);
    tradewire__v1__job_result__init(ret);
    ret->job_id = job_id;
    ret->user_id = (char *)(uintptr_t)session->user_id;
    ret->agent_id = (char *)(uintptr_t)session->agent_id;
    ret->has_lease_epoch = ret->has_outcome = ret->has_source = 1;
    ret->source = TRADEWIRE__V1__RESULT_SOURCE__RESULT_SOURCE_AGENT;
    ret->has_sent_unix_us = ret->has_claimed_unix_us = held != NULL;
    ret->sent_unix_us = held != NULL ? held->sent_unix_us : 0;
    ret->claimed_unix_us = held != NULL ? held->claimed_unix_us : 0;
}

void relay_report(struct relay *relay, const struct session *session,
                  const Tradewire__V1__JobReport *report)
{
    char job_id[SVC_UUID_TEXT];
    Tradewire__V1__JobResult result;
    lower_uuid(report->job_id, job_id);
    begin_result(session, job_id, &result);
    result.lease_epoch = report->lease_epoch;
    result.outcome = report->outcome;
    result.code = report->code;
    result.has_text = report->has_text;
    result.text = report->text;
    result.has_retcode = report->has_retcode;
    result.retcode = report->retcode;
    result.n_fills = report->n_fills;
    result.fills = report->fills;
    result.has_output = report->has_output;
    result.output = report->output;
    result.has_ready_unix_us = report->has_ready_unix_us;
    result.ready_unix_us = report->ready_unix_us;
    result.times = report->times;
    forward(relay, session, &result, true);
}

void relay_refusal(struct relay *relay, const struct session *session, const struct job_row *row,
                   const struct svc_error *err)
{
    char job_id[SVC_UUID_TEXT];
    Tradewire__V1__JobResult result;
    lower_uuid(row->job_id, job_id);
    begin_result(session, job_id, &result);
    result.lease_epoch = row->lease_epoch;
    result.outcome = TRADEWIRE__V1__OUTCOME__OUTCOME_FAILED;
    result.code = (char *)(uintptr_t)err->code;
    result.has_text = 1;
    result.text.data = (uint8_t *)(uintptr_t)err->text;
    result.text.len = strlen(err->text);
    forward(relay, session, &result, false);
}

enum svc_rc relay_open(const struct relay_options *options, struct relay **ret_relay,
                       struct svc_error *err)
{
    SVC_CLEANUP(relay_close) struct relay *relay = calloc(1, sizeof *relay);
    if (relay == NULL || !reports_init(&relay->reports, REPORTS_EXPECTED, BYTES_MAX))
        return svc_fail(err, SVC_FATAL, "out_of_memory", "relay");
    relay->options = *options;
    *ret_relay = relay;
    relay = NULL;
    return SVC_OK;
}

void relay_close(struct relay **relay)
{
    struct relay *closing = *relay;
    *relay = NULL;
    if (closing == NULL)
        return;
    reports_done(&closing->reports);
    svc_buffer_done(&closing->packed);
    free(closing);
}

size_t relay_in_flight(const struct relay *relay)
{
    return reports_count(&relay->reports);
}
