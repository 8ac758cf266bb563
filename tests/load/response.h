/* Reading an HTTP/1.1 answer as far as a sender of alerts cares. Core: bytes in, a decision out. */
#pragma once

#include "svc/text.h"

#include <stdbool.h>
#include <stddef.h>

enum response_state {
    RESPONSE_INCOMPLETE, /* read on */
    RESPONSE_COMPLETE,
    RESPONSE_BAD, /* not HTTP/1.1 with a Content-Length */
};

struct response {
    unsigned status;
    bool close;                    /* the connection is not to be used again */
    char signal_id[SVC_UUID_TEXT]; /* "" when the body has none */
};

enum response_state response_read(const char *bytes, size_t len, struct response *ret);
