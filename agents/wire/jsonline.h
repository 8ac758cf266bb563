/* JSON lines of the terminal protocol (docs/terminal-protocol.md): one object per line, its members
 * read with their types checked, or written one after the other. Both ends use it; which members
 * there are is theirs. Core. */
#pragma once

#include "svc/arena.h"
#include "svc/buffer.h"
#include "svc/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { JSONLINE_BYTES_MAX = 64 * 1024 }; /* without the line end */

/* A member that is absent reads as "", 0 or false. The first member of a wrong type, or out of its
 * range, is kept as the fault; the rest is read all the same. */
struct jsonline {
    struct svc_arena *arena; /* for what is kept longer than `object`; NULL: nothing is */
    const json_t *object;
    const char *fault; /* the member's name, NULL: none */
};

/* The object of one line, owned by the caller (json_decref), and a reader on it. NULL: not JSON, or
 * a member twice; then everything reads as absent. */
json_t *jsonline_open(struct svc_arena *arena, const char *line, size_t len,
                      struct jsonline *ret_reader);
void jsonline_bad(struct jsonline *r, const char *name);
/* The index of the member "type" in the list, or the list's length when it is none of them. */
size_t jsonline_type(struct jsonline *r, const char *const *types, size_t count);

const char *jsonline_word(struct jsonline *r, const char *name); /* lives as long as the object */
const char *jsonline_kept(struct jsonline *r, const char *name); /* lives in the arena */
const char *jsonline_kept_decimal(struct jsonline *r, const char *name);
/* Copies of at most size - 1 bytes; longer is a fault. */
void jsonline_text(struct jsonline *r, const char *name, char *ret, size_t size);
void jsonline_required(struct jsonline *r, const char *name, char *ret, size_t size);
void jsonline_decimal(struct jsonline *r, const char *name, char *ret, size_t size);
int64_t jsonline_number(struct jsonline *r, const char *name);
uint64_t jsonline_count(struct jsonline *r, const char *name); /* not negative */
uint32_t jsonline_count_to(struct jsonline *r, const char *name, uint32_t max);
uint64_t jsonline_ticket(struct jsonline *r, const char *name); /* 64 bits, written as text */
bool jsonline_truth(struct jsonline *r, const char *name);
bool jsonline_sells(struct jsonline *r); /* "side" is buy or sell */
/* How many elements the array `name` has. None, or more than max: a fault, and 0. */
size_t jsonline_array(struct jsonline *r, const char *name, size_t max);
/* Its first `count` elements, each read into one of the structs of `size` bytes at ret. */
void jsonline_elements(struct jsonline *r, const char *name, size_t count, void *ret, size_t size,
                       void (*read)(struct jsonline *element, void *ret));

/* A line: begin, members, end. Names are ours and not escaped. */
void jsonline_begin(struct svc_buffer *out, const char *type); /* resets out */
void jsonline_end(struct svc_buffer *out);
void jsonline_put_text(struct svc_buffer *out, const char *name, const char *value);
void jsonline_put_text_unless_empty(struct svc_buffer *out, const char *name, const char *value);
void jsonline_put_number(struct svc_buffer *out, const char *name, int64_t value);
void jsonline_put_ticket(struct svc_buffer *out, const char *name, uint64_t value);
void jsonline_put_bool(struct svc_buffer *out, const char *name, bool value);
/* An integer of 10^-scale each, as decimal text. */
void jsonline_put_scaled(struct svc_buffer *out, const char *name, int64_t scaled, unsigned scale);
