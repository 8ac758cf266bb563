/* A verify file: SELECTs of object, expected and found. */
#include "lint_file.h"

#include <string.h>

static const char *const columns[] = {"object", "expected", "found"};
enum { COLUMNS = 3 };

/* (object, expected, found) anywhere, as of VALUES (…) AS v (…). */
static bool has_column_list(const struct words *words)
{
    struct words list = *words;
    for (list.at = 0; list.at < list.count; list.at++)
        if (words_see(&list, "( object , expected , found )"))
            return true;
    return false;
}

/* Where the SELECT list ends. */
static size_t list_end(struct words words)
{
    static const char ends[] = "from where union order limit group having except intersect window";
    unsigned depth = 0;
    for (; words.at < words.count; words.at++) {
        struct words at = words;
        if (depth == 0 && words_take_any(&at, ends))
            break;
        depth += words_next_is(&words, "(") ? 1 : 0;
        depth -= words_next_is(&words, ")") && depth > 0 ? 1 : 0;
    }
    return words.at;
}

/* words.at: behind SELECT. A column's name is its last word. */
static bool has_columns(struct words words)
{
    struct words list = {words.items, list_end(words), words.at}, item;
    size_t count = 0;
    for (; words_item(&list, &item); count++) {
        const struct word *last = item.count > 0 ? &item.items[item.count - 1] : NULL;
        if (count == 0 && item.count == 1 && words_is(&item, 0, "*"))
            return has_column_list(&words);
        if (count >= COLUMNS || !last || strcmp(last->name, columns[count]) != 0 ||
            (last->kind != TOKEN_WORD && last->kind != TOKEN_IDENTIFIER))
            return false;
    }
    return count == COLUMNS;
}

/* WITH a AS (…), b AS (…) SELECT …: the words between are names and groups. */
static bool find_select(struct words *words)
{
    struct words group;
    if (!words_take(words, "with"))
        return words_take(words, "select");
    while (words->at < words->count) {
        if (words_take(words, "select"))
            return true;
        if (!words_group(words, &group))
            words->at++;
    }
    return false;
}

static bool writes(const struct words *words)
{
    static const char verbs[] = "insert update delete merge";
    struct words at = *words;
    for (at.at = 0; at.at < at.count; at.at++) {
        struct words verb = at;
        bool begins = at.at == 0 || words_is(&at, at.at - 1, "(") || words_is(&at, at.at - 1, ")");
        if (begins && words_take_any(&verb, verbs))
            return true;
    }
    return false;
}

void lint_verify(struct lint_file *file)
{
    if (file->statements.count == 0)
        lint_add(file, LINT_VERIFY_SHAPE, 0, NO_STATEMENT, "it asks for nothing");
    for (size_t i = 0; i < file->statements.count; i++) {
        const struct statement *statement = &file->statements.items[i];
        struct words words;
        words_read(file->arena, file->text, statement->offset, statement->offset + statement->len,
                   &words);
        const char *fault = NULL;
        if (writes(&words))
            fault = "it may only read";
        else if (!find_select(&words))
            fault = "it is no SELECT";
        else if (!has_columns(words))
            fault = "its columns are not object, expected, found";
        if (fault)
            lint_add(file, LINT_VERIFY_SHAPE, statement->offset, i, fault);
    }
}
