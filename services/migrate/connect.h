/* Getting a connection, and saying what to do when there is none. */
#pragma once

#include "fault.h"

#include "svc/arena.h"

#include <stdint.h>

#include <libpq-fe.h>

struct connect {
    const char *url;
    const char *application_name;
    uint32_t wait_ms; /* for a server that does not answer yet or is starting */
};

/* One attempt takes at most 10 s. A standby is refused, and a server that is too old. The caller
 * closes ret_conn, which is NULL after a fault, with connect_close.
 *
 * MIGRATE_USAGE       bad_url
 * MIGRATE_CONNECTION  unreachable, login_refused, no_database, read_only, old_server, connection
 * Neither repeats a part of the URL that may belong to the password. */
enum migrate_exit connect_open(const struct connect *to, struct svc_arena *arena, PGconn **ret_conn,
                               struct fault *fault);
void connect_close(PGconn **conn);

/* version: as PQserverVersion gives it, 150004 for 15.4; 0: a pooler that keeps it to itself, which
 * is accepted. Older than 15: MIGRATE_CONNECTION, code `old_server`. Pure. */
enum migrate_exit connect_check_server(int version, struct svc_arena *arena, struct fault *fault);

/* Does this connection keep its session, or is a pooler in transaction mode in between? Opens a
 * second one for a moment; leaves nothing behind on either. ret_backend_pid: the server's process
 * that does our work. MIGRATE_CONNECTION, code `pooler`. */
enum migrate_exit connect_check_session(const struct connect *to, struct svc_arena *arena,
                                        PGconn *conn, int64_t *ret_backend_pid,
                                        struct fault *fault);
