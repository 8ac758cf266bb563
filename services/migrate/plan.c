/* One walk over two sorted lists, and one along the history's chain. */
#include "plan.h"

#include <string.h>

static const struct {
    const char *name;
    bool is_fault, is_work;
} states[] = {
    [PLAN_APPLIED] = {"applied", false, false},    [PLAN_PENDING] = {"pending", false, true},
    [PLAN_RUNNING] = {"running", false, true},     [PLAN_CHANGED] = {"changed", true, false},
    [PLAN_RENAMED] = {"renamed", true, false},     [PLAN_MISSING] = {"missing", true, false},
    [PLAN_NEWER] = {"newer", true, false},         [PLAN_INSERTED] = {"inserted", true, false},
    [PLAN_REORDERED] = {"reordered", true, false},
};

const char *plan_state_name(enum plan_state state)
{
    return states[state].name;
}

bool plan_is_fault(enum plan_state state)
{
    return states[state].is_fault;
}

bool plan_is_work(enum plan_state state)
{
    return states[state].is_work;
}

const char *plan_title(struct svc_arena *arena, const struct plan_entry *entry)
{
    return svc_arena_printf(arena, "%llu_%s", (unsigned long long)entry->version,
                            entry->file ? entry->file->name : entry->applied->name);
}

void plan_chain(const char *previous, const char *checksum, char ret[CHECKSUM_TEXT])
{
    char both[2 * CHECKSUM_TEXT];
    size_t first = strnlen(previous, CHECKSUM_TEXT - 1);
    size_t second = strnlen(checksum, CHECKSUM_TEXT - 1);
    memcpy(both, previous, first);
    memcpy(both + first, checksum, second);
    files_checksum(both, first + second, ret);
}

/* Measured against what the row before it holds, not against what that should hold: so one row that
 * was tampered with is one fault. */
static bool chain_holds(const struct history *history, size_t i)
{
    char expected[CHECKSUM_TEXT];
    plan_chain(i ? history->rows[i - 1].chain : "", history->rows[i].checksum, expected);
    return strcmp(expected, history->rows[i].chain) == 0;
}

static enum plan_state compare(const struct migration *file, const struct history_row *applied,
                               bool is_chained)
{
    if (strcmp(file->checksum, applied->checksum) != 0)
        return PLAN_CHANGED;
    if (strcmp(file->name, applied->name) != 0)
        return PLAN_RENAMED;
    if (!is_chained)
        return PLAN_REORDERED;
    return applied->is_running ? PLAN_RUNNING : PLAN_APPLIED;
}

static enum plan_state judge(const struct files *files, const struct history *history,
                             const struct migration *file, const struct history_row *applied)
{
    uint64_t newest_file = files->count ? files->items[files->count - 1].version : 0;
    uint64_t newest_applied = history->count ? history->rows[history->count - 1].version : 0;
    if (file && applied)
        return compare(file, applied, chain_holds(history, (size_t)(applied - history->rows)));
    if (file)
        return file->version < newest_applied ? PLAN_INSERTED : PLAN_PENDING;
    return applied->version > newest_file ? PLAN_NEWER : PLAN_MISSING;
}

void plan_make(struct svc_arena *arena, const struct files *files, const struct history *history,
               struct plan *ret_plan)
{
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
        enum plan_state state = judge(files, history, file, applied);
        ret_plan->entries[ret_plan->count++] = (struct plan_entry){
            .state = state,
            .version = file ? file->version : applied->version,
            .file = file,
            .applied = applied,
        };
        ret_plan->pending += plan_is_work(state) ? 1 : 0;
        ret_plan->faults += plan_is_fault(state) ? 1 : 0;
    }
}

/* "applied 2026-01-31T10:00:00Z by tradewire" */
static const char *applied_when(struct svc_arena *arena, const struct history_row *applied)
{
    return svc_arena_printf(arena, "applied %s by %s",
                            applied->applied_at ? applied->applied_at : "at an unknown time",
                            applied->applied_by);
}

const char *plan_explain(struct svc_arena *arena, const struct plan_entry *entry)
{
    const struct migration *file = entry->file;
    const struct history_row *applied = entry->applied;
    const char *when = applied ? applied_when(arena, applied) : "";
    switch (entry->state) {
    case PLAN_RUNNING:
        if (applied->statements == 0)
            return "it was being taken back; `migrate down` goes on, `migrate up` brings it back";
        return svc_arena_printf(
            arena, "it was interrupted after %llu of %llu statements; `migrate up` goes on",
            (unsigned long long)applied->statements_done, (unsigned long long)applied->statements);
    case PLAN_CHANGED:
        return svc_arena_printf(arena,
                                "its text changed after it was %s (applied %s, file %s); restore "
                                "the file and put the change into a new one",
                                when, applied->checksum, file->checksum);
    case PLAN_RENAMED:
        return svc_arena_printf(arena,
                                "it was %s as %s (applied %s, file %s); give the file its name "
                                "back",
                                when, applied->name, applied->checksum, file->checksum);
    case PLAN_MISSING:
        return svc_arena_printf(arena, "it was %s (applied %s) and its file is gone; restore it",
                                when, applied->checksum);
    case PLAN_NEWER:
        return svc_arena_printf(arena,
                                "it was %s (applied %s), and this program ends before it; use the "
                                "newer program",
                                when, applied->checksum);
    case PLAN_INSERTED:
        return svc_arena_printf(arena,
                                "it would come before a migration that is applied (file %s); give "
                                "it a later version",
                                file->checksum);
    case PLAN_REORDERED:
        return svc_arena_printf(
            arena,
            "it was %s (applied %s), and its chain does not follow from the row before it "
            "(recorded %s): rows of the history were removed, added or renumbered by hand; see "
            "`migrate repair`",
            when, applied->checksum, applied->chain);
    case PLAN_APPLIED:
    case PLAN_PENDING:
        break;
    }
    return "";
}
