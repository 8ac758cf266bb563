/* Sending: every alert when it is due, again when TradingView would, until each has its last
 * answer. */
#pragma once

#include "alerts.h"
#include "ledger.h"

#include <signal.h>
#include <stdio.h>

struct run_result {
    uint64_t sent, accepted, refused, unanswered, resends;
    bool interrupted;
};

/* stop: becomes non-zero when the user interrupts: no more alerts, but those begun are brought to
 * their end. */
enum svc_rc run_alerts(const struct options *options, struct alerts *alerts, FILE *ledger,
                       const volatile sig_atomic_t *stop, struct run_result *ret,
                       struct svc_error *err) SVC_CHECK;
