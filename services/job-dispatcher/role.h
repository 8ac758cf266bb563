/* A role: one thread with its own loop, Postgres connection and Kafka clients, so that a slow page
 * of one never delays another. The main loop has the signals and the admin interface. */
#pragma once

#include "config.h"
#include "measures.h"
#include "store.h"

#include "svc/admin.h"
#include "svc/log.h"
#include "svc/producer.h"

#include <pthread.h>
#include <stdatomic.h>

struct role;

struct role_kind {
    const char *application_name;                                  /* of its Postgres connection */
    enum svc_rc (*open)(struct role *role, struct svc_error *err); /* sets role->state */
    /* Postgres was connected, or connected again; may be NULL. */
    void (*connected)(struct role *role);
    /* Once a second, while Postgres is connected. */
    enum svc_rc (*tick)(struct role *role, struct svc_error *err);
    /* What keeps it from working besides Postgres; NULL: nothing. */
    const char *(*missing)(const struct role *role);
    void (*begin_drain)(struct role *role); /* take nothing more; may be NULL */
    void (*close)(struct role *role);
};

extern const struct role_kind role_results, role_signals, role_maintenance;

struct role {
    enum role_id id;
    const struct role_kind *kind;
    const struct config *config;
    struct measures *measures;
    struct svc_admin *admin;
    unsigned check;        /* its readiness check */
    unsigned schema_check; /* the one that all roles share: does the schema fit? */
    int ended_fd;          /* eventfd of the main loop, written when the role ends */

    struct svc_loop *loop;
    struct svc_producer *producer;
    struct store *store;
    struct schema_watch schema;
    struct svc_timer second;
    struct svc_log_limit again_limit;
    void *state;

    pthread_t thread;
    bool is_started;
    atomic_bool has_ended;
    enum svc_exit code; /* when it has ended */
};

/* Start the thread. role: id, config, measures, admin, check, schema_check, ended_fd are set. */
enum svc_rc role_start(struct role *role, struct svc_error *err) SVC_CHECK;
/* After it has ended. */
void role_join(struct role *role);

/* Within a role: it cannot go on. */
void role_fail(struct role *role, const struct svc_error *err);
