/* Arguments and settings. */
#pragma once

#include "exits.h"

#include <stdbool.h>
#include <stdint.h>

enum command { COMMAND_UP, COMMAND_STATUS };

struct config {
    const char *migrate_url, *database_url; /* as set; "" where not */
    const char *url;                        /* the one that counts */
    const char *folder;                     /* NULL: the files in the program */
    enum command command;
    uint32_t lock_wait_ms;
    bool json, exit_code;
};

/* Fill config from argv and the environment. false: nothing is left to do, exit with *ret_exit;
 * help and complaints are printed. */
bool config_load(int argc, char **argv, struct config *ret_config, enum migrate_exit *ret_exit);

/* "60s", "1500ms", "2m" or plain seconds, at most a day. 0 or -1. */
int config_duration_ms(const char *text, uint32_t *ret_ms);
