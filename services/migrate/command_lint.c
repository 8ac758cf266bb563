/* `migrate lint [FILE…]`: what lint.c finds, in all files or in some. A FILE is read in its folder,
 * with the files before it. */
#include "commands.h"
#include "json.h"
#include "lint.h"

#include <string.h>

/* "a/b/down/c.sql" is "down/c.sql" of the folder "a/b". */
struct place {
    const char *folder, *file;
};

static struct place place_of(struct svc_arena *arena, const char *path)
{
    static const char *const sub_folders[] = {"down/", "verify/"};
    const char *slash = strrchr(path, '/');
    size_t folder_len = slash ? (size_t)(slash - path) + 1 : 0;
    for (size_t i = 0; i < sizeof sub_folders / sizeof *sub_folders; i++) {
        size_t len = strlen(sub_folders[i]);
        const char *sub = path + folder_len - len;
        if (folder_len >= len && memcmp(sub, sub_folders[i], len) == 0 &&
            (sub == path || sub[-1] == '/')) {
            folder_len -= len;
            break;
        }
    }
    return (struct place){
        .folder = folder_len ? svc_arena_copy(arena, path, folder_len) : ".",
        .file = path + folder_len,
    };
}

static void add_finding(struct svc_buffer *json, const struct lint_finding *finding)
{
    json_begin_object(json, NULL);
    json_text(json, "rule", finding->rule);
    json_text(json, "file", finding->file);
    json_number(json, "line", finding->line);
    json_number(json, "column", finding->column);
    json_text(json, "message", finding->message);
    json_text(json, "advice", finding->advice);
    json_end_object(json);
}

/* file NULL: all of them. Returns how many. */
static size_t report_findings(struct migrate *m, const struct lint_findings *findings,
                              const char *file)
{
    size_t count = 0;
    for (size_t i = 0; i < findings->count; i++) {
        const struct lint_finding *finding = &findings->items[i];
        if (file && strcmp(file, finding->file) != 0)
            continue;
        count++;
        add_finding(&m->report.members, finding);
        report_say(&m->report, "%s:%u:%u: %s: %s\n  %s", finding->file, finding->line,
                   finding->column, finding->rule, finding->message, finding->advice);
    }
    return count;
}

static enum migrate_exit lint_one(struct migrate *m, const char *path, size_t *count,
                                  struct fault *fault)
{
    struct place place = place_of(m->arena, path);
    struct lint_findings findings;
    struct svc_error err;
    bool found = false;
    if (files_from_folder(m->arena, place.folder, &m->files, &err) != SVC_OK)
        return fault_from_error(fault, m->arena, &err);
    for (size_t i = 0; i < m->files.count; i++) {
        const struct migration *item = &m->files.items[i];
        found |= strcmp(item->file_name, place.file) == 0 ||
                 (item->down.file_name && strcmp(item->down.file_name, place.file) == 0) ||
                 (item->verify.file_name && strcmp(item->verify.file_name, place.file) == 0);
    }
    if (!found)
        return fault_set(fault, MIGRATE_USAGE, "no_such_file",
                         svc_arena_printf(m->arena, "%s is no migration of its folder", path));
    lint_files(m->arena, &m->files, &findings);
    *count += report_findings(m, &findings, place.file);
    return MIGRATE_OK;
}

static enum migrate_exit lint_all(struct migrate *m, size_t *count, struct fault *fault)
{
    struct lint_findings findings;
    enum migrate_exit rc = migrate_read_files(m, fault);
    if (rc != MIGRATE_OK)
        return rc;
    lint_files(m->arena, &m->files, &findings);
    *count = report_findings(m, &findings, NULL);
    return MIGRATE_OK;
}

enum migrate_exit command_lint(struct migrate *m, struct fault *fault)
{
    const struct config *config = m->config;
    enum migrate_exit rc = MIGRATE_OK;
    size_t count = 0;
    json_begin_array(&m->report.members, "findings");
    if (config->argument_count == 0)
        rc = lint_all(m, &count, fault);
    for (size_t i = 0; rc == MIGRATE_OK && i < config->argument_count; i++)
        rc = lint_one(m, config->arguments[i], &count, fault);
    json_end_array(&m->report.members);
    if (rc != MIGRATE_OK)
        return rc;
    report_say(&m->report, count == 1 ? "%zu finding" : "%zu findings", count);
    return count > 0 ? MIGRATE_DRIFT : MIGRATE_OK;
}
