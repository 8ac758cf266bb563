#include "link_watch.h"

#include <stdio.h>
#include <sys/epoll.h>

#include <zmq.h>

/* True: there was one. Which connection it was is not asked: the socket has only one. */
static bool take_event(void *events)
{
    zmq_msg_t frame;
    bool more = true, any = false;
    while (more) { /* an event is two frames */
        (void)zmq_msg_init(&frame);
        int len = zmq_msg_recv(&frame, events, ZMQ_DONTWAIT);
        any = any || len >= 0;
        more = len >= 0 && zmq_msg_more(&frame);
        (void)zmq_msg_close(&frame);
    }
    return any;
}

static void run(void *arg, uint32_t ready)
{
    struct link_watch *watch = arg;
    bool any = false;
    (void)ready;
    while (take_event(watch->events))
        any = true;
    if (any)
        watch->lost(watch->arg);
}

bool link_watch_open(struct link_watch *watch, struct svc_loop *loop, void *context, void *watched)
{
    char name[64];
    const int zero = 0;
    int fd = -1;
    size_t len = sizeof fd;
    (void)snprintf(name, sizeof name, "inproc://watch-%p", watched);
    watch->watched = watched;
    watch->events = zmq_socket(context, ZMQ_PAIR);
    if (watch->events == NULL ||
        zmq_setsockopt(watch->events, ZMQ_LINGER, &zero, sizeof zero) != 0 ||
        zmq_socket_monitor(watched, name, ZMQ_EVENT_DISCONNECTED) != 0 ||
        zmq_connect(watch->events, name) != 0 ||
        zmq_getsockopt(watch->events, ZMQ_FD, &fd, &len) != 0)
        return false;
    watch->source = (struct svc_source){
        .fd = fd, .events = EPOLLIN, .phase = SVC_PHASE_PEER, .run = run, .arg = watch};
    svc_source_add(loop, &watch->source);
    svc_source_again(&watch->source); /* no edge comes until it was once seen to be empty */
    return true;
}

void link_watch_close(struct link_watch *watch)
{
    if (watch->events == NULL)
        return;
    svc_source_remove(&watch->source); /* before libzmq closes the descriptor */
    (void)zmq_socket_monitor(watch->watched, NULL, 0);
    (void)zmq_close(watch->events);
    watch->events = NULL;
}
