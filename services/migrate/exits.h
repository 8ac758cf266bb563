/* How migrate ends. Scripts rely on these numbers. */
#pragma once

enum migrate_exit {
    MIGRATE_OK = 0,
    MIGRATE_SQL = 1,        /* a file failed or was interrupted */
    MIGRATE_USAGE = 2,      /* wrong arguments, settings or folder */
    MIGRATE_INTEGRITY = 3,  /* files and history do not fit together */
    MIGRATE_LOCK = 4,       /* another migrate, or a table's lock, was not free in time */
    MIGRATE_CONNECTION = 5, /* cannot connect, a pooler in the way, or the role may not do it */
    MIGRATE_DRIFT = 6,      /* verify, lint: something is not as it should be */
    MIGRATE_PENDING = 7,    /* status --exit-code: there is something to apply */
};
