/* Message lifetime: one arena per message, request or batch, reset at the top of the loop. Nothing
 * from it is kept. Allocations are aligned for any type; a failed malloc ends the process
 * (SVC_FATAL has no way to be reported from here): an allocator of a bounded loop that cannot
 * allocate cannot work at all. */
#pragma once

#include "svc/error.h"

#include <stddef.h>

struct svc_arena {
    struct svc_arena_block *first, *current;
    size_t block_bytes;
};

void svc_arena_init(struct svc_arena *arena, size_t block_bytes);
void svc_arena_done(struct svc_arena *arena);
void svc_arena_reset(struct svc_arena *arena); /* keeps the first block, frees the others */

void *svc_arena_alloc(struct svc_arena *arena, size_t bytes);                 /* zeroed */
void *svc_arena_copy(struct svc_arena *arena, const void *bytes, size_t len); /* NUL added behind */
char *svc_arena_text(struct svc_arena *arena, const char *text); /* strdup; NULL gives NULL */
char *svc_arena_printf(struct svc_arena *arena, const char *fmt, ...) SVC_PRINTF(2, 3);
