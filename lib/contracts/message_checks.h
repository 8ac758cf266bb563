/* The check function of each message; used by messages.c only. */
#pragma once

#include "contracts/messages.h"

enum svc_rc check_signal(const Tradewire__V1__Signal *m, struct svc_error *err);
enum svc_rc check_job_requested(const Tradewire__V1__JobRequested *m, struct svc_error *err);
enum svc_rc check_job_ready(const Tradewire__V1__JobReady *m, struct svc_error *err);
enum svc_rc check_job_finished(const Tradewire__V1__JobFinished *m, struct svc_error *err);
enum svc_rc check_job_result(const Tradewire__V1__JobResult *m, struct svc_error *err);
enum svc_rc check_envelope(const Tradewire__V1__Envelope *m, struct svc_error *err);
enum svc_rc check_agent_event(const Tradewire__V1__AgentEvent *m, struct svc_error *err);
enum svc_rc check_sync_requested(const Tradewire__V1__SyncRequested *m, struct svc_error *err);
