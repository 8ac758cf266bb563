/* `migrate new NAME`: the three files of a migration, with the present time as their version. */
#include "commands.h"
#include "json.h"
#include "new.h"

#include <time.h>

/* The folder where people keep them; the program's own files are no place to write to. */
static const char default_folder[] = "migrations";

static void report_files(struct migrate *m, const char *folder, const char *title)
{
    static const char *const sub_folders[] = {"", "down/", "verify/"};
    json_begin_array(&m->report.members, "files");
    for (size_t i = 0; i < sizeof sub_folders / sizeof *sub_folders; i++) {
        const char *path = svc_arena_printf(m->arena, "%s/%s%s.sql", folder, sub_folders[i], title);
        json_text(&m->report.members, NULL, path);
        report_say(&m->report, "%s", path);
    }
    json_end_array(&m->report.members);
}

enum migrate_exit command_new(struct migrate *m, struct fault *fault)
{
    const char *folder = m->config->folder ? m->config->folder : default_folder, *title;
    struct svc_error err;
    if (files_from_folder(m->arena, folder, &m->files, &err) != SVC_OK)
        return fault_from_error(fault, m->arena, &err);
    if (new_write(m->arena, folder, &m->files, m->config->arguments[0], m->config->no_transaction,
                  (int64_t)time(NULL), &title, &err) != SVC_OK)
        return fault_set(fault, MIGRATE_USAGE, svc_arena_text(m->arena, err.code),
                         svc_arena_text(m->arena, err.text));
    report_files(m, folder, title);
    return MIGRATE_OK;
}
