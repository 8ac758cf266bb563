/* What a migration did, in one line, counted from the catalog and not from its comments. Pure. */
#pragma once

#include "catalog.h"

/* "added 5 columns to jobs, 3 to workflow_executions; created 2 tables, 8 indexes; changed 1
 * function; dropped 1 view". Columns, constraints, triggers, policies and rules of a table that the
 * same file made (or dropped) belong to it and are not counted apart; indexes are, as the documents
 * count them. Grants and comments are named only where nothing else changed: "changed grants,
 * comments". Nothing at all: "changed nothing". Lives in the arena. */
const char *summary_text(struct svc_arena *arena, const struct catalog_changes *changes);
