/* The three files of a new migration. */
#pragma once

#include "files.h"

#include "svc/arena.h"
#include "svc/error.h"

#include <stdbool.h>
#include <stdint.h>

/* A version of 14 digits, YYYYMMDDHHMMSS in UTC: the given time, or a second later than the newest
 * version where that is not earlier. newest 0: none. */
uint64_t new_version(int64_t now_unix_s, uint64_t newest);

/* What the files say, before anybody has written more; in the arena. */
const char *new_text(struct svc_arena *arena, enum file_kind kind, const char *title,
                     bool no_transaction);

/* Writes DIR/<version>_<name>.sql, DIR/down/… and DIR/verify/…, the sub-folders too where they are
 * missing. All three or none; an existing file is never written to.
 *
 * SVC_REJECT  bad_name, name_taken (a migration of the set has it already)
 * SVC_FATAL   exists, unwritable */
enum svc_rc new_write(struct svc_arena *arena, const char *folder, const struct files *files,
                      const char *name, bool no_transaction, int64_t now_unix_s,
                      const char **ret_title, struct svc_error *err) SVC_CHECK;
