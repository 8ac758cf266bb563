/* Reading, naming and ordering of migration files. */
#include "files.h"

#include "svc/cleanup.h"
#include "svc/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

void files_checksum(const char *text, size_t len, char ret[CHECKSUM_TEXT])
{
    crypto_hash_sha256_state state;
    uint8_t digest[crypto_hash_sha256_BYTES];
    (void)crypto_hash_sha256_init(&state);
    size_t begin = 0;
    for (size_t i = 0; i < len; i++)
        if (text[i] == '\r' && i + 1 < len && text[i + 1] == '\n') {
            (void)crypto_hash_sha256_update(&state, (const uint8_t *)text + begin, i - begin);
            begin = i + 1;
        }
    (void)crypto_hash_sha256_update(&state, (const uint8_t *)text + begin, len - begin);
    (void)crypto_hash_sha256_final(&state, digest);
    svc_hex(digest, sizeof digest, ret);
}

/* <1 to 18 digits, the first not 0>_<a-z, 0-9, _>.sql */
static enum svc_rc parse_name(struct svc_arena *arena, const char *file_name,
                              struct migration *item, struct svc_error *err)
{
    size_t digits = strspn(file_name, "0123456789"), len = strlen(file_name);
    const char *name = file_name + digits + 1;
    bool good = digits >= 1 && digits <= 18 && file_name[0] != '0' && file_name[digits] == '_' &&
                len <= FILE_NAME_MAX && len > digits + 5 &&
                strcmp(file_name + len - 4, ".sql") == 0 &&
                strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len - digits - 5;
    if (!good)
        return svc_fail(err, SVC_REJECT, "bad_file_name",
                        "%.120s: a migration is called <digits>_<a-z, 0-9, _>.sql", file_name);
    item->file_name = svc_arena_text(arena, file_name);
    item->name = svc_arena_copy(arena, name, len - digits - 5);
    const char *number = svc_arena_copy(arena, file_name, digits);
    return svc_parse_u64(number, 1, INT64_MAX, &item->version) == 0
               ? SVC_OK
               : svc_fail(err, SVC_REJECT, "bad_file_name", "%.120s: bad version", file_name);
}

static enum svc_rc add_file(struct svc_arena *arena, struct files *files, const char *file_name,
                            const char *text, size_t len, struct svc_error *err)
{
    if (files->count == FILES_MAX)
        return svc_fail(err, SVC_REJECT, "too_many_files", "more than %d migrations", FILES_MAX);
    struct migration *item = &files->items[files->count];
    enum svc_rc rc = parse_name(arena, file_name, item, err);
    if (rc != SVC_OK)
        return rc;
    if (!svc_utf8_valid(text, len))
        return svc_fail(err, SVC_REJECT, "bad_encoding", "%.120s: not UTF-8, or a NUL byte",
                        file_name);
    item->text = text;
    item->len = len;
    files_checksum(text, len, item->checksum);
    files->count++;
    return SVC_OK;
}

static int by_version(const void *a, const void *b)
{
    const struct migration *left = a, *right = b;
    return (left->version > right->version) - (left->version < right->version);
}

static enum svc_rc put_in_order(struct files *files, struct svc_error *err)
{
    qsort(files->items, files->count, sizeof *files->items, by_version);
    for (size_t i = 1; i < files->count; i++)
        if (files->items[i - 1].version == files->items[i].version)
            return svc_fail(err, SVC_REJECT, "duplicate_version",
                            "%.110s and %.110s have one version", files->items[i - 1].file_name,
                            files->items[i].file_name);
    return SVC_OK;
}

static void begin_files(struct svc_arena *arena, struct files *ret_files)
{
    ret_files->items = svc_arena_alloc(arena, FILES_MAX * sizeof *ret_files->items);
    ret_files->count = 0;
}

enum svc_rc files_from_program(struct svc_arena *arena, const struct embedded_file *embedded,
                               size_t count, struct files *ret_files, struct svc_error *err)
{
    begin_files(arena, ret_files);
    for (size_t i = 0; i < count; i++) {
        enum svc_rc rc =
            add_file(arena, ret_files, embedded[i].name, embedded[i].text, embedded[i].len, err);
        if (rc != SVC_OK)
            return rc;
    }
    return put_in_order(ret_files, err);
}

static void close_file(FILE **file)
{
    if (*file)
        (void)fclose(*file);
}

static enum svc_rc read_file(struct svc_arena *arena, const char *folder, const char *file_name,
                             const char **ret_text, size_t *ret_len, struct svc_error *err)
{
    const char *path = svc_arena_printf(arena, "%s/%s", folder, file_name);
    SVC_CLEANUP(close_file) FILE *file = fopen(path, "rbe");
    if (!file)
        return svc_fail(err, SVC_FATAL, "unreadable", "%.150s: %s", path, strerrordesc_np(errno));
    SVC_FREE char *bytes = malloc(FILE_BYTES_MAX + 1);
    if (!bytes)
        return svc_fail(err, SVC_FATAL, "no_memory", "%.150s: no memory to read it", path);
    size_t len = fread(bytes, 1, FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        return svc_fail(err, SVC_FATAL, "unreadable", "%.150s: %s", path, strerrordesc_np(errno));
    if (len > FILE_BYTES_MAX)
        return svc_fail(err, SVC_REJECT, "file_too_large", "%.150s: more than %d bytes", path,
                        FILE_BYTES_MAX);
    *ret_text = svc_arena_copy(arena, bytes, len);
    *ret_len = len;
    return SVC_OK;
}

static bool is_sql_file(const char *name)
{
    size_t len = strlen(name);
    return name[0] != '.' && len >= 4 && strcmp(name + len - 4, ".sql") == 0;
}

static void close_folder(DIR **folder)
{
    if (*folder)
        (void)closedir(*folder);
}

enum svc_rc files_from_folder(struct svc_arena *arena, const char *folder, struct files *ret_files,
                              struct svc_error *err)
{
    SVC_CLEANUP(close_folder) DIR *open_folder = opendir(folder);
    if (!open_folder)
        return svc_fail(err, SVC_FATAL, "unreadable", "%.150s: %s", folder, strerrordesc_np(errno));
    begin_files(arena, ret_files);
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(open_folder)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        const char *text;
        size_t len;
        if (!is_sql_file(entry->d_name))
            continue;
        enum svc_rc rc = read_file(arena, folder, entry->d_name, &text, &len, err);
        if (rc == SVC_OK)
            rc = add_file(arena, ret_files, entry->d_name, text, len, err);
        if (rc != SVC_OK)
            return rc;
        errno = 0;
    }
    if (errno)
        return svc_fail(err, SVC_FATAL, "unreadable", "%.150s: %s", folder, strerrordesc_np(errno));
    return put_in_order(ret_files, err);
}
