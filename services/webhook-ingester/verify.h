/* From a request's body to a signal: scan, read, identify, and keep the evidence. The verdict is
 * complete here; what is left for the edges is to make it durable and then to answer it. Core: no
 * I/O; the time comes in. */
#pragma once

#include "alert.h"
#include "dedup.h"
#include "raw.h"
#include "strategies.h"

struct verify_body {
    const void *bytes; /* borrowed until the verdict was used */
    size_t len;
    bool too_large; /* bytes are only the beginning */
    const char *content_type;
};

/* A verdict and the memory it needs; made once, used for one request after the other. */
struct verify {
    struct json json;
    enum json_verdict scanned;
    struct refusal refusal; /* set where the body cannot be read */
    bool readable;
    struct svc_buffer raw, scratch;
    struct alert alert;
    struct dedup dedup;
    char refusal_message[REFUSAL_TEXT];
    Tradewire__V1__Signal signal; /* borrows from all of the above and from the body */
};

struct verify *verify_new(void);
void verify_free(struct verify **verify);

/* First: take the body apart. */
void verify_scan(struct verify *verify, const struct verify_body *body);
/* The member `secret` of the outermost object; text NULL when there is none. Also of a body that
 * breaks off or goes wrong behind it: its sender shall be told what is wrong with the alert, not
 * with the secret. */
struct raw_secret verify_secret(const struct verify *verify);

/* The signal to publish: verify->signal, valid until the next verify_scan. Returns the HTTP status
 * that the sender gets once it is durable: 202, 422 or 413; for the last two verify->refusal is
 * set. secret            what the request was authorised with. received_unix_us  when the request
 * was complete. */
unsigned verify_signal(struct verify *verify, const struct verify_body *body,
                       const struct strategy *strategy, struct raw_secret secret,
                       int64_t received_unix_us);
