/* The options of one command: which exist, and what was given. */
#pragma once

#include "svc/config.h"

#include <stdbool.h>
#include <stddef.h>

enum { ARGUMENTS_OPTIONS_MAX = 12, ARGUMENTS_REPEATS_MAX = 32 };

struct ctl_command;

struct ctl_option {
    const char *name; /* without the dashes; "" is the positional argument */
    bool required;
    bool repeated;
};

struct arguments {
    const struct ctl_command *command;
    const char
        *values[ARGUMENTS_OPTIONS_MAX]; /* by the option's index in the command; NULL: not given */
    const char *repeats[ARGUMENTS_REPEATS_MAX]; /* of the one repeated option, in order */
    size_t repeat_count;
    bool json;
};

/* SVC_EXIT_RUN, or SVC_EXIT_USAGE after a message that says what is wrong. */
enum svc_exit arguments_parse(const struct ctl_command *command, int argc, char **argv,
                              struct arguments *ret);
/* NULL when not given. The option must be one of the command's. */
const char *arguments_get(const struct arguments *args, const char *name);
