/* The metrics of this program; /metrics on the admin interface. */
#pragma once

#include "contracts/codes.h"

#include "svc/http.h"
#include "svc/metrics.h"

/* Why a request got another answer than 202. Refused alerts count under their own code. */
#define REJECT_REASONS(X)                                                                          \
    X(UNKNOWN_SECRET, "unknown_secret")                                                            \
    X(RATE_LIMITED, "rate_limited")                                                                \
    X(NOT_DURABLE, "not_durable")                                                                  \
    X(QUEUE_FULL, "queue_full")                                                                    \
    X(NOT_LOADED, "strategies_not_loaded")                                                         \
    X(CANNOT_ASK, "secret_not_looked_up")                                                          \
    X(NOT_FOUND, "not_found")                                                                      \
    X(METHOD, "method_not_allowed")                                                                \
    X(GUARD, "bad_request")                                                                        \
    X(HEADER_DEADLINE, "header_deadline")                                                          \
    X(BODY_DEADLINE, "body_deadline")                                                              \
    X(BODY_DROPPED, "body_over_drop_max")                                                          \
    X(BAD_JSON, "bad_json")                                                                        \
    X(BAD_ENCODING, "bad_encoding")                                                                \
    X(ARRAY_NOT_SUPPORTED, "array_not_supported")                                                  \
    X(BAD_NUMBER, "bad_number")                                                                    \
    X(BAD_ACTION, "bad_action")                                                                    \
    X(MISSING_SYMBOL, "missing_symbol")                                                            \
    X(UNRESOLVED_PLACEHOLDER, "unresolved_placeholder")                                            \
    X(BODY_TOO_LARGE, "body_too_large")

enum reject {
#define REJECT_ENUM(constant, text) REJECT_##constant,
    REJECT_REASONS(REJECT_ENUM)
#undef REJECT_ENUM
        REJECT_COUNT
};

struct counters;

struct counters *counters_new(struct svc_metrics *metrics);
void counters_free(struct counters **counters);

/* An answer was given; code: the HTTP status. */
void counters_answer(struct counters *counters, unsigned code);
void counters_reject(struct counters *counters, enum reject reason);
void counters_refusal(struct counters *counters, enum code code);
/* From the arrival of a request to its durable answer. */
void counters_durable(struct counters *counters, int64_t us);
/* A delivery report that came after its request was answered 503. */
void counters_late(struct counters *counters, bool durable);
/* Figures that are read when /metrics is. */
struct counters_now {
    uint64_t in_flight, strategies;
    bool postgres_reachable;
    struct svc_http_counts http;
};
void counters_set(struct counters *counters, const struct counters_now *now);
