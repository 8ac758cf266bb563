/* One arena per message: blocks filled from the front, all given back at once. */
#include "svc/arena.h"

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct svc_arena_block {
    struct svc_arena_block *next;
    size_t used, capacity;
    _Alignas(max_align_t) char bytes[];
};

void svc_arena_init(struct svc_arena *arena, size_t block_bytes)
{
    *arena = (struct svc_arena){.block_bytes = block_bytes};
}

static void free_from(struct svc_arena_block *block)
{
    while (block) {
        struct svc_arena_block *next = block->next;
        free(block);
        block = next;
    }
}

void svc_arena_done(struct svc_arena *arena)
{
    free_from(arena->first);
    arena->first = arena->current = NULL;
}

void svc_arena_reset(struct svc_arena *arena)
{
    struct svc_arena_block *first = arena->first;
    if (!first)
        return;
    if (first->capacity > arena->block_bytes) { /* one huge message must not stay for ever */
        svc_arena_done(arena);
        return;
    }
    free_from(first->next);
    first->next = NULL;
    first->used = 0;
    arena->current = first;
}

static struct svc_arena_block *add_block(struct svc_arena *arena, size_t bytes)
{
    size_t capacity = bytes > arena->block_bytes ? bytes : arena->block_bytes;
    struct svc_arena_block *block = svc_must_alloc(sizeof *block + capacity);
    block->next = NULL;
    block->used = 0;
    block->capacity = capacity;
    if (arena->current)
        arena->current->next = block;
    else
        arena->first = block;
    arena->current = block;
    return block;
}

static void *take(struct svc_arena *arena, size_t bytes)
{
    const size_t align = _Alignof(max_align_t);
    size_t rounded = (bytes + align - 1) & ~(align - 1);
    if (rounded < bytes) /* past SIZE_MAX: let the allocator refuse it */
        rounded = bytes;
    struct svc_arena_block *block = arena->current;
    if (!block || block->capacity - block->used < rounded)
        block = add_block(arena, rounded);
    void *taken = block->bytes + block->used;
    block->used += rounded;
    return taken;
}

void *svc_arena_alloc(struct svc_arena *arena, size_t bytes)
{
    return memset(take(arena, bytes), 0, bytes);
}

void *svc_arena_copy(struct svc_arena *arena, const void *bytes, size_t len)
{
    char *copy = take(arena, len + 1);
    if (len)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

char *svc_arena_text(struct svc_arena *arena, const char *text)
{
    return text ? svc_arena_copy(arena, text, strlen(text)) : NULL;
}

char *svc_arena_printf(struct svc_arena *arena, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    size_t bytes = len < 0 ? 0 : (size_t)len; /* only an impossible %lc makes it negative */
    char *text = take(arena, bytes + 1);
    text[0] = '\0';
    (void)vsnprintf(text, bytes + 1, fmt, again);
    va_end(again);
    return text;
}
