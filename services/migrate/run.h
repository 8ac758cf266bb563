/* Applying one file. */
#pragma once

#include "fault.h"
#include "files.h"

#include <stdint.h>

#include <libpq-fe.h>

/* The file and its history row in one transaction. On a fault nothing of it remains, and the
 * connection is only good for closing. */
enum migrate_exit run_file(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                           uint64_t *ret_duration_ms, struct fault *fault);
