/* What new objects must have: a comment, rights that somebody chose, row level security. */
#include "lint_file.h"

#include <string.h>

static bool has(const struct lint_file *file, enum act_kind kind, const char *object,
                const char *part, const char *text)
{
    for (size_t i = 0; i < file->acts.count; i++) {
        const struct act *act = &file->acts.items[i];
        if (act->kind == kind && (!object || strcmp(act->object, object) == 0) &&
            (!part || strcmp(act->part, part) == 0) && (!text || strcmp(act->text, text) == 0))
            return true;
    }
    return false;
}

static bool in_schema(const struct act *act, bool wanted_public)
{
    return (strchr(act->object, '.') == NULL) == wanted_public;
}

static void need_comment(struct lint_file *file, const struct act *act, const char *kind)
{
    bool is_column = strcmp(kind, "column") == 0;
    if (has(file, ACT_COMMENT, act->object, is_column ? act->part : NULL, kind) ||
        (is_column && has(file, ACT_DYNAMIC_COMMENTS, NULL, NULL, NULL)))
        return;
    if (is_column)
        lint_act(file, LINT_MISSING_COMMENT, act, "column %s of %s has no comment", act->part,
                 act->object);
    else
        lint_act(file, LINT_MISSING_COMMENT, act, "%s %s has no comment", kind, act->object);
}

static void check_table(struct lint_file *file, const struct act *act)
{
    if (act->flags & ACT_TEMPORARY)
        return;
    if (!(act->flags & ACT_PARTITION))
        need_comment(file, act, "table");
    if (in_schema(act, true) && !has(file, ACT_ENABLE_RLS, act->object, NULL, NULL) &&
        !has(file, ACT_DYNAMIC_RLS, NULL, NULL, NULL))
        lint_act(file, LINT_RLS, act, "row level security of %s is not enabled", act->object);
}

static bool is_temporary(const struct lint_file *file, const struct act *column)
{
    for (const struct act *act = file->acts.items; act < column; act++)
        if (act->kind == ACT_CREATE_TABLE && strcmp(act->object, column->object) == 0)
            return (act->flags & ACT_TEMPORARY) != 0;
    return false;
}

/* Does the file, anywhere, take the function away from PUBLIC, by its name or with all others? */
static bool is_closed(const struct lint_file *file, const struct act *act)
{
    return names_have(&file->known->closed_roles, file->known->role) ||
           has(file, ACT_CLOSE_FUNCTION, act->object, NULL, NULL) ||
           has(file, ACT_CLOSE_FUNCTION, "", NULL, NULL);
}

/* OR REPLACE keeps comment and rights of a function that is there. */
static void check_function(struct lint_file *file, const struct act *act)
{
    bool is_known =
        (act->flags & ACT_OR_REPLACE) && names_have(&file->known->functions, act->object);
    if ((act->flags & ACT_DEFINER) && !(act->flags & ACT_SEARCH_PATH))
        lint_act(file, LINT_SEARCH_PATH, act, "%s has its caller's search path", act->object);
    if (act->kind == ACT_ALTER_FUNCTION)
        return;
    if (!is_known)
        need_comment(file, act, "function");
    if (!is_known && in_schema(act, true) && !is_closed(file, act))
        lint_act(file, LINT_PUBLIC_EXECUTE, act, "PUBLIC may execute %s", act->object);
    names_add(file->arena, &file->known->functions, act->object);
    if (act->flags & ACT_TRIGGER)
        names_add(file->arena, &file->known->triggers, act->object);
}

static void check_rights(struct lint_file *file, const struct act *act)
{
    if (act->kind == ACT_GRANT_FUNCTION)
        lint_act(file, LINT_PUBLIC_EXECUTE, act, "PUBLIC may execute %s",
                 *act->object ? act->object : "all functions of a schema");
    if (act->kind == ACT_SUPERUSER)
        lint_act(file, LINT_SUPERUSER, act, "%s", act->text);
    if (act->kind == ACT_PLATFORM)
        lint_act(file, LINT_PLATFORM, act, "schema %s is the platform's", act->part);
    if (act->kind == ACT_SET_ROLE)
        file->known->role = act->part;
    if (act->kind == ACT_CLOSE_DEFAULTS)
        names_add(file->arena, &file->known->closed_roles,
                  *act->part ? act->part : file->known->role);
}

void lint_objects(struct lint_file *file)
{
    file->known->role = ""; /* migrate resets it before each file */
    for (size_t i = 0; i < file->acts.count; i++) {
        const struct act *act = &file->acts.items[i];
        if (act->kind == ACT_CREATE_TABLE)
            check_table(file, act);
        else if (act->kind == ACT_COLUMN && !is_temporary(file, act))
            need_comment(file, act, "column");
        else if (act->kind == ACT_CREATE_VIEW && !(act->flags & (ACT_OR_REPLACE | ACT_TEMPORARY)))
            need_comment(file, act, "view");
        else if (act->kind == ACT_CREATE_FUNCTION || act->kind == ACT_ALTER_FUNCTION)
            check_function(file, act);
        else
            check_rights(file, act);
    }
}
