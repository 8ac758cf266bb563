/* What became of the accepted alerts, read from Postgres. */
#pragma once

#include "alerts.h"
#include "figures.h"

#include <signal.h>

enum { OUTCOME_CODES = 24, OUTCOME_CODE_MAX = 40 };

struct outcome_code { /* how often a failed or discarded signal named this code */
    char name[OUTCOME_CODE_MAX];
    uint64_t count;
};

struct outcomes {
    uint64_t executed, failed, discarded, open, missing, doubled;
    uint64_t nothing_to_do; /* closes without a position to close: an end as right as executed, and
                               none of the failed */
    uint64_t unasked; /* rows of alerts that were never answered 202: they landed after a 503 */
    struct outcome_code codes[OUTCOME_CODES];
    struct figures to_order, to_fill; /* from the webhook's arrival, by the job's timeline */
};

/* Wait until every accepted alert has ended (progress on stderr; give up after wait_s without any
 * ending, or when *stop), then read. SVC_AGAIN: the database cannot be asked. */
enum svc_rc outcomes_read(const struct options *options, const struct alerts *alerts,
                          const volatile sig_atomic_t *stop, struct outcomes *ret,
                          struct svc_error *err) SVC_CHECK;
void outcomes_done(struct outcomes *outcomes);
