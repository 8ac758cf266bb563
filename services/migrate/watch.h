/* Looking at our own long statement through a second connection: how far an index build is, who
 * stands in the way. Only short autocommit queries run there, at most two a second, so it never
 * holds a snapshot that CREATE INDEX CONCURRENTLY would wait for. */
#pragma once

#include "database.h"
#include "migrate.h"

#include <stdint.h>

struct watch {
    struct migrate *m;
    const char *what;       /* printed in front: "2/3 CREATE INDEX …"; borrowed */
    PGconn *conn;           /* opened at the first look */
    struct svc_arena arena; /* of one look */
    bool blind;             /* no second connection could be had: only the time is shown */
    int64_t begun_us, said_us;
    char blocker[400]; /* who was last seen in the way; "": nobody */
};

/* Begin with a statement; go on with watch_ticker in database_next. Lines are printed after 2 s and
 * at most every 2 s. */
void watch_begin(struct watch *watch, struct migrate *m, const char *what);
struct database_ticker watch_ticker(struct watch *watch);
void watch_end(struct watch *watch);
