/* Results on their way to Kafka: a JobReport becomes a JobResult on results.v1, with the user's key
 * and the agent's authenticated id. The gateway says ReportAck only after the delivery report; what
 * Kafka did not take in time is not acknowledged, and the agent sends it again. */
#pragma once

#include "counters.h"
#include "offer.h"
#include "reports.h"
#include "sessions.h"

#include "svc/producer.h"

struct relay;

struct relay_options {
    struct svc_producer *producer; /* borrowed; closed before relay_close */
    struct counters *counters;
    /* A report is durable now: free its slot, and acknowledge it where flight->answer. */
    void (*on_durable)(void *arg, const struct flight *flight);
    void *arg;
};

enum svc_rc relay_open(const struct relay_options *options, struct relay **ret_relay,
                       struct svc_error *err) SVC_CHECK;
void relay_close(struct relay **relay);
size_t relay_in_flight(const struct relay *relay);

/* report was checked by contracts_unpack_envelope. Nothing comes back when it cannot be taken now,
 * or is on its way already: the agent repeats it. */
void relay_report(struct relay *relay, const struct session *session,
                  const Tradewire__V1__JobReport *report);
/* A job that cannot be offered fails with err's code and text. */
void relay_refusal(struct relay *relay, const struct session *session, const struct job_row *row,
                   const struct svc_error *err);
