/* The TCP connection to mt5-agent: connects, reconnects with back-off, and turns bytes into lines.
 * Edge: it knows nothing of what the lines say. */
#pragma once

#include "svc/buffer.h"
#include "svc/loop.h"

struct link;

struct link_events {
    void (*opened)(void *arg);
    void (*line)(void *arg, const char *line, size_t len); /* without its line end */
    void (*closed)(void *arg);
    void *arg;
};

/* address: "127.0.0.1:5600". Begins to connect at once. SVC_REJECT: not an address. */
enum svc_rc link_open(struct svc_loop *loop, const char *address, const struct link_events *events,
                      struct link **ret_link, struct svc_error *err) SVC_CHECK;
void link_close(struct link **link);

/* Queue a line; sent by the loop. Dropped when there is no connection. */
void link_send(struct link *link, const struct svc_buffer *line);
/* Close this connection, throw away what it still brought, connect again. */
void link_drop(struct link *link);
/* While held no line is delivered and no new connection is made: an order is under way. */
void link_hold(struct link *link, bool held);
