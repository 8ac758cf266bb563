/* Private to lib/svc: which requests are refused before anything is done with them. Core of http.c:
 * strings in, a verdict out. What it looks for is what libmicrohttpd 0.9.75 was measured to let
 * pass although two HTTP implementations may disagree about it (request smuggling), RFC 9112
 * sections 3, 5 and 6. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct http_guard {
    unsigned hosts, lengths, codings; /* header lines seen of each kind */
    uint64_t content_length;          /* valid when lengths == 1 */
    const char *fault;                /* the first one, a short sentence; NULL: none */
};

/* target: path and query as they came. It is checked in http_guard_target, because a library may
 * split it before the version is known. */
void http_guard_target(struct http_guard *guard, const char *target);
void http_guard_header(struct http_guard *guard, const char *name, size_t name_len,
                       const char *value, size_t value_len);
/* After all headers. NULL when the request may go on, else why not. */
const char *http_guard_verdict(struct http_guard *guard, const char *method, const char *version);
