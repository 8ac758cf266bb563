/* Private to lib/svc: deadlines of connections. One queue per kind: all deadlines of a kind are
 * equally long, so a queue is sorted by being appended to, and setting or clearing one is a few
 * pointers. */
#pragma once

#include "svc/loop.h"

enum http_deadline_kind {
    HTTP_DEADLINE_HEADER, /* the headers must be in */
    HTTP_DEADLINE_BODY,   /* the body must be in */
    HTTP_DEADLINE_IDLE,   /* the reply must be sent, and the next request begun */
    HTTP_DEADLINE_GRACE,  /* a connection given up may stay this long to read why */
    HTTP_DEADLINE_KINDS,  /* also: no deadline */
};

struct http_deadline { /* embedded in the connection */
    struct http_deadline *previous, *next;
    int64_t due_mono_us;
    enum http_deadline_kind kind; /* HTTP_DEADLINE_KINDS: not set */
};

struct http_deadlines {
    struct svc_loop *loop;
    struct svc_timer timer; /* never later than the soonest deadline, sometimes sooner */
    struct {
        uint32_t ms;
        struct http_deadline *first, *last;
    } queues[HTTP_DEADLINE_KINDS];
    /* The deadline is cleared before the call. */
    void (*passed)(void *arg, struct http_deadline *deadline, enum http_deadline_kind kind);
    void *arg;
};

/* Fill loop, queues[].ms, passed and arg first. */
void http_deadline_set(struct http_deadlines *all, struct http_deadline *deadline,
                       enum http_deadline_kind kind, int64_t now_mono_us);
void http_deadline_clear(struct http_deadlines *all, struct http_deadline *deadline);
void http_deadlines_done(struct http_deadlines *all); /* after every deadline was cleared */
