/* One migrate at a time per database. */
#pragma once

#include "migrate.h"

/* Take the session's advisory lock on m->conn, waiting at most wait_ms. MIGRATE_LOCK: the fault and
 * the JSON member "lock_holder" say who holds it. It is released when the connection ends, however
 * that happens. */
enum migrate_exit lock_take(struct migrate *m, uint32_t wait_ms, struct fault *fault);
