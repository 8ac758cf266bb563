/* Wake-ups on jobs.ready.v1 and jobs.finished.v1, sent after the commit and never waited for: a
 * lost one costs whoever waits one poll, nothing else. */
#pragma once

#include "svc/producer.h"

/* agent_id NULL: any agent of the user. */
void hint_job_ready(struct svc_producer *producer, const char *agent_id, const char *user_id);
/* signal_id NULL: not from a signal. */
void hint_job_finished(struct svc_producer *producer, const char *job_id, const char *user_id,
                       const char *status, const char *signal_id);
