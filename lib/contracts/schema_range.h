/* Which schemas this release's programs work with (docs/migrate.md, "Rolling upgrades").
 *
 * A schema grows first and shrinks one release later. So a program works with every schema that has
 * what it needs, however much newer, until a migration marked `migrate:contract` that it does not
 * know has taken something away. */
#pragma once

#include "svc/pg.h"

enum { SCHEMA_TEXT = 160 };

struct schema_range {
    uint64_t needs; /* version of the newest migration whose objects the programs use */
    uint64_t knows; /* version of the newest migration there was when they were built */
};
extern const struct schema_range schema_range;

struct schema_found {
    uint64_t newest, newest_contract; /* versions that are applied; 0: none */
};

/* Does it fit? text says what was found and what is accepted and, where not, what to do. Pure. */
bool schema_judge(const struct schema_range *range, const struct schema_found *found,
                  char ret_text[SCHEMA_TEXT]);

struct schema_watch {
    /* After each new connection, from the thread that connects; text is borrowed for the call. */
    void (*judged)(void *arg, bool good, const char *text);
    void *arg;
};
/* The gate for svc_pg_options; watch is borrowed for the connection's life. A schema that does not
 * fit is SVC_AGAIN, code schema_out_of_range: the program waits, not ready, until it does. */
struct svc_pg_gate schema_gate(struct schema_watch *watch);
