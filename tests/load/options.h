/* The command line; `loadgen --help` states it. */
#pragma once

#include "schedule.h"

#include "svc/config.h"

#include <stdbool.h>
#include <stdint.h>

struct options {
    char host[256];
    char port[8];
    const char *secrets_path, *ledger_path, *database; /* NULL: not given */
    uint32_t rate, seconds, connections, wait_s, closes_percent;
    uint64_t count, seed;
    enum pattern pattern;
    bool json, check_only;
};

/* SVC_EXIT_RUN, or the exit code (after --help and the like, or a fault that was printed). */
enum svc_exit options_read(int argc, char **argv, struct options *ret);
