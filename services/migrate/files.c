/* Reading, naming and ordering of migration files. */
#include "files.h"

#include "svc/cleanup.h"
#include "svc/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

static const struct {
    enum file_kind kind;
    const char *under; /* sub-folder, in front of a file's name */
} kinds[] = {{FILE_UP, ""}, {FILE_DOWN, "down/"}, {FILE_VERIFY, "verify/"}};

/* One file as it was found, before the three of a version are put together. */
struct found {
    enum file_kind kind;
    struct migration migration; /* its up members hold the text, whatever the kind */
};

struct collection {
    struct found *items;
    size_t count;
};

enum { FOUND_MAX = 3 * FILES_MAX };

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
    item->name = svc_arena_copy(arena, name, len - digits - 5);
    const char *number = svc_arena_copy(arena, file_name, digits);
    return svc_parse_u64(number, 1, INT64_MAX, &item->version) == 0
               ? SVC_OK
               : svc_fail(err, SVC_REJECT, "bad_file_name", "%.120s: bad version", file_name);
}

static enum svc_rc add_file(struct svc_arena *arena, struct collection *found, enum file_kind kind,
                            const char *file_name, const char *text, size_t len,
                            struct svc_error *err)
{
    if (found->count == FOUND_MAX)
        return svc_fail(err, SVC_REJECT, "too_many_files", "more than %d files", FOUND_MAX);
    struct found *item = &found->items[found->count];
    struct migration *migration = &item->migration;
    item->kind = kind;
    enum svc_rc rc = parse_name(arena, file_name, migration, err);
    if (rc != SVC_OK)
        return rc;
    migration->file_name = svc_arena_printf(arena, "%s%s", kinds[kind].under, file_name);
    if (!svc_utf8_valid(text, len))
        return svc_fail(err, SVC_REJECT, "bad_encoding", "%.120s: not UTF-8, or a NUL byte",
                        migration->file_name);
    migration->text = text;
    migration->len = len;
    migration->directives = lexer_directives(text, len);
    files_checksum(text, len, migration->checksum);
    found->count++;
    return SVC_OK;
}

/* The up file of a version first. */
static int by_version(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    if (left->migration.version != right->migration.version)
        return left->migration.version > right->migration.version ? 1 : -1;
    return (int)left->kind - (int)right->kind;
}

static void attach(struct migration *to, const struct found *found)
{
    const struct migration *file = &found->migration;
    struct migration_part *part = found->kind == FILE_DOWN ? &to->down : &to->verify;
    *part = (struct migration_part){.file_name = file->file_name,
                                    .text = file->text,
                                    .len = file->len,
                                    .directives = file->directives};
    memcpy(part->checksum, file->checksum, sizeof part->checksum);
}

/* Three sorted kinds in, one list of migrations out. */
static enum svc_rc put_together(struct svc_arena *arena, struct collection *found,
                                struct files *ret_files, struct svc_error *err)
{
    qsort(found->items, found->count, sizeof *found->items, by_version);
    ret_files->items = svc_arena_alloc(arena, (found->count + 1) * sizeof *ret_files->items);
    ret_files->orphans = svc_arena_alloc(arena, (found->count + 1) * sizeof *ret_files->orphans);
    ret_files->count = ret_files->orphan_count = 0;
    for (size_t i = 0; i < found->count; i++) {
        const struct found *item = &found->items[i];
        struct migration *last = ret_files->count ? &ret_files->items[ret_files->count - 1] : NULL;
        bool same_version = last && last->version == item->migration.version;
        if (item->kind == FILE_UP && same_version)
            return svc_fail(err, SVC_REJECT, "duplicate_version",
                            "%.110s and %.110s have one version", last->file_name,
                            item->migration.file_name);
        if (item->kind == FILE_UP)
            ret_files->items[ret_files->count++] = item->migration;
        else if (same_version && strcmp(last->name, item->migration.name) == 0)
            attach(last, item);
        else
            ret_files->orphans[ret_files->orphan_count++] = item->migration.file_name;
    }
    return ret_files->count <= FILES_MAX
               ? SVC_OK
               : svc_fail(err, SVC_REJECT, "too_many_files", "more than %d migrations", FILES_MAX);
}

static void begin_collection(struct svc_arena *arena, struct collection *found)
{
    found->items = svc_arena_alloc(arena, FOUND_MAX * sizeof *found->items);
    found->count = 0;
}

enum svc_rc files_from_program(struct svc_arena *arena, const struct embedded_file *embedded,
                               size_t count, struct files *ret_files, struct svc_error *err)
{
    struct collection found;
    begin_collection(arena, &found);
    for (size_t i = 0; i < count; i++) {
        const struct embedded_file *file = &embedded[i];
        enum svc_rc rc =
            add_file(arena, &found, file->kind, file->name, file->text, file->len, err);
        if (rc != SVC_OK)
            return rc;
    }
    return put_together(arena, &found, ret_files, err);
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

static enum svc_rc read_kind(struct svc_arena *arena, const char *folder, enum file_kind kind,
                             struct collection *found, struct svc_error *err)
{
    const char *path = svc_arena_printf(arena, "%s/%s", folder, kinds[kind].under);
    SVC_CLEANUP(close_folder) DIR *open_folder = opendir(path);
    if (!open_folder && errno == ENOENT && kind != FILE_UP)
        return SVC_OK;
    if (!open_folder)
        return svc_fail(err, SVC_FATAL, "unreadable", "%.150s: %s", path, strerrordesc_np(errno));
    struct dirent *entry;
    errno = 0;
    while ((entry = readdir(open_folder)) != NULL) { /* NOLINT(concurrency-mt-unsafe): one thread */
        const char *text = NULL;
        size_t len = 0;
        if (!is_sql_file(entry->d_name))
            continue;
        enum svc_rc rc = read_file(arena, path, entry->d_name, &text, &len, err);
        if (rc == SVC_OK)
            rc = add_file(arena, found, kind, entry->d_name, text, len, err);
        if (rc != SVC_OK)
            return rc;
        errno = 0;
    }
    return errno == 0
               ? SVC_OK
               : svc_fail(err, SVC_FATAL, "unreadable", "%.150s: %s", path, strerrordesc_np(errno));
}

enum svc_rc files_from_folder(struct svc_arena *arena, const char *folder, struct files *ret_files,
                              struct svc_error *err)
{
    struct collection found;
    begin_collection(arena, &found);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        enum svc_rc rc = read_kind(arena, folder, kinds[i].kind, &found, err);
        if (rc != SVC_OK)
            return rc;
    }
    return put_together(arena, &found, ret_files, err);
}
