/* Addresses to listen on. libmicrohttpd gets a socket that is bound already, so that a failure has
 * its reason in the message. */
#include "http_listen.h"

#include "svc/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum svc_rc refuse(const char *listen, const char *why, struct svc_error *err)
{
    return svc_fail(err, SVC_FATAL, "listen_failed", "%s: %s", listen, why);
}

/* The same port on all IPv4 addresses. */
static socklen_t any_ipv4(struct sockaddr_storage *address)
{
    const struct sockaddr_in6 *ipv6 = (const void *)address;
    const struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = ipv6->sin6_port};
    memcpy(address, &ipv4, sizeof ipv4);
    return sizeof ipv4;
}

static socklen_t parse_host(const char *host, uint16_t port, struct sockaddr_storage *address)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    size_t len = strlen(host);
    char inner[64] = "::"; /* no host: the IPv6 wildcard, which takes IPv4, too */
    if (inet_pton(AF_INET, host, &ipv4.sin_addr) == 1) {
        memcpy(address, &ipv4, sizeof ipv4);
        return sizeof ipv4;
    }
    if (len > 2 && host[0] == '[' && host[len - 1] == ']')
        (void)snprintf(inner, sizeof inner, "%.*s", (int)len - 2, host + 1);
    else if (len > 0)
        return 0;
    if (inet_pton(AF_INET6, inner, &ipv6.sin6_addr) != 1)
        return 0;
    memcpy(address, &ipv6, sizeof ipv6);
    return sizeof ipv6;
}

enum svc_rc http_parse_listen(const char *listen, struct sockaddr_storage *ret_address,
                              socklen_t *ret_len, struct svc_error *err)
{
    const char *colon = strrchr(listen, ':');
    char host[64];
    uint64_t port;
    if (!colon || svc_parse_u64(colon + 1, 0, UINT16_MAX, &port) != 0 ||
        colon - listen >= (ptrdiff_t)sizeof host)
        return refuse(listen, "must be address:port", err);
    memcpy(host, listen, (size_t)(colon - listen));
    host[colon - listen] = '\0';
    struct sockaddr_storage address = {0};
    socklen_t len = parse_host(host, (uint16_t)port, &address);
    if (!len)
        return refuse(listen, "must be 1.2.3.4:port, [ipv6]:port or :port", err);
    *ret_address = address;
    *ret_len = len;
    return SVC_OK;
}

static int bind_and_listen(const struct sockaddr_storage *address, socklen_t len)
{
    const int on = 1, off = 0;
    int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (address->ss_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        bind(fd, (const struct sockaddr *)address, len) == 0 && listen(fd, SOMAXCONN) == 0)
        return fd;
    int failed = errno;
    (void)close(fd);
    errno = failed;
    return -1;
}

enum svc_rc http_listen(const char *listen, int *ret_fd, struct svc_error *err)
{
    struct sockaddr_storage address = {0};
    socklen_t len = 0;
    if (http_parse_listen(listen, &address, &len, err) != SVC_OK)
        return SVC_FATAL;
    int fd = bind_and_listen(&address, len);
    /* ":port" on a machine without IPv6. */
    if (fd < 0 && listen[0] == ':' && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
        len = any_ipv4(&address);
        fd = bind_and_listen(&address, len);
    }
    if (fd < 0)
        return refuse(listen, strerrordesc_np(errno), err);
    *ret_fd = fd;
    return SVC_OK;
}

void http_address_text(const struct sockaddr *address, char ret[HTTP_ADDRESS_TEXT])
{
    ret[0] = '\0';
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *ipv4 = (const void *)address;
        (void)inet_ntop(AF_INET, &ipv4->sin_addr, ret, HTTP_ADDRESS_TEXT);
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *ipv6 =
            &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(ipv6))
            (void)inet_ntop(AF_INET, &ipv6->s6_addr[12], ret, HTTP_ADDRESS_TEXT);
        else
            (void)inet_ntop(AF_INET6, ipv6, ret, HTTP_ADDRESS_TEXT);
    }
}
