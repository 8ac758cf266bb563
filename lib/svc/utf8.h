/* Private to lib/svc: one step through UTF-8. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* How many bytes the well-formed character at `at` has (left > 0 bytes are there); 0: it is not
 * one. */
size_t svc_utf8_step(const uint8_t *at, size_t left);
