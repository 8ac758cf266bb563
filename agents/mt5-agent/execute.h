/* Where book, journal, terminal and gateway meet: what comes in goes to the book, and the book's
 * actions are carried out one by one, in its order: flush, order, question, report. Edge. */
#pragma once

#include "config.h"
#include "keyfile.h"

#include "svc/loop.h"
#include "svc/metrics.h"

struct execute;

/* Opens journal (code journal_…), terminal listener and gateway link. All borrowed for its life. */
enum svc_rc execute_open(struct svc_loop *loop, const struct config *config,
                         const struct key_pair *keys, struct svc_metrics *metrics,
                         struct execute **ret_execute, struct svc_error *err) SVC_CHECK;
void execute_close(struct execute **execute);

struct execute_health {
    bool terminal, gateway;
};
struct execute_health execute_health(const struct execute *execute);

void execute_begin_drain(struct execute *execute);
bool execute_is_idle(const struct execute *execute);
void execute_finish(struct execute *execute);
