/* Back-off with jitter, bounded by --lock-wait. */
#include "retry.h"

#include "interrupt.h"

#include "svc/clock.h"

#include <string.h>

enum { BASE_MS = 100, CAP_MS = 800 };

void retry_begin(struct retry *retry)
{
    *retry = (struct retry){.backoff = {.base_ms = BASE_MS, .cap_ms = CAP_MS}, .attempts = 1};
}

static bool passes(const char *sqlstate)
{
    return sqlstate && (strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "40P01") == 0);
}

bool retry_again(struct retry *retry, struct migrate *m, const char *what, const char *blocker,
                 struct fault *fault)
{
    int64_t now_us = svc_mono_us();
    if (!passes(fault->sqlstate) || interrupt_requested())
        return false;
    if (retry->first_failed_us == 0)
        retry->first_failed_us = now_us;
    const char *seen = *blocker ? svc_arena_printf(m->arena, "in the way: %s", blocker) : NULL;
    if (now_us - retry->first_failed_us >= (int64_t)m->config->lock_wait_ms * 1000) {
        fault->exit = MIGRATE_LOCK;
        fault->code = "lock_timeout";
        fault->detail = seen ? seen : fault->detail;
        fault->hint = "end the transaction that is in the way, or give --lock-wait more time";
        return false;
    }
    uint32_t wait_ms = svc_retry_next_ms(&retry->backoff);
    report_progress(&m->report, "  %s: attempt %u: %s (%s)%s%s; again in %u ms", what,
                    retry->attempts++, fault->message, fault->sqlstate, seen ? "; " : "",
                    seen ? seen : "", wait_ms);
    interrupt_sleep(wait_ms);
    return true;
}
