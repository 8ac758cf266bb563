/* What can be a webhook's secret: 1 to SECRET_MAX bytes of text without control bytes. Ours are 64
 * hex digits, but those of an older installation are whatever its owner chose. Core: no I/O. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { SECRET_MAX = 128 };

struct secret {
    char text[SECRET_MAX + 1]; /* NUL-terminated */
    size_t len;
};

/* From a JSON string. False: it is nobody's. */
bool secret_from_text(const char *text, size_t len, struct secret *ret);
/* From one segment of a path: %XX is the byte XX, all else stands for itself ('+', too). False also
 * for a '%' without two hex digits. */
bool secret_from_segment(const char *segment, struct secret *ret);
