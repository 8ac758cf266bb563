/* The simulated terminal: takes the agent's lines one after the other, as an expert does, and works
 * on at most one order at a time. This is where broker, ledger, script and link meet. */
#pragma once

#include "broker.h"
#include "config.h"
#include "ledger.h"
#include "script.h"

#include "svc/loop.h"

struct terminal;

/* All borrowed for the terminal's life. Connects to the agent. */
enum svc_rc terminal_open(struct svc_loop *loop, const struct config *config, struct broker *broker,
                          struct ledger *ledger, struct script *script,
                          struct terminal **ret_terminal, struct svc_error *err) SVC_CHECK;
void terminal_close(struct terminal **terminal);
/* No order is under way. */
bool terminal_is_idle(const struct terminal *terminal);
