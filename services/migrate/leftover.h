/* Invalid indexes: what a CREATE INDEX CONCURRENTLY or REINDEX … CONCURRENTLY leaves behind that
 * was killed or failed. IF NOT EXISTS would take such an index for a good one. */
#pragma once

#include "lexer.h"
#include "migrate.h"

/* Drop, CONCURRENTLY, those that this statement left in an earlier run. Those that somebody builds
 * right now are left alone. */
enum migrate_exit leftover_drop(struct migrate *m, const struct statement *statement,
                                struct fault *fault);
/* Is an index that the text names invalid? MIGRATE_SQL, code invalid_index. */
enum migrate_exit leftover_check(struct migrate *m, const char *text, size_t len,
                                 struct fault *fault);

/* Does the text contain the name as a whole word, in whatever case? Pure. */
bool leftover_names(const char *text, size_t len, const char *name);
