/* One migrate at a time per database. */
#pragma once

#include "fault.h"

#include <stdint.h>

#include <libpq-fe.h>

/* Take the session's advisory lock, waiting at most wait_ms. MIGRATE_LOCK: the message says who
 * holds it. It is released when the connection ends, however that happens. */
enum migrate_exit lock_take(PGconn *conn, struct svc_arena *arena, uint32_t wait_ms,
                            struct fault *fault);
