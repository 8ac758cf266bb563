/* Says when the TCP connection under a ZeroMQ socket is lost: libzmq reconnects silently, but the
 * gateway on the other side may be another one, or a new process. Edge; private to link.c. */
#pragma once

#include "svc/loop.h"

struct link_watch {
    void *watched, *events; /* the socket, and libzmq's own socket of events about it */
    struct svc_source source;
    void (*lost)(void *arg); /* may close the watch */
    void *arg;
};

/* Fill lost and arg first. False: libzmq refused (errno). */
bool link_watch_open(struct link_watch *watch, struct svc_loop *loop, void *context, void *watched);
void link_watch_close(struct link_watch *watch);
