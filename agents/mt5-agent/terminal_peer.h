/* One TCP connection of a would-be terminal: bytes in both directions, cut into lines. Edge;
 * private to terminal.c. */
#pragma once

#include "svc/buffer.h"
#include "svc/loop.h"

struct terminal_peer {
    struct svc_source source; /* fd -1: free */
    struct svc_buffer in, out;
    int64_t accepted_mono_us, heard_mono_us;
    void *owner;
    unsigned slot;
};

/* Bytes are there to be read into peer->in; false: the peer is gone. */
bool terminal_peer_read(struct terminal_peer *peer);
/* Write what can be written; false: the peer is gone. */
bool terminal_peer_write(struct terminal_peer *peer);
/* The next whole line without its line end, NULL: none. *ret_too_long: there is none because the
 * line is longer than allowed. The line is valid until terminal_peer_skip, which takes it away. */
const char *terminal_peer_line(const struct terminal_peer *peer, size_t *ret_len,
                               bool *ret_too_long);
void terminal_peer_skip(struct terminal_peer *peer, size_t line_len);
/* Close; the slot is free again. */
void terminal_peer_close(struct terminal_peer *peer);
