/* Requests that wait: for a look-up, for Kafka, or both in turn. Two sides hold one, and it is
 * given back when both are done with it: the client, until it is answered (at the latest at its
 * deadline), and the edge that owes a report (lookup or publish), which may come long after the
 * 503. */
#pragma once

#include "alert.h"
#include "deadlines.h"
#include "lookup.h"

#include "svc/http.h"
#include "svc/text.h"

struct request {
    void *owner;                     /* the HTTP edge */
    struct svc_http_request *client; /* NULL: answered */
    struct deadline deadline;
    struct lookup_waiter waiter;
    int64_t arrived_mono_us;
    unsigned status; /* what to answer when it is durable */
    struct refusal refusal;
    char signal_id[SVC_UUID_TEXT];
    struct request *next_free;
};

struct requests { /* a pool: touched only as far as it was ever used */
    struct request *all, *free;
    uint32_t max, used;
};

bool requests_init(struct requests *requests, uint32_t max);
void requests_done(struct requests *requests);
struct request *requests_take(struct requests *requests); /* NULL: all are waiting */
void requests_give_back(struct requests *requests, struct request *request);
