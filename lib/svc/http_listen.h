/* Private to lib/svc: listening sockets and peers' addresses. */
#pragma once

#include "svc/error.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum { HTTP_ADDRESS_TEXT = INET6_ADDRSTRLEN };

/* "127.0.0.1:8080", "[::1]:80", ":9101" (all addresses, IPv6 and IPv4). Names are not looked up: a
 * listener must not depend on DNS. */
enum svc_rc http_parse_listen(const char *listen, struct sockaddr_storage *ret_address,
                              socklen_t *ret_len, struct svc_error *err) SVC_CHECK;
/* A listening, non-blocking socket; owned by the caller. Faults have the code listen_failed. */
enum svc_rc http_listen(const char *listen, int *ret_fd, struct svc_error *err) SVC_CHECK;
/* The address without its port; an IPv4 peer of an IPv6 socket as IPv4. */
void http_address_text(const struct sockaddr *address, char ret[HTTP_ADDRESS_TEXT]);
