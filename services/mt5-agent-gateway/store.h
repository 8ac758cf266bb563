/* Everything this program may do to the database: the functions of migrations/ for sessions and
 * claims. One connection, statements in a pipeline: they happen in the order they were asked for.
 * Nothing here waits.
 *
 * A statement whose connection was lost has an unknown outcome: its error is SVC_AGAIN with
 * store_lost() true. SVC_AGAIN without it was rolled back. */
#pragma once

#include "claims.h"
#include "hellos.h"
#include "offer.h"

#include "svc/loop.h"
#include "svc/pgq.h"

struct store;

struct hello_answer { /* texts are borrowed for the call */
    const char *code; /* NULL: welcome */
    const char *message, *user_id;
    uint64_t session_no;
};

/* What comes back. err->rc is SVC_OK when the statement was committed. */
struct store_events {
    void (*on_state)(void *arg, bool connected);
    void (*on_schema)(void *arg, bool good, const char *text); /* as schema_watch says */
    void (*on_hello)(void *arg, struct hello *hello, const struct hello_answer *answer,
                     const struct svc_error *err); /* answer NULL on an error */
    /* Rows one by one, then once more with row NULL at the end. */
    void (*on_job)(void *arg, struct batch *batch, const struct job_row *row,
                   const struct svc_error *err);
    void (*on_ready)(void *arg, const char *agent_id);
    void (*on_out_of_force)(void *arg, const char *agent_id, uint64_t session_no);
    void (*on_ended)(void *arg, size_t count, const struct svc_error *err);
    void *arg;
};

enum svc_rc store_open(struct svc_loop *loop, const struct svc_cfg_pg *server,
                       const struct store_events *events, struct store **ret_store,
                       struct svc_error *err) SVC_CHECK;
void store_close(struct store **store);
bool store_connected(const struct store *store);
uint32_t store_in_flight(const struct store *store);
bool store_lost(const struct svc_error *err);

/* Each: SVC_AGAIN when it could not be sent; then nothing comes back. */

/* hello stays the caller's, and must live until on_hello. */
enum svc_rc store_hello(struct store *store, struct hello *hello, const char *gateway_id,
                        struct svc_error *err) SVC_CHECK;
enum svc_rc store_claim(struct store *store, struct batch *batch, struct svc_error *err) SVC_CHECK;
enum svc_rc store_question(struct store *store, struct batch *batch,
                           struct svc_error *err) SVC_CHECK;
enum svc_rc store_ended(struct store *store, const struct session_name *names, size_t count,
                        struct svc_error *err) SVC_CHECK;
enum svc_rc store_seen(struct store *store, const struct sessions *sessions,
                       struct svc_error *err) SVC_CHECK;
enum svc_rc store_current(struct store *store, const struct sessions *sessions,
                          struct svc_error *err) SVC_CHECK;
enum svc_rc store_beat(struct store *store, const char *gateway_id, const char *name,
                       struct svc_error *err) SVC_CHECK;
enum svc_rc store_ready(struct store *store, unsigned seconds, struct svc_error *err) SVC_CHECK;
enum svc_rc store_bind(struct store *store, const struct session *session,
                       const struct account *account, struct svc_error *err) SVC_CHECK;
