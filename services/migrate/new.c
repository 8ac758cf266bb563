/* Names, times and first words of a migration's files. */
#include "new.h"

#include "svc/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { KINDS = 3, VERSION_DIGITS = 14 };

static const char *const sub_folders[KINDS] = {
    [FILE_UP] = "", [FILE_DOWN] = "down/", [FILE_VERIFY] = "verify/"};

static uint64_t version_of(int64_t unix_s)
{
    struct tm utc;
    time_t seconds = (time_t)unix_s;
    if (!gmtime_r(&seconds, &utc))
        return 0;
    uint64_t days = (uint64_t)(utc.tm_year + 1900) * 10000 + (uint64_t)(utc.tm_mon + 1) * 100 +
                    (uint64_t)utc.tm_mday;
    return days * 1000000 + (uint64_t)utc.tm_hour * 10000 + (uint64_t)utc.tm_min * 100 +
           (uint64_t)utc.tm_sec;
}

/* -1: not a time in this form. */
static int64_t time_of(uint64_t version)
{
    struct tm utc = {
        .tm_year = (int)(version / 10000000000) - 1900,
        .tm_mon = (int)(version / 100000000 % 100) - 1,
        .tm_mday = (int)(version / 1000000 % 100),
        .tm_hour = (int)(version / 10000 % 100),
        .tm_min = (int)(version / 100 % 100),
        .tm_sec = (int)(version % 100),
    };
    if (version < 10000000000000 || version > 99999999999999)
        return -1;
    int64_t seconds = (int64_t)timegm(&utc);
    return version_of(seconds) == version ? seconds : -1;
}

uint64_t new_version(int64_t now_unix_s, uint64_t newest)
{
    uint64_t now = version_of(now_unix_s);
    if (now > newest)
        return now;
    int64_t seconds = time_of(newest);
    return seconds < 0 ? newest + 1 : version_of(seconds + 1);
}

static const char *up_text(struct svc_arena *arena, const char *title, bool no_transaction)
{
    if (no_transaction)
        return svc_arena_printf(
            arena,
            "-- %s\n"
            "-- migrate:no-transaction\n"
            "--\n"
            "-- Each statement runs by itself. After an interruption the file goes on with the "
            "statement that\n"
            "-- was interrupted, so each must bear to be run again: CREATE INDEX CONCURRENTLY IF "
            "NOT EXISTS,\n"
            "-- DROP INDEX CONCURRENTLY IF EXISTS, ALTER TABLE … VALIDATE CONSTRAINT, back-fills "
            "in "
            "DO blocks.\n",
            title);
    return svc_arena_printf(
        arena,
        "-- %s\n"
        "--\n"
        "-- Runs in one transaction together with its history row: no BEGIN, COMMIT or ROLLBACK. "
        "Every\n"
        "-- table, column, index and function gets a COMMENT with its purpose and unit.\n"
        "SET ROLE tradewire_owner;\n\nRESET ROLE;\n",
        title);
}

static const char *down_text(struct svc_arena *arena, const char *title, bool no_transaction)
{
    return svc_arena_printf(
        arena,
        "-- Takes back %s\n%s"
        "--\n"
        "-- Afterwards the schema is what it was before that file; rows that were there then "
        "stay.\n%s",
        title, no_transaction ? "-- migrate:no-transaction\n" : "",
        no_transaction ? "" : "SET ROLE tradewire_owner;\n\nRESET ROLE;\n");
}

static const char *verify_text(struct svc_arena *arena, const char *title)
{
    return svc_arena_printf(
        arena,
        "-- Asks whether %s did its work; it is asked again after every later file.\n"
        "--\n"
        "-- Each SELECT returns three text columns; a row is right where expected and found do not "
        "differ:\n"
        "--\n"
        "--   SELECT 'table public.gateways' AS object, 'there' AS expected,\n"
        "--          CASE WHEN to_regclass('public.gateways') IS NULL THEN 'missing' ELSE 'there' "
        "END AS found;\n",
        title);
}

