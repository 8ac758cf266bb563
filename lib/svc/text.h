/* Numbers and identifiers from text, range-checked; no locale, no surprises. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal digits only (i64: an optional leading '-'), whole string, within [min, max]. 0 or -1. */
int svc_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
int svc_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret);

enum { SVC_UUID_TEXT = 37 }; /* 36 characters and the NUL */
/* A random UUID (version 4). */
void svc_uuid_random(char ret[SVC_UUID_TEXT]);
/* A name-based UUID (version 8, RFC 9562): the first 16 bytes of a digest with version and variant
 * set. */
void svc_uuid_from_digest(const uint8_t digest[16], char ret[SVC_UUID_TEXT]);
/* 36 characters, lower or upper case hex, dashes in place. */
bool svc_uuid_valid(const char *text);

/* Lower-case hex; ret holds 2 * len + 1 bytes. */
void svc_hex(const uint8_t *bytes, size_t len, char *ret);
/* Valid UTF-8 without surrogates and overlong forms, no NUL byte. */
bool svc_utf8_valid(const void *bytes, size_t len);
