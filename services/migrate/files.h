/* The migrations themselves, from the program or from a folder:
 *
 *   <digits>_<name>.sql         up
 *   down/<digits>_<name>.sql    takes back exactly that
 *   verify/<digits>_<name>.sql  asks whether it is there */
#pragma once

#include "lexer.h"

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

/* A down or verify file. */
struct migration_part {
    const char *file_name; /* "down/<digits>_<name>.sql"; NULL: there is none */
    const char *text;      /* NUL-terminated, as in the file; NULL: there is none */
    size_t len;
    char checksum[CHECKSUM_TEXT];
    struct directives directives;
};

struct migration {
    uint64_t version;      /* the digits in front */
    const char *name;      /* what follows them, without .sql */
    const char *file_name; /* all of it */
    const char *text;      /* NUL-terminated, as in the file */
    size_t len;
    char checksum[CHECKSUM_TEXT]; /* over the text with CR LF read as LF */
    struct directives directives;
    struct migration_part down, verify;
};

struct files {
    struct migration *items; /* ascending by version */
    size_t count;
    const char **orphans; /* down and verify files without an up file of exactly their name: never
                             used; lint refuses them */
    size_t orphan_count;
};

enum file_kind { FILE_UP, FILE_DOWN, FILE_VERIFY };

struct embedded_file {
    const char *name; /* without a folder */
    const char *text;
    size_t len;
    enum file_kind kind;
};

/* Everything lives in the arena. A name that is no migration's, two files of one version, a NUL
 * byte or text that is not UTF-8 are refused: SVC_REJECT. SVC_FATAL: the folder or a file cannot be
 * read. A folder without down/ or verify/ is no fault. */
enum svc_rc files_from_program(struct svc_arena *arena, const struct embedded_file *embedded,
                               size_t count, struct files *ret_files,
                               struct svc_error *err) SVC_CHECK;
/* Other sub-folders are not looked at, as the Supabase CLI does. */
enum svc_rc files_from_folder(struct svc_arena *arena, const char *folder, struct files *ret_files,
                              struct svc_error *err) SVC_CHECK;

/* SHA-256 in hex; a checkout that turns LF into CR LF gives the same. */
void files_checksum(const char *text, size_t len, char ret[CHECKSUM_TEXT]);
