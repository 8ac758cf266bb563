/* Arguments and settings. */
#pragma once

#include "exits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum command {
    COMMAND_UP,
    COMMAND_DOWN,
    COMMAND_STATUS,
    COMMAND_VERIFY,
    COMMAND_PLAN,
    COMMAND_BASELINE,
    COMMAND_REPAIR,
    COMMAND_LINT,
    COMMAND_NEW,
    COMMAND_COUNT,
};

struct config {
    const char *migrate_url, *database_url; /* as set; "" where not */
    const char *url;                        /* the one that counts; "" for lint and new */
    const char *folder;                     /* NULL: the files in the program */
    const char *against; /* baseline: an empty database for a scratch run (a setting, as it may hold
                            a password); NULL: one is made */
    enum command command;     /* `up --dry-run` is COMMAND_PLAN */
    uint32_t lock_wait_ms;    /* for another migrate, and in all for tables' locks */
    uint32_t lock_timeout_ms; /* one try for a table's lock */
    uint32_t wait_ms;         /* for a server that does not answer yet */
    bool json;
    bool exit_code;         /* status */
    bool has_to;            /* down, baseline */
    uint64_t to;            /* down: the newest version that stays, 0 none; baseline: last */
    uint32_t steps;         /* down; 0: not given */
    bool allow_data_loss;   /* down */
    uint64_t min_version;   /* verify; 0: not given */
    bool force_mismatch;    /* baseline */
    const char *reason;     /* baseline; NULL: not given */
    bool apply;             /* repair */
    bool no_transaction;    /* new */
    char *const *arguments; /* lint FILE…, new NAME: borrowed from argv */
    size_t argument_count;
};

/* Fill config from argv and the environment. false: nothing is left to do, exit with *ret_exit;
 * help and complaints are printed. */
bool config_load(int argc, char **argv, struct config *ret_config, enum migrate_exit *ret_exit);
const char *config_command_name(enum command command);

/* "60s", "1500ms", "2m" or plain seconds, at most a day. 0 or -1. */
int config_duration_ms(const char *text, uint32_t *ret_ms);
