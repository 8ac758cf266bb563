/* supabase_migrations.schema_migrations (version text, name text, statements text[]), the history
 * of the Supabase CLI: kept in step with ours where it exists, never made here.
 *
 *   ours → theirs   every up adds a row there, every down removes it, in the same transaction
 *   theirs → ours   versions that the CLI applied and our folder has count as applied: each reading
 *                   of the history sees them (supabase_merge), `up` records them (supabase_adopt)
 *
 * Versions there that our folder does not have are somebody else's. */
#pragma once

#include "migrate.h"

/* Inside the transaction that writes or removes our own row. Without the table: nothing. */
enum migrate_exit supabase_add(PGconn *conn, struct svc_arena *arena, const struct migration *file,
                               struct fault *fault);
enum migrate_exit supabase_remove(PGconn *conn, struct svc_arena *arena, uint64_t version,
                                  struct fault *fault);

/* Add to the history, in memory, what only the CLI has recorded (is_unrecorded), where the
 * statements that it kept are the file's. Where it kept none: where all files before it are applied
 * and its verify file holds (or it has none). Anything else is an older shape of ours: the file
 * stays pending. Outside a transaction; part of every migrate_read_history. */
enum migrate_exit supabase_merge(PGconn *conn, struct svc_arena *arena, const struct files *files,
                                 struct history *history, struct fault *fault);

/* `up`, under the lock and after migrate_check_plan: record what is unrecorded, with the changes
 * that a scratch run gives where one is possible, and add to the CLI's table what only we have
 * recorded. Then m->history and m->plan are read again. */
enum migrate_exit supabase_adopt(struct migrate *m, struct fault *fault);

/* Applied files that their table lacks; none without the table. */
enum migrate_exit supabase_absent(struct migrate *m, const struct migration ***ret_files,
                                  size_t *ret_count, struct fault *fault);
