/* How migrate ends. Scripts rely on these numbers; 6 belongs to `verify`. */
#pragma once

enum migrate_exit {
    MIGRATE_OK = 0,
    MIGRATE_SQL = 1,        /* a file failed; nothing of it remains */
    MIGRATE_USAGE = 2,      /* wrong arguments, settings or folder */
    MIGRATE_INTEGRITY = 3,  /* files and history do not fit together */
    MIGRATE_LOCK = 4,       /* another migrate is at work and did not end in time */
    MIGRATE_CONNECTION = 5, /* cannot connect, or the role may not do it */
    MIGRATE_PENDING = 7,    /* status --exit-code: there is something to apply */
};
