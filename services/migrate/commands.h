/* The commands; each in a file of its own, command_<name>.c. See migrate.h for what they do with
 * faults and JSON. */
#pragma once

#include "migrate.h"

typedef enum migrate_exit command_function(struct migrate *m, struct fault *fault);

command_function command_up, command_status;
command_function command_down, command_plan, command_baseline, command_repair;
command_function command_verify, command_lint, command_new;
