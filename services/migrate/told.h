/* Rules that a down file could not give back quite as they were.
 *
 * Rows made since the file's up may not fit an old rule. They stay; the constraint comes back NOT
 * VALID, a unique one or an index is left out, a column stays nullable or wide, and the file says
 * so in a WARNING whose fields name the table and the constraint, index or column. What is said is
 * no fault of the file; nothing else may differ. */
#pragma once

#include "fold.h"
#include "migrate.h"

struct told {
    uint64_t version; /* whose down file said it */
    const char *kind; /* "rule": constraint or index; "column" */
    const char *schema, *table, *name;
    const char *message, *hint; /* hint NULL: none */
    const char *relation;       /* the table's oid, once it is settled; NULL: not known */
    bool is_gone;               /* a file that was taken back later dropped the table */
};

struct told_list {
    struct svc_arena *arena;
    uint64_t version;
    struct told *items;
    size_t count, capacity;
};

/* Empty; in the arena, because a connection points to it until it is closed. */
struct told_list *told_list(struct svc_arena *arena);

/* From here on what is said on the connection is added, as said by this version's file. Listening
 * to a connection that is listened to already changes the version only. */
void told_listen(struct told_list *list, PGconn *conn, uint64_t version);
/* Whether the list has it: the same rule or column, whatever file said it. */
bool told_has(const struct told_list *list, const struct told *told);

/* In the end of a rehearsal: of whose tables is nothing left? */
enum migrate_exit told_find_gone(struct migrate *m, struct told_list *list, struct fault *fault);

/* A line, and what to do. told_say: what is so in the end, each once, and with --json the member
 * "not_as_it_was". */
void told_warn(const struct told *told);
void told_say(struct migrate *m, const struct told_list *list);

/* Takes out of a down file's differences those that it told, where they are no more than that; the
 * history's newest other row on each is changed to what is there now, so that later checks and
 * `verify` know. Inside the file's transaction. */
enum migrate_exit told_settle(struct migrate *m, struct told_list *list, uint64_t version,
                              struct fold_differences *differences, struct fault *fault);