const char *new_text(struct svc_arena *arena, enum file_kind kind, const char *title,
                     bool no_transaction)
{
    switch (kind) {
    case FILE_UP:
        return up_text(arena, title, no_transaction);
    case FILE_DOWN:
        return down_text(arena, title, no_transaction);
    default:
        return verify_text(arena, title);
    }
}

static enum svc_rc check_name(const struct files *files, const char *name, struct svc_error *err)
{
    size_t len = strlen(name);
    bool good = len > 0 && len + VERSION_DIGITS + sizeof "_.sql" - 1 <= FILE_NAME_MAX &&
                strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len && name[0] >= 'a';
    if (!good)
        return svc_fail(err, SVC_REJECT, "bad_name",
                        "%.110s: a name has a-z, 0-9 and _, begins with a letter and has at most "
                        "%zu characters",
                        name, (size_t)FILE_NAME_MAX - VERSION_DIGITS - (sizeof "_.sql" - 1));
    for (size_t i = 0; i < files->count; i++)
        if (strcmp(files->items[i].name, name) == 0)
            return svc_fail(err, SVC_REJECT, "name_taken", "%.110s has this name already",
                            files->items[i].file_name);
    return SVC_OK;
}

static void close_file(int *file)
{
    if (*file >= 0)
        (void)close(*file);
    *file = -1;
}

static enum svc_rc write_file(const char *path, const char *text, struct svc_error *err)
{
    SVC_CLEANUP(close_file) int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (file < 0 && errno == EEXIST)
        return svc_fail(err, SVC_FATAL, "exists", "%.200s is there already", path);
    if (file < 0)
        return svc_fail(err, SVC_FATAL, "unwritable", "%.150s: %s", path, strerrordesc_np(errno));
    for (size_t len = strlen(text); len > 0;) {
        ssize_t written = write(file, text, len);
        if (written < 0) {
            enum svc_rc rc =
                svc_fail(err, SVC_FATAL, "unwritable", "%.150s: %s", path, strerrordesc_np(errno));
            (void)unlink(path);
            return rc;
        }
        text += written;
        len -= (size_t)written;
    }
    return SVC_OK;
}

static enum svc_rc make_folder(const char *path, struct svc_error *err)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return SVC_OK;
    return svc_fail(err, SVC_FATAL, "unwritable", "%.150s: %s", path, strerrordesc_np(errno));
}

static enum svc_rc write_all(struct svc_arena *arena, const char *folder, const char *title,
                             bool no_transaction, struct svc_error *err)
{
    const char *paths[KINDS];
    for (int kind = 0; kind < KINDS; kind++) {
        const char *sub = svc_arena_printf(arena, "%s/%s", folder, sub_folders[kind]);
        paths[kind] = svc_arena_printf(arena, "%s%s.sql", sub, title);
        enum svc_rc rc = kind == FILE_UP ? SVC_OK : make_folder(sub, err);
        if (rc == SVC_OK)
            rc = write_file(paths[kind],
                            new_text(arena, (enum file_kind)kind,
                                     svc_arena_printf(arena, "%s.sql", title), no_transaction),
                            err);
        if (rc == SVC_OK)
            continue;
        while (kind-- > 0)
            (void)unlink(paths[kind]);
        return rc;
    }
    return SVC_OK;
}

enum svc_rc new_write(struct svc_arena *arena, const char *folder, const struct files *files,
                      const char *name, bool no_transaction, int64_t now_unix_s,
                      const char **ret_title, struct svc_error *err)
{
    enum svc_rc rc = check_name(files, name, err);
    if (rc != SVC_OK)
        return rc;
    uint64_t newest = files->count > 0 ? files->items[files->count - 1].version : 0;
    const char *title =
        svc_arena_printf(arena, "%" PRIu64 "_%s", new_version(now_unix_s, newest), name);
    rc = write_all(arena, folder, title, no_transaction, err);
    if (rc == SVC_OK)
        *ret_title = title;
    return rc;
}
