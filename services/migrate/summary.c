/* Counting what changed, kind by kind.
 *
 * A sentence is clauses (added, created, changed, dropped), a clause is groups: "5 columns to
 * jobs". Parts of a table that came or went with it are not counted, nor are parts of a view. */
#include "summary.h"

#include "svc/buffer.h"

#include <string.h>

/* How a kind is counted. per_table: columns and constraints are told table by table. apart: also
 * counted where the object they are part of came or went with them. quiet: only named when nothing
 * else changed. In the order in which they are told. */
struct counted_kind {
    const char *kind, *plural;
    bool per_table, apart, quiet;
};

static const struct counted_kind counted_kinds[] = {
    {"column", "columns", true, false, false},
    {"constraint", "constraints", true, false, false},
    {"schema", "schemas", false, true, false},
    {"table", "tables", false, true, false},
    {"index", "indexes", false, true, false},
    {"view", "views", false, true, false},
    {"function", "functions", false, true, false},
    {"trigger", "triggers", false, false, false},
    {"policy", "policies", false, false, false},
    {"rule", "rules", false, false, false},
    {"sequence", "sequences", false, false, false},
    {"enum", "enums", false, true, false},
    {"domain", "domains", false, true, false},
    {"type", "types", false, true, false},
    {"grant", "grants", false, false, true},
    {"comment", "comments", false, false, true},
    {"default_privilege", "default privileges", false, false, true},
};
enum { KINDS = sizeof counted_kinds / sizeof *counted_kinds };

struct summary {
    const struct catalog_changes *changes;
    struct svc_buffer text;
    const char *clause; /* NULL: it has no group yet */
};

static const struct catalog_change *find_relation(const struct catalog_changes *changes,
                                                  const char *identity)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct catalog_object *object = changes->items[i].object;
        bool holds_parts = strcmp(object->kind, "table") == 0 || strcmp(object->kind, "view") == 0;
        if (holds_parts && strcmp(object->identity, identity) == 0)
            return &changes->items[i];
    }
    return NULL;
}

static bool is_counted(const struct summary *s, const struct catalog_change *change,
                       const struct counted_kind *kind, enum catalog_what what)
{
    if (change->what != what || strcmp(change->object->kind, kind->kind) != 0)
        return false;
    if (kind->apart || change->object->parent[0] == '\0' || what == CATALOG_CHANGED)
        return true;
    const struct catalog_change *whole = find_relation(s->changes, change->object->parent);
    return !whole || whole->what != what;
}

static const char *short_name(const char *identity)
{
    return strncmp(identity, "public.", 7) == 0 ? identity + 7 : identity;
}

/* Between clauses a semicolon, between the groups of one a comma. */
static void begin_group(struct summary *s, const char *clause)
{
    if (s->clause)
        svc_buffer_text(&s->text, ", ");
    else
        svc_buffer_printf(&s->text, "%s%s ", s->text.len ? "; " : "", clause);
    s->clause = clause;
}

static void add_group(struct summary *s, const char *clause, const struct counted_kind *kind,
                      size_t count, const char *link, const char *table, bool say_kind)
{
    begin_group(s, clause);
    svc_buffer_printf(&s->text, "%zu", count);
    if (say_kind)
        svc_buffer_printf(&s->text, " %s", count == 1 ? kind->kind : kind->plural);
    if (table)
        svc_buffer_printf(&s->text, " %s %s", link, short_name(table));
}

/* "5 columns to jobs, 3 to workflow_executions": changes are ascending by identity, which begins
 * with the table's, so that each table's are together. */
static void add_per_table(struct summary *s, const char *clause, const struct counted_kind *kind,
                          enum catalog_what what, const char *link)
{
    const char *table = NULL;
    size_t count = 0;
    bool say_kind = true;
    for (size_t i = 0; i < s->changes->count; i++) {
        const struct catalog_change *change = &s->changes->items[i];
        if (!is_counted(s, change, kind, what))
            continue;
        if (table && strcmp(table, change->object->parent) != 0) {
            add_group(s, clause, kind, count, link, table, say_kind);
            say_kind = false;
            count = 0;
        }
        table = change->object->parent;
        count++;
    }
    if (count)
        add_group(s, clause, kind, count, link, table, say_kind);
}

static void add_total(struct summary *s, const char *clause, const struct counted_kind *kind,
                      enum catalog_what what)
{
    size_t count = 0;
    for (size_t i = 0; i < s->changes->count; i++)
        count += is_counted(s, &s->changes->items[i], kind, what) ? 1 : 0;
    if (count)
        add_group(s, clause, kind, count, NULL, NULL, true);
}

/* Added parts of tables that were there before are "added", whole objects are "created". */
static void add_clause(struct summary *s, const char *clause, enum catalog_what what,
                       const char *link, bool per_table, bool totals)
{
    s->clause = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        const struct counted_kind *kind = &counted_kinds[i];
        if (kind->quiet)
            continue;
        if (kind->per_table && per_table)
            add_per_table(s, clause, kind, what, link);
        else if (!kind->per_table && totals)
            add_total(s, clause, kind, what);
    }
}

/* Nothing that is counted changed: then what is quiet is named. */
static void add_quiet(struct summary *s)
{
    s->clause = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        const struct counted_kind *kind = &counted_kinds[i];
        bool seen = false;
        for (size_t k = 0; kind->quiet && k < s->changes->count; k++)
            seen |= s->changes->items[k].what != CATALOG_KEPT &&
                    strcmp(s->changes->items[k].object->kind, kind->kind) == 0;
        if (!seen)
            continue;
        begin_group(s, "changed");
        svc_buffer_text(&s->text, kind->plural);
    }
}

const char *summary_text(struct svc_arena *arena, const struct catalog_changes *changes)
{
    struct summary s = {.changes = changes};
    add_clause(&s, "added", CATALOG_ADDED, "to", true, false);
    add_clause(&s, "created", CATALOG_ADDED, NULL, false, true);
    add_clause(&s, "changed", CATALOG_CHANGED, "of", true, true);
    add_clause(&s, "dropped", CATALOG_DROPPED, "from", true, true);
    if (s.text.len == 0)
        add_quiet(&s);
    const char *text =
        s.text.len ? svc_arena_copy(arena, s.text.bytes, s.text.len) : "changed nothing";
    svc_buffer_done(&s.text);
    return text;
}
