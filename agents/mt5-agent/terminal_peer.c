#include "terminal_peer.h"

#include "wire/jsonline.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { INPUT_MAX = 4 * JSONLINE_BYTES_MAX };

bool terminal_peer_read(struct terminal_peer *peer)
{
    char chunk[16 * 1024];
    while (peer->in.len < INPUT_MAX) { /* level-triggered: what is left comes in the next turn */
        ssize_t got = recv(peer->source.fd, chunk, sizeof chunk, 0);
        if (got > 0)
            svc_buffer_add(&peer->in, chunk, (size_t)got);
        else if (got < 0 && errno == EINTR)
            continue;
        else
            return got < 0 && errno == EAGAIN;
    }
    return true;
}

bool terminal_peer_write(struct terminal_peer *peer)
{
    size_t done = 0;
    bool open = true;
    while (done < peer->out.len) {
        ssize_t sent =
            send(peer->source.fd, peer->out.bytes + done, peer->out.len - done, MSG_NOSIGNAL);
        if (sent > 0)
            done += (size_t)sent;
        else if (sent < 0 && errno == EINTR)
            continue;
        else {
            open = sent < 0 && errno == EAGAIN;
            break;
        }
    }
    if (done > 0) {
        peer->out.len -= done;
        memmove(peer->out.bytes, peer->out.bytes + done, peer->out.len);
    }
    svc_source_events(&peer->source, peer->out.len > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return open;
}

const char *terminal_peer_line(const struct terminal_peer *peer, size_t *ret_len,
                               bool *ret_too_long)
{
    *ret_too_long = false;
    if (peer->in.len == 0)
        return NULL;
    const char *end = memchr(peer->in.bytes, '\n', peer->in.len);
    size_t len = end == NULL ? peer->in.len : (size_t)(end - peer->in.bytes);
    *ret_too_long = len > JSONLINE_BYTES_MAX;
    if (end == NULL || *ret_too_long)
        return NULL;
    *ret_len = len;
    return peer->in.bytes;
}

void terminal_peer_skip(struct terminal_peer *peer, size_t line_len)
{
    peer->in.len -= line_len + 1;
    memmove(peer->in.bytes, peer->in.bytes + line_len + 1, peer->in.len);
}

void terminal_peer_close(struct terminal_peer *peer)
{
    if (peer->source.fd < 0)
        return;
    svc_source_remove(&peer->source);
    (void)close(peer->source.fd);
    peer->source.fd = -1;
    svc_buffer_done(&peer->in);
    svc_buffer_done(&peer->out);
}
