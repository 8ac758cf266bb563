/* The migrations themselves: <digits>_<name>.sql, from the program or from a folder. */
#pragma once

#include "svc/arena.h"
#include "svc/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
    FILES_MAX = 1000,
    FILE_BYTES_MAX = 4 * 1024 * 1024,
    FILE_NAME_MAX = 120,
    CHECKSUM_TEXT = 65, /* SHA-256 in lower-case hex and the NUL */
};

struct migration {
    uint64_t version;      /* the digits in front */
    const char *name;      /* what follows them, without .sql */
    const char *file_name; /* all of it */
    const char *text;      /* NUL-terminated, as in the file */
    size_t len;
    char checksum[CHECKSUM_TEXT]; /* over the text with CR LF read as LF */
};

struct files {
    struct migration *items; /* ascending by version */
    size_t count;
};

struct embedded_file {
    const char *name;
    const char *text;
    size_t len;
};

/* Everything lives in the arena. A name that is no migration's, two files of one version, a NUL
 * byte or text that is not UTF-8 are refused: SVC_REJECT. SVC_FATAL: the folder or a file cannot be
 * read. */
enum svc_rc files_from_program(struct svc_arena *arena, const struct embedded_file *embedded,
                               size_t count, struct files *ret_files,
                               struct svc_error *err) SVC_CHECK;
/* Only the folder itself, as the Supabase CLI does: what lies in sub-folders is not applied. */
enum svc_rc files_from_folder(struct svc_arena *arena, const char *folder, struct files *ret_files,
                              struct svc_error *err) SVC_CHECK;

/* SHA-256 in hex; a checkout that turns LF into CR LF gives the same. */
void files_checksum(const char *text, size_t len, char ret[CHECKSUM_TEXT]);
