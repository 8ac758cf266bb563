/* The commands: one table, in the order of --help. */
#pragma once

#include "arguments.h"

#include "svc/config.h"

struct ctl_config {
    struct svc_cfg_service svc;
    struct svc_cfg_kafka kafka;
    struct svc_cfg_pg pg;
    const char *jwt_secret;
    const char *public_url;
};

struct ctl_command {
    const char *noun, *verb; /* verb "" for one-word commands */
    int words;               /* how many of them */
    const char *usage;
    const char *summary;
    struct ctl_option options[ARGUMENTS_OPTIONS_MAX]; /* ends with a NULL name */
    enum svc_exit (*run)(const struct ctl_config *config, const struct ctl_command *command,
                         const struct arguments *args);
};

extern const struct ctl_command ctl_commands[];
const struct ctl_command *ctl_command_find(int argc, char **argv);
