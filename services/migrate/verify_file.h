/* One verify file. */
#pragma once

#include "verify.h"

/* Adds its rows: each row of each of its SELECTs. A statement that fails, that does not return the
 * columns object, expected, found, or a file without rows adds one that is wrong and names the
 * file. It runs in a read-only transaction under fixed settings, search_path = public, and is
 * rolled back. */
enum migrate_exit verify_file(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                              struct verify_report *report, struct fault *fault);
