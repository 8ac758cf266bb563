/* The roles one dispatcher can have: DISPATCHER_ROLES names those of this process. Core. */
#pragma once

#include "svc/error.h"

#include <stdbool.h>

/* In the order in which they are started: results are served first. */
enum role_id {
    ROLE_RESULTS,
    ROLE_SIGNALS,
    ROLE_MAINTENANCE,
    ROLE_COUNT,
};

const char *role_name(enum role_id id);

/* "signals,results": which roles are asked for. A role twice is one. SVC_FATAL code config: an
 * unknown name, or none at all. */
enum svc_rc roles_parse(const char *text, bool ret_roles[ROLE_COUNT],
                        struct svc_error *err) SVC_CHECK;
