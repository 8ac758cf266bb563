/* Names are looked for as words of the SQL text: a superset of what parsing would find, and only
 * indexes that are invalid and that nobody is building are looked at. */
#include "leftover.h"

#include "database.h"

#include "svc/pg.h"

#include <string.h>
#include <strings.h>

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (unsigned char)c >= 0x80;
}

bool leftover_names(const char *text, size_t len, const char *name)
{
    size_t name_len = strlen(name);
    for (size_t at = 0; name_len && at + name_len <= len; at++)
        if (strncasecmp(text + at, name, name_len) == 0 && (at == 0 || !is_word(text[at - 1])) &&
            (at + name_len == len || !is_word(text[at + name_len])))
            return true;
    return false;
}

/* The name without _ccnew, _ccold and their numbers, which REINDEX CONCURRENTLY adds; NULL: it has
 * none. */
static const char *without_suffix(struct svc_arena *arena, const char *name)
{
    size_t len = strlen(name);
    while (len > 0 && name[len - 1] >= '0' && name[len - 1] <= '9')
        len--;
    if (len <= 6 ||
        (strncmp(name + len - 6, "_ccnew", 6) != 0 && strncmp(name + len - 6, "_ccold", 6) != 0))
        return NULL;
    return svc_arena_copy(arena, name, len - 6);
}

static bool begins_with(const struct statement *statement, const char *word)
{
    size_t len = strlen(word);
    return statement->len > len && strncasecmp(statement->text, word, len) == 0 &&
           !is_word(statement->text[len]);
}

static bool is_left_by(struct migrate *m, const struct statement *statement, const char *name,
                       const char *table)
{
    if (begins_with(statement, "CREATE"))
        return leftover_names(statement->text, statement->len, name);
    const char *base = without_suffix(m->arena, name);
    return begins_with(statement, "REINDEX") && base &&
           (leftover_names(statement->text, statement->len, base) ||
            leftover_names(statement->text, statement->len, table));
}

enum migrate_exit leftover_drop(struct migrate *m, const struct statement *statement,
                                struct fault *fault)
{
    SVC_PGRESULT PGresult *found = NULL;
    enum migrate_exit rc =
        database_statement(m->conn, m->arena, MIGRATE_SQL_LEFTOVER_INDEXES, 0, NULL, &found, fault);
    for (int i = 0; rc == MIGRATE_OK && i < PQntuples(found); i++) {
        const char *quoted = svc_pg_text(found, i, 2);
        if (!is_left_by(m, statement, svc_pg_text(found, i, 0), svc_pg_text(found, i, 1)))
            continue;
        report_progress(&m->report, "  dropping the invalid index %s that an earlier try left",
                        quoted);
        rc =
            database_run(m->conn, m->arena,
                         svc_arena_printf(m->arena, "DROP INDEX CONCURRENTLY IF EXISTS %s", quoted),
                         0, NULL, NULL, fault);
    }
    return rc;
}

enum migrate_exit leftover_check(struct migrate *m, const char *text, size_t len,
                                 struct fault *fault)
{
    SVC_PGRESULT PGresult *found = NULL;
    enum migrate_exit rc =
        database_statement(m->conn, m->arena, MIGRATE_SQL_LEFTOVER_INDEXES, 0, NULL, &found, fault);
    for (int i = 0; rc == MIGRATE_OK && i < PQntuples(found); i++)
        if (leftover_names(text, len, svc_pg_text(found, i, 0))) {
            rc = fault_set(fault, MIGRATE_SQL, "invalid_index",
                           svc_arena_printf(m->arena, "the index %s is there and invalid",
                                            svc_pg_text(found, i, 2)));
            fault->hint = "no query uses it; DROP INDEX CONCURRENTLY it, then migrate up";
        }
    return rc;
}
