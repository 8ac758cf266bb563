/* What only a superuser may do, and what belongs to the platform: on Supabase the role that
 * migrates is no superuser, and these schemas are not its own. */
#include "lint_acts.h"

#include <string.h>

bool acts_is_platform(const char *schema)
{
    static const char *const schemas[] = {
        "auth",  "storage", "extensions", "realtime",  "_realtime",           "graphql",
        "vault", "cron",    "net",        "pgsodium",  "supabase_migrations", "graphql_public",
        "pgmq",  "pgtle",   "_analytics", "pgbouncer", "supabase_functions"};
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++)
        if (strcmp(schemas[i], schema) == 0)
            return true;
    return false;
}

static void superuser(struct acts *acts, const struct words *words, const char *clause)
{
    acts_add(acts, ACT_SUPERUSER, words, NULL)->text = clause;
}

static void read_role(struct acts *acts, struct words words)
{
    static const struct {
        const char *word, *clause;
    } clauses[] = {{"superuser", "SUPERUSER"},     {"nosuperuser", "NOSUPERUSER"},
                   {"bypassrls", "BYPASSRLS"},     {"nobypassrls", "NOBYPASSRLS"},
                   {"replication", "REPLICATION"}, {"noreplication", "NOREPLICATION"}};
    for (; words.at < words.count; words.at++)
        for (size_t i = 0; i < sizeof clauses / sizeof *clauses; i++)
            if (words_next_is(&words, clauses[i].word))
                superuser(acts, &words, clauses[i].clause);
}

static void read_create(struct acts *acts, struct words words)
{
    static const struct {
        const char *words, *clause;
    } objects[] = {
        {"event trigger", "CREATE EVENT TRIGGER"},
        {"tablespace", "CREATE TABLESPACE"},
        {"language", "CREATE LANGUAGE"},
        {"trusted language", "CREATE LANGUAGE"},
        {"access method", "CREATE ACCESS METHOD"},
        {"foreign data wrapper", "CREATE FOREIGN DATA WRAPPER"},
        {"operator class", "CREATE OPERATOR CLASS"},
        {"operator family", "CREATE OPERATOR FAMILY"},
        {"subscription", "CREATE SUBSCRIPTION"},
    };
    (void)words_take(&words, "or replace");
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        if (words_see(&words, objects[i].words))
            superuser(acts, &words, objects[i].clause);
    if (words_next_is(&words, "publication") && words_have(words, "for all tables"))
        superuser(acts, &words, "FOR ALL TABLES");
    if (!words_next_is(&words, "function") && !words_next_is(&words, "procedure"))
        return;
    if (words_have(words, "leakproof") && !words_have(words, "not leakproof"))
        superuser(acts, &words, "LEAKPROOF");
    struct words at = words;
    if (words_skip_to(&at, "language") &&
        words_take_any(&at, "c internal plpythonu plpython3u plperlu pltclu"))
        superuser(acts, &words, "an untrusted LANGUAGE");
}

static void read_copy(struct acts *acts, struct words words)
{
    struct words at = words;
    if (!words_skip_to(&words, "from") && !words_skip_to(&words, "to"))
        return;
    if (words_next_is(&words, "program"))
        superuser(acts, &at, "COPY with a program");
    else if (words.at < words.count && words.items[words.at].kind == TOKEN_STRING)
        superuser(acts, &at, "COPY with a file of the server");
}

static void read_superuser(struct acts *acts, struct words words)
{
    struct words begin = words;
    bool is_create = words_take(&words, "create"),
         is_alter = !is_create && words_take(&words, "alter");
    if (is_alter && words_next_is(&words, "system"))
        superuser(acts, &begin, "ALTER SYSTEM");
    else if ((is_create || is_alter) && words_take_any(&words, "role user group"))
        read_role(acts, words);
    else if (is_create)
        read_create(acts, words);
    else if (is_alter && words_have(words, "trigger all"))
        superuser(acts, &begin, "TRIGGER ALL");
    else if (words_take(&words, "copy"))
        read_copy(acts, words);
    else if (words_take(&words, "load"))
        superuser(acts, &begin, "LOAD");
    else if (words_take(&words, "set")) {
        (void)words_take_any(&words, "local session");
        if (words_take_any(&words, "session_replication_role lc_messages log_statement "
                                   "log_min_messages log_min_duration_statement"))
            superuser(acts, &begin, "a setting that only a superuser may change");
    }
}

/* Which words of a statement name what it writes to: from the cursor to *ret_end. */
static bool written_names(struct words *words, size_t *ret_end)
{
    static const char *const stops[] = {"(",      "as",   "using", "execute", "for",    "with",
                                        "add",    "drop", "alter", "enable",  "owner",  "set",
                                        "rename", "is",   "to",    "values",  "select", "default"};
    *ret_end = words->count;
    if (words_take_any(words, "grant revoke"))
        (void)words_skip_to(words, "on");
    else if (words_take(words, "insert into") || words_take(words, "delete from") ||
             words_take(words, "update"))
        (void)words_take(words, "only");
    else if (!words_take_any(words, "create alter drop truncate comment"))
        return false;
    for (size_t at = words->at; at < words->count; at++)
        for (size_t i = 0; i < sizeof stops / sizeof *stops; i++)
            if (at > words->at && words_is(words, at, stops[i]) && !words_is(words, at - 1, ".")) {
                *ret_end = at;
                return true;
            }
    return true;
}

/* auth.users, SCHEMA auth, SCHEMA IF NOT EXISTS auth; a table called auth is another thing. */
static bool names_schema(const struct words *words)
{
    size_t at = words->at;
    return words_is(words, at + 1, ".") || (at > 0 && words_is(words, at - 1, "schema")) ||
           (at > 0 && words_is(words, at - 1, "exists") && words_is(words, 1, "schema"));
}

static void read_platform(struct acts *acts, struct words words)
{
    size_t end;
    if (!written_names(&words, &end))
        return;
    for (; words.at < end; words.at++) {
        const struct word *word = &words.items[words.at];
        if ((word->kind == TOKEN_WORD || word->kind == TOKEN_IDENTIFIER) &&
            acts_is_platform(word->name) && names_schema(&words)) {
            acts_add(acts, ACT_PLATFORM, &words, NULL)->part = word->name;
            return;
        }
    }
}

void acts_rights(struct acts *acts, const struct words *words)
{
    read_superuser(acts, *words);
    read_platform(acts, *words);
}
