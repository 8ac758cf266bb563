/* Everything the dispatcher does to the database: named operations on one sequential connection per
 * role. They wait, bounded by the role's statement_timeout and by STORE_DEADLINE_MS.
 *
 * Common errors  SVC_AGAIN   connection lost, serialization and the like: nothing of it happened,
 * or (a COMMIT whose answer was lost) all of it, which a repeat finds. SVC_REJECT  the database
 * refuses the input (SQLSTATE in err->code); position_moved: somebody else owns a partition.
 *                SVC_FATAL   the schema or our rights do not fit.
 * After an error no transaction is open. */
#pragma once

#include "apply.h"
#include "contracts/schema_range.h"
#include "lapse.h"
#include "plan.h"

#include "svc/consumer.h"

enum {
    STORE_DEADLINE_MS = 25000, /* above the role's statement_timeout of 20 s */
    STORE_EXPIRE_MAX = 500,
    STORE_UNMATCHED_MAX = 100,
    STORE_FORGET_MAX = 500,
};

struct store;

/* application_name, schema  borrowed for the life of the store. Does not connect. */
enum svc_rc store_open(const struct svc_cfg_pg *server, const char *application_name,
                       struct schema_watch *schema, struct store **ret_store,
                       struct svc_error *err) SVC_CHECK;
void store_close(struct store **store);
/* Connect if there is no connection (or it ended unnoticed), and check all statements. */
enum svc_rc store_ready(struct store *store, struct svc_error *err) SVC_CHECK;
bool store_connected(const struct store *store);
/* For the role's consumer, which keeps its positions there. */
struct svc_pg *store_pg(struct store *store);
extern const struct svc_offset_statements store_offsets;

/* The records that a transaction moves the positions past. consumer NULL: none. */
struct store_records {
    struct svc_consumer *consumer;
    const struct svc_record *records;
    size_t count;
};

/* Signals, in one transaction of two halves; a plan is made in between. */

struct store_signal_ask {
    const char *signal_id, *user_id, *strategy_id;
    const uint8_t *dedup_key; /* 32 bytes; NULL: takes none */
    bool key_is_body;         /* holds for PLAN_BODY_WINDOW_S only */
    int64_t received_unix_us;
};

/* Begin, move the positions, read what the plans need, take the keys of signals that are no rows
 * yet. ret_facts  `count` elements; what they point to lives in `arena`. */
enum svc_rc store_signals_begin(struct store *store, const struct store_records *records,
                                const struct store_signal_ask *asks, size_t count,
                                struct svc_arena *arena, struct plan_facts *ret_facts,
                                struct svc_error *err) SVC_CHECK;
/* Write the plans and commit. count may be 0. */
enum svc_rc store_signals_commit(struct store *store, const struct plan *plans, size_t count,
                                 struct svc_error *err) SVC_CHECK;

/* Results, in one transaction. */

enum store_verdict {
    VERDICT_APPLIED,
    VERDICT_REPEATED,
    VERDICT_CONFLICT,
    VERDICT_STALE,
    VERDICT_FOREIGN,
    VERDICT_UNMATCHED,
    VERDICT_DROPPED, /* as unmatched, but too many of its agent wait already */
    VERDICT_COUNT,
};
const char *store_verdict_name(enum store_verdict verdict);

struct store_applied { /* texts live in the arena; NULL where the job is not known */
    enum store_verdict verdict;
    const char *user_id, *status, *signal_id, *agent_id;
    const char *traceparent; /* the job's; NULL: it has none */
};

struct store_unmatched {
    int64_t id;
    const void *payload;
    size_t len;
};

/* Move the positions past `records`, apply the rows (apply_rounds() was called), remove these
 * unmatched results, commit. ret_applied: `count` elements, set on SVC_OK. */
enum svc_rc store_results_apply(struct store *store, const struct store_records *records,
                                const struct apply_row *rows, size_t count,
                                const struct store_unmatched *unmatched, size_t unmatched_count,
                                struct svc_arena *arena, struct store_applied *ret_applied,
                                struct svc_error *err) SVC_CHECK;
/* Those of the next STORE_UNMATCHED_MAX kept results whose job is known now; payloads live in the
 * arena. looked_id  the last one looked at; moves, and is 0 again behind the last of all. */
enum svc_rc store_unmatched_ready(struct store *store, int64_t *looked_id, struct svc_arena *arena,
                                  struct store_unmatched **ret_unmatched, size_t *ret_count,
                                  struct svc_error *err) SVC_CHECK;

/* The sweeper. */

struct store_job { /* texts live in the arena; all but the first two may be NULL */
    const char *job_id, *user_id, *signal_id, *status, *code, *traceparent;
};

/* At most STORE_EXPIRE_MAX; fewer: there are no more. */
enum svc_rc store_jobs_expire(struct store *store, struct svc_arena *arena,
                              struct store_job **ret_jobs, size_t *ret_count,
                              struct svc_error *err) SVC_CHECK;
/* Kept results that nobody's job came for in 7 days. Looks at STORE_FORGET_MAX; fewer deleted:
 * there are no more. */
enum svc_rc store_unmatched_forget(struct store *store, size_t *ret_count,
                                   struct svc_error *err) SVC_CHECK;
/* ret_leases: room for LAPSE_MAX. */
enum svc_rc store_leases_lapsed(struct store *store, struct lapse_lease *ret_leases,
                                size_t *ret_count, struct svc_error *err) SVC_CHECK;
enum svc_rc store_jobs_lapse(struct store *store, const struct lapse_lease *leases, size_t count,
                             struct svc_arena *arena, struct store_job **ret_jobs,
                             size_t *ret_count, struct svc_error *err) SVC_CHECK;
