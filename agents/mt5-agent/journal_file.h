/* The file under the journal: locking, reading, zero-filling ahead, replacing. Edge. */
#pragma once

#include "svc/error.h"

#include <stdbool.h>
#include <stddef.h>

struct journal_file {
    int fd;
    size_t size; /* with the zeros ahead */
};

/* Open and lock an existing file; fd -1 with SVC_OK: there is none. */
enum svc_rc journal_file_open(const char *path, struct journal_file *ret,
                              struct svc_error *err) SVC_CHECK;
/* Make `path` hold exactly these bytes and zeros behind them, durably, in one step (a new file,
 * flushed, locked, renamed, folder flushed). ret is the new file. */
enum svc_rc journal_file_replace(const char *path, const void *bytes, size_t len,
                                 struct journal_file *ret, struct svc_error *err) SVC_CHECK;
void journal_file_close(struct journal_file *file);
/* The whole content; free with munmap(*ret, file->size); NULL when the file is empty. */
enum svc_rc journal_file_map(const struct journal_file *file, char **ret,
                             struct svc_error *err) SVC_CHECK;
/* Zeros from `from` to the end, and a step more when less than `need` bytes are left; flushed. */
enum svc_rc journal_file_clear(struct journal_file *file, size_t from,
                               struct svc_error *err) SVC_CHECK;
enum svc_rc journal_file_grow(struct journal_file *file, size_t need_until,
                              struct svc_error *err) SVC_CHECK;
enum svc_rc journal_file_write(struct journal_file *file, size_t at, const void *bytes, size_t len,
                               struct svc_error *err) SVC_CHECK;
enum svc_rc journal_file_flush(struct journal_file *file, struct svc_error *err) SVC_CHECK;
