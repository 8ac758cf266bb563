#include "response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a header, trimmed in front; NULL when it is not there. Ends at the line's end. */
static const char *header(const char *head, const char *end, const char *name)
{
    const size_t len = strlen(name);
    for (const char *line = head; line < end;) {
        const char *next = memmem(line, (size_t)(end - line), "\r\n", 2);
        next = next != NULL ? next + 2 : end;
        if ((size_t)(next - line) > len && strncasecmp(line, name, len) == 0 && line[len] == ':') {
            const char *value = line + len + 1;
            while (value < next && *value == ' ')
                value++;
            return value;
        }
        line = next;
    }
    return NULL;
}

static void find_signal_id(const char *body, size_t len, struct response *ret)
{
    static const char name[] = "\"signal_id\": \"";
    const size_t name_len = sizeof name - 1, id_len = SVC_UUID_TEXT - 1;
    const char *found = memmem(body, len, name, name_len);
    ret->signal_id[0] = '\0';
    if (found == NULL || (size_t)(body + len - found) < name_len + id_len)
        return;
    memcpy(ret->signal_id, found + name_len, id_len);
    ret->signal_id[id_len] = '\0';
    if (!svc_uuid_valid(ret->signal_id))
        ret->signal_id[0] = '\0';
}

enum response_state response_read(const char *bytes, size_t len, struct response *ret)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (end == NULL)
        return RESPONSE_INCOMPLETE;
    if (len < 12 || strncmp(bytes, "HTTP/1.1 ", 9) != 0)
        return RESPONSE_BAD;
    const char *length = header(bytes, end + 2, "Content-Length");
    if (length == NULL || *length < '0' || *length > '9')
        return RESPONSE_BAD;
    const size_t body_len = strtoul(length, NULL, 10); /* ends at the line's end */
    const char *body = end + 4;
    if ((size_t)(bytes + len - body) < body_len)
        return RESPONSE_INCOMPLETE;
    const char *connection = header(bytes, end + 2, "Connection");
    ret->status = (unsigned)strtoul(bytes + 9, NULL, 10);
    ret->close = connection != NULL && strncasecmp(connection, "close", 5) == 0;
    find_signal_id(body, body_len, ret);
    return RESPONSE_COMPLETE;
}
