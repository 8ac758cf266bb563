/* A blocking HTTP client that sends bytes as they are: what a polite client would never send is the
 * point. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_answer {
    unsigned status; /* 0: the connection ended before a whole answer came */
    char head[2048], body[8192];
};

/* A port of 127.0.0.1 that nobody listens on now. */
uint16_t http_free_port(void);
int http_connect(uint16_t port);
void http_send(int fd, const void *bytes, size_t len); /* a peer that is gone is no failure */
/* The next answer (100 Continue is one). Waits at most 5 s. no_body: to HEAD. */
struct http_answer http_read(int fd, bool no_body);
/* True when the peer closes within 5 s and sends nothing more. */
bool http_closed(int fd);
/* One request on a connection of its own. */
struct http_answer http_ask(uint16_t port, const char *request);
