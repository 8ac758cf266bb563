/* Two small messages. */
#include "hints.h"

#include "contracts/messages.h"
#include "contracts/topics.h"

#include "svc/log.h"
#include "svc/trace.h"

#include <string.h>

static void hint(struct svc_producer *producer, const char *topic, const char *user_id,
                 const char *traceparent, const ProtobufCMessage *message)
{
    const char *schema = message->descriptor->name;
    char trace[SVC_TRACE_TEXT];
    struct svc_error err = {.rc = SVC_OK};
    struct svc_buffer bytes = {.bytes = NULL};
    svc_trace_continue(traceparent, traceparent != NULL ? strlen(traceparent) : 0, trace);
    const struct svc_header headers[] = {{"traceparent", trace, sizeof trace - 1},
                                         {"schema", schema, strlen(schema)}};
    contracts_pack(message, &bytes);
    if (svc_producer_send(producer, topic, user_id, bytes.bytes, bytes.len, headers,
                          sizeof headers / sizeof headers[0], NULL, NULL, &err) != SVC_OK)
        svc_debug("hint_lost", SVC_T("topic", topic), SVC_ERR(&err));
    svc_buffer_done(&bytes);
}

/* protobuf-c's members are not const; packing changes nothing. */
static char *text(const char *value)
{
    union {
        const char *in;
        char *out;
    } cast = {.in = value};
    return cast.out;
}

void hint_job_ready(struct svc_producer *producer, const char *agent_id, const char *user_id,
                    const char *traceparent)
{
    Tradewire__V1__JobReady ready = TRADEWIRE__V1__JOB_READY__INIT;
    ready.agent_id = text(agent_id);
    ready.user_id = text(user_id);
    hint(producer, TOPIC_JOBS_READY, user_id, traceparent, &ready.base);
}

void hint_job_finished(struct svc_producer *producer, const char *job_id, const char *user_id,
                       const char *status, const char *signal_id, const char *traceparent)
{
    Tradewire__V1__JobFinished finished = TRADEWIRE__V1__JOB_FINISHED__INIT;
    finished.job_id = text(job_id);
    finished.user_id = text(user_id);
    finished.status = text(status);
    finished.signal_id = text(signal_id);
    hint(producer, TOPIC_JOBS_FINISHED, user_id, traceparent, &finished.base);
}
