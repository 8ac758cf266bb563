/* HTTP/1.1 keep-alive connections over epoll, one request at a time on each. */
#pragma once

#include "response.h"

#include "svc/error.h"

#include <stdint.h>

struct client;

/* What became of a request. status 0: no answer (refused, lost, or silent for CLIENT_ANSWER_MS). */
typedef void client_done_fn(void *arg, uint64_t tag, const struct response *response);

enum { CLIENT_ANSWER_MS = 3000, CLIENT_REQUEST_MAX = 1024 };

enum svc_rc client_open(const char *host, const char *port, uint32_t connections_max,
                        client_done_fn *done, void *arg, struct client **ret_client,
                        struct svc_error *err) SVC_CHECK;
void client_close(struct client **client);

/* False: all connections are busy. bytes: the whole request, copied, at most CLIENT_REQUEST_MAX.
 * done may be called before return. */
bool client_send(struct client *client, const char *bytes, size_t len, uint64_t tag);
/* Wait until something happens, or until_mono_us; then handle it. */
void client_wait(struct client *client, int64_t until_mono_us);
/* How many requests are without an answer. */
uint32_t client_busy(const struct client *client);
