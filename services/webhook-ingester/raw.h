/* raw_payload: what tv_signals keeps of a request's body, always a JSON text, never with a secret
 * in it (domain-trading.md 1.2). Core: no I/O. In a body that is kept as JSON, members named like a
 * secret lose their value, and so does every text that holds the strategy's own secret; in other
 * bodies that secret is overwritten wherever its bytes occur. */
#pragma once

#include "json.h"

#include "svc/buffer.h"

/* At most this long, the largest message check_signal() in contracts takes. */
enum { RAW_BYTES_MAX = 128 * 1024, RAW_TRUNCATED_BYTES = 4 * 1024 };

struct raw_secret { /* len 0: none */
    const char *text;
    size_t len;
};

/* The text that was scanned (JSON_GOOD), with edits: numbers and everything else stay as they were
 * sent. */
void raw_json(const struct json *json, struct raw_secret secret, struct svc_buffer *ret);

/* {"_text": …} or, where the bytes are not text that JSONB can keep, {"_b64": …}.
 * keep     of the bytes, at most this many are stored; "_truncated": true says that some are not.
 * scratch  reused memory for the masked copy. */
void raw_body(const void *bytes, size_t len, size_t keep, const char *content_type,
              struct raw_secret secret, struct svc_buffer *scratch, struct svc_buffer *ret);
