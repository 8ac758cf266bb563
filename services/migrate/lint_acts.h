/* What a file's statements do, as far as a rule asks for it. Parsing makes acts; rules judge them.
 */
#pragma once

#include "lint_words.h"

#include "svc/arena.h"

#include <stdbool.h>
#include <stddef.h>

enum act_kind {
    ACT_CREATE_TABLE,
    ACT_COLUMN,     /* of a new table (ACT_IN_CREATE) or added; part: column, text: type */
    ACT_CONSTRAINT, /* the same; part: its name or "" */
    ACT_VALIDATE,   /* part: constraint */
    ACT_DROP_CONSTRAINT,
    ACT_DROP_COLUMN,
    ACT_DROP_DEFAULT,
    ACT_SET_NOT_NULL,
    ACT_SET_TYPE, /* text: type */
    ACT_RENAME_COLUMN,
    ACT_RENAME_TABLE,
    ACT_ENABLE_RLS,
    ACT_CREATE_INDEX, /* object: table, part: index or "" */
    ACT_DROP_INDEX,
    ACT_REINDEX,
    ACT_CREATE_FUNCTION,
    ACT_ALTER_FUNCTION, /* to SECURITY DEFINER without a search path */
    ACT_CREATE_VIEW,
    ACT_DROP,           /* text: "table", "function", … */
    ACT_COMMENT,        /* text: "table", "column", …; part: column */
    ACT_GRANT_FUNCTION, /* to PUBLIC; object "": all of a schema */
    ACT_CLOSE_FUNCTION, /* REVOKE … FROM PUBLIC; the same */
    ACT_CLOSE_DEFAULTS, /* the same for functions to come; part: role, "" for the present one */
    ACT_REVOKE,         /* part: role that is neither PUBLIC nor one of the API's */
    ACT_SET_ROLE,       /* part: role, "" for RESET */
    ACT_TRUNCATE,
    ACT_BEGIN,
    ACT_END,
    ACT_ALONE,       /* text: what no transaction may have */
    ACT_SUPERUSER,   /* text: the clause */
    ACT_PLATFORM,    /* part: schema */
    ACT_DYNAMIC_RLS, /* a DO block puts such a command together from texts */
    ACT_DYNAMIC_COMMENTS,
};

enum act_flag {
    ACT_IF_EXISTS = 1 << 0, /* IF EXISTS, IF NOT EXISTS */
    ACT_IN_CREATE = 1 << 1,
    ACT_IN_BLOCK = 1 << 2, /* in a DO block */
    ACT_CONCURRENTLY = 1 << 3,
    ACT_UNIQUE = 1 << 4, /* PRIMARY KEY and EXCLUDE, too */
    ACT_PRIMARY = 1 << 5,
    ACT_CHECK = 1 << 6,
    ACT_REFERENCES = 1 << 7,
    ACT_NOT_VALID = 1 << 8,
    ACT_USING_INDEX = 1 << 9,
    ACT_NOT_NULL = 1 << 10,
    ACT_DEFAULT = 1 << 11,
    ACT_VOLATILE = 1 << 12, /* every row gets a value of its own */
    ACT_SERIAL = 1 << 13,   /* numbered by the server */
    ACT_TEMPORARY = 1 << 14,
    ACT_PARTITION = 1 << 15, /* of another table */
    ACT_OR_REPLACE = 1 << 16,
    ACT_DEFINER = 1 << 17,
    ACT_SEARCH_PATH = 1 << 18,
    ACT_CASCADE = 1 << 19,
    ACT_TRIGGER = 1 << 20, /* a function that only triggers may call */
};

struct act {
    enum act_kind kind;
    unsigned flags;
    size_t offset;      /* in the file */
    size_t statement;   /* which one of the file, from 0 */
    const char *object; /* names as words_name gives them */
    const char *part, *text;
    struct words words; /* what it was read from */
};

struct acts {
    struct svc_arena *arena;
    const char *text; /* the file */
    struct act *items;
    size_t count, capacity;
    size_t statement; /* the one that is being read */
    unsigned flags;   /* that every act gets at present */
};

/* Adds an act at the next word of `words`. object, part, text NULL: "". Valid until the next one is
 * added. */
struct act *acts_add(struct acts *acts, enum act_kind kind, const struct words *words,
                     const char *object);

/* lint_parse.c: one statement. */
void acts_read(struct acts *acts, struct words words);
/* lint_parse_table.c: behind CREATE [TEMPORARY …] TABLE, and behind ALTER TABLE. */
void acts_create_table(struct acts *acts, struct words *words, unsigned flags);
void acts_alter_table(struct acts *acts, struct words *words);
/* lint_parse_rights.c: clauses and places that need more than an owner's rights; any statement. */
void acts_rights(struct acts *acts, const struct words *words);
bool acts_is_platform(const char *schema);
