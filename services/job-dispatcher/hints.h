/* Wake-ups on jobs.ready.v1 and jobs.finished.v1, sent after the commit and never waited for: a
 * lost one costs whoever waits one poll, nothing else. */
#pragma once

#include "svc/producer.h"

/* agent_id NULL: any agent of the user. traceparent: of the (first) job that became ready; NULL: it
 * has none, and the hint begins one. */
void hint_job_ready(struct svc_producer *producer, const char *agent_id, const char *user_id,
                    const char *traceparent);
/* signal_id NULL: not from a signal. traceparent: the job's; NULL as above. */
void hint_job_finished(struct svc_producer *producer, const char *job_id, const char *user_id,
                       const char *status, const char *signal_id, const char *traceparent);
