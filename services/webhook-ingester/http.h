/* The webhooks: POST /webhook/tradingview/{secret} and POST /webhook/tradingview. One alert's way
 * through this file is authorise → verify → publish → answer; design.md section 3 has the table of
 * answers. */
#pragma once

#include "config.h"
#include "counters.h"
#include "lookup.h"
#include "publish.h"
#include "strategies.h"

struct http;

struct http_parts { /* borrowed */
    struct svc_loop *loop;
    const struct config *config;
    const struct strategies *strategies;
    struct lookup *lookup;
    struct publish *publish;
    struct counters *counters;
};

enum svc_rc http_open(const struct http_parts *parts, struct http **ret_http,
                      struct svc_error *err) SVC_CHECK;
void http_close(struct http **http);

/* The strategies were loaded: from now on a secret can be judged. */
void http_loaded(struct http *http);
/* Take no new connections; what is open is answered. */
void http_quiesce(struct http *http);
/* Nobody waits for an answer. */
bool http_idle(const struct http *http);
uint64_t http_waiting(const struct http *http);
struct svc_http_counts http_counts(const struct http *http);
