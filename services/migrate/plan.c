/* One walk over two sorted lists. */
#include "plan.h"

#include <string.h>

static const struct {
    const char *name;
    bool is_fault;
} states[] = {
    [PLAN_APPLIED] = {"applied", false},  [PLAN_PENDING] = {"pending", false},
    [PLAN_CHANGED] = {"changed", true},   [PLAN_RENAMED] = {"renamed", true},
    [PLAN_MISSING] = {"missing", true},   [PLAN_NEWER] = {"newer", true},
    [PLAN_INSERTED] = {"inserted", true},
};

const char *plan_state_name(enum plan_state state)
{
    return states[state].name;
}

bool plan_is_fault(enum plan_state state)
{
    return states[state].is_fault;
}

static enum plan_state compare(const struct migration *file, const struct history_row *applied)
{
    if (strcmp(file->checksum, applied->checksum) != 0)
        return PLAN_CHANGED;
    return strcmp(file->name, applied->name) != 0 ? PLAN_RENAMED : PLAN_APPLIED;
}

static enum plan_state judge(const struct migration *file, const struct history_row *applied,
                             uint64_t newest_file, uint64_t newest_applied)
{
    if (file && applied)
        return compare(file, applied);
    if (file)
        return file->version < newest_applied ? PLAN_INSERTED : PLAN_PENDING;
    return applied->version > newest_file ? PLAN_NEWER : PLAN_MISSING;
}

void plan_make(struct svc_arena *arena, const struct files *files, const struct history *history,
               struct plan *ret_plan)
{
    uint64_t newest_file = files->count ? files->items[files->count - 1].version : 0;
    uint64_t newest_applied = history->count ? history->rows[history->count - 1].version : 0;
    *ret_plan = (struct plan){0};
    ret_plan->entries =
        svc_arena_alloc(arena, (files->count + history->count + 1) * sizeof *ret_plan->entries);
    for (size_t f = 0, h = 0; f < files->count || h < history->count;) {
        const struct migration *file = f < files->count ? &files->items[f] : NULL;
        const struct history_row *applied = h < history->count ? &history->rows[h] : NULL;
        if (file && applied && file->version < applied->version)
            applied = NULL;
        else if (file && applied && applied->version < file->version)
            file = NULL;
        f += file ? 1 : 0;
        h += applied ? 1 : 0;
        enum plan_state state = judge(file, applied, newest_file, newest_applied);
        ret_plan->entries[ret_plan->count++] = (struct plan_entry){
            .state = state,
            .version = file ? file->version : applied->version,
            .file = file,
            .applied = applied,
        };
        ret_plan->pending += state == PLAN_PENDING ? 1 : 0;
        ret_plan->faults += plan_is_fault(state) ? 1 : 0;
    }
}

const char *plan_explain(struct svc_arena *arena, const struct plan_entry *entry)
{
    const struct migration *file = entry->file;
    const struct history_row *applied = entry->applied;
    switch (entry->state) {
    case PLAN_CHANGED:
        return svc_arena_printf(
            arena,
            "its text changed after it was applied %s by %s (applied %s, file %s); restore the "
            "file and put the change into a new one",
            applied->applied_at, applied->applied_by, applied->checksum, file->checksum);
    case PLAN_RENAMED:
        return svc_arena_printf(arena, "it was applied %s as %s; give the file its name back",
                                applied->applied_at, applied->name);
    case PLAN_MISSING:
        return svc_arena_printf(arena, "it was applied %s by %s and its file is gone; restore it",
                                applied->applied_at, applied->applied_by);
    case PLAN_NEWER:
        return svc_arena_printf(arena,
                                "it was applied %s by %s, and this program ends before it; use the "
                                "newer program",
                                applied->applied_at, applied->applied_by);
    case PLAN_INSERTED:
        return "it would come before a migration that is applied; give it a later version";
    case PLAN_APPLIED:
    case PLAN_PENDING:
        break;
    }
    return "";
}
