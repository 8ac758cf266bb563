/* What `down` would lose: the tables and columns that go, and how much is in them. */
#pragma once

#include "migrate.h"

/* A table or column that goes. */
struct going {
    const char *kind, *object;
    const char *table, *counted; /* of which table, what of it: "*" or the column */
    const char *rows;            /* how many are lost, as text; "0": none */
};

struct goings {
    struct going *items;
    size_t count;
};

/* What a file, or all of them, dropped. A column of a table that goes belongs to the table. */
void losses_note(struct svc_arena *arena, const struct catalog_changes *changes,
                 struct goings *ret_goings);
/* Fills in `rows`; *ret_losses: how many of them hold any. Outside of a transaction. */
enum migrate_exit losses_count(struct migrate *m, struct goings *goings, size_t *ret_losses,
                               struct fault *fault);
/* Those that hold rows: a line each, and with --json the member "data_loss". */
void losses_say(struct migrate *m, const struct goings *goings);
/* The fault of a `down` that may not lose them. */
enum migrate_exit losses_refuse(struct fault *fault, const char *message);
/* Inside a file's transaction: rows may have come since they were counted, so what goes is locked
 * and looked at once more. */
enum migrate_exit losses_check_empty(struct migrate *m, const struct goings *goings,
                                     struct fault *fault);
