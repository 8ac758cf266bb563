/* What the store's files share, and nobody else. */
#pragma once

#include "dispatcher_sql.h"
#include "store.h"

enum {
    STORE_ARRAYS = 20,
    STORE_ARRAY_KEPT = 128 * 1024, /* bytes a parameter may keep between batches */
};

struct store {
    struct svc_pg *pg;
    struct svc_buffer arrays[STORE_ARRAYS]; /* parameters under construction, reused */
};

/* Empty arrays [0, count), and after the last element close them. */
void store_arrays_begin(struct store *store, int count);
/* Send a statement with arrays [0, count) as its parameters. */
enum svc_rc store_arrays_send(struct store *store, enum dispatcher_sql statement, int count,
                              struct svc_error *err) SVC_CHECK;
/* Give memory that a rare large batch needed back. */
void store_arrays_trim(struct store *store);

/* BEGIN and the move of the positions; store_began() takes their two results. */
enum svc_rc store_begin(struct store *store, const struct store_records *records,
                        struct svc_error *err) SVC_CHECK;
enum svc_rc store_began(struct store *store, const struct store_records *records,
                        struct svc_error *err) SVC_CHECK;
/* COMMIT as a round trip of its own, behind what was sent already. */
enum svc_rc store_commit(struct store *store, struct svc_error *err) SVC_CHECK;
/* Give the open transaction up, in whatever state it is. */
void store_abandon(struct store *store);
/* Take a result that nobody looks into. */
enum svc_rc store_skip(struct store *store, struct svc_error *err) SVC_CHECK;

/* A column's text in the arena; NULL for SQL NULL. */
const char *store_text(const PGresult *result, int row, int column, struct svc_arena *arena);
