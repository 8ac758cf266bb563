/* The ledger file: what was sent and what was answered, one JSON line per alert; never a secret. */
#pragma once

#include "alerts.h"

#include <stdio.h>

/* path NULL: no ledger, *ret NULL. */
enum svc_rc ledger_open(const char *path, FILE **ret, struct svc_error *err) SVC_CHECK;
void ledger_write(FILE *ledger, const struct alerts *alerts, uint64_t index);
/* Everything is on disk; false: a write failed. */
bool ledger_close(FILE **ledger);
