#include "http_client.h"

#include "cmocka_all.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

uint16_t http_free_port(void)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t len = sizeof address;
    assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

int http_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = loopback(port);
    const struct timeval wait = {.tv_sec = 5};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

void http_send(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t sent = send(fd, at, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        at += sent;
        len -= (size_t)sent;
    }
}

/* Read byte by byte up to the empty line; false when the stream ends first. */
static bool read_head(int fd, struct http_answer *answer)
{
    size_t len = 0;
    while (len < sizeof answer->head - 1) {
        if (recv(fd, answer->head + len, 1, 0) != 1)
            return false;
        answer->head[++len] = '\0';
        if (len >= 4 && memcmp(answer->head + len - 4, "\r\n\r\n", 4) == 0)
            return true;
    }
    return false;
}

struct http_answer http_read(int fd, bool no_body)
{
    struct http_answer answer = {0};
    if (!read_head(fd, &answer))
        return (struct http_answer){0};
    const char *length = strstr(answer.head, "Content-Length: ");
    size_t wanted = length && !no_body ? strtoul(length + 16, NULL, 10) : 0, len = 0;
    assert_true(wanted < sizeof answer.body);
    while (len < wanted) {
        ssize_t got = recv(fd, answer.body + len, wanted - len, 0);
        if (got <= 0)
            return (struct http_answer){0};
        len += (size_t)got;
    }
    answer.status = (unsigned)strtoul(answer.head + strlen("HTTP/1.1 "), NULL, 10);
    return answer;
}

bool http_closed(int fd)
{
    char byte;
    ssize_t got = recv(fd, &byte, 1, 0);
    return got == 0 || (got < 0 && errno == ECONNRESET);
}

struct http_answer http_ask(uint16_t port, const char *request)
{
    int fd = http_connect(port);
    http_send(fd, request, strlen(request));
    struct http_answer answer = http_read(fd, strncmp(request, "HEAD", 4) == 0);
    close(fd);
    return answer;
}
