/* The guard in front of every request. It never repairs: what two readers could read in two ways is
 * refused, and the connection with it. */
#include "http_guard.h"

#include "svc/text.h"

#include <string.h>
#include <strings.h>

static void fault(struct http_guard *guard, const char *text)
{
    if (!guard->fault)
        guard->fault = text;
}

/* RFC 9110 section 5.6.2, tchar. */
static bool token_char(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

static bool token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!token_char((unsigned char)text[i]))
            return false;
    return len > 0;
}

/* RFC 9110 section 5.5: a value holds no control byte but HTAB; CR, LF and NUL are dangerous. */
static bool clean_value(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

void http_guard_target(struct http_guard *guard, const char *target)
{
    for (const char *at = target; *at; at++)
        if ((unsigned char)*at <= 0x20 || (unsigned char)*at == 0x7f)
            fault(guard, "space or control byte in the request target");
}

static void check_length(struct http_guard *guard, const char *value, size_t len)
{
    if (guard->lengths++)
        fault(guard, "more than one Content-Length");
    char digits[24] = "";
    if (len < sizeof digits)
        memcpy(digits, value, len);
    if (svc_parse_u64(digits, 0, INT64_MAX, &guard->content_length) != 0)
        fault(guard, "Content-Length is not a number");
}

static void check_coding(struct http_guard *guard, const char *value, size_t len)
{
    if (guard->codings++)
        fault(guard, "more than one Transfer-Encoding");
    if (len != strlen("chunked") || strncasecmp(value, "chunked", len) != 0)
        fault(guard, "Transfer-Encoding is not chunked");
}

static bool named(const char *wanted, const char *name, size_t len)
{
    return len == strlen(wanted) && strncasecmp(wanted, name, len) == 0;
}

void http_guard_header(struct http_guard *guard, const char *name, size_t name_len,
                       const char *value, size_t value_len)
{
    if (!token(name, name_len))
        fault(guard, "bad header name");
    if (!clean_value(value, value_len))
        fault(guard, "control byte in a header");
    if (named("Host", name, name_len) && guard->hosts++)
        fault(guard, "more than one Host");
    else if (named("Content-Length", name, name_len))
        check_length(guard, value, value_len);
    else if (named("Transfer-Encoding", name, name_len))
        check_coding(guard, value, value_len);
}

const char *http_guard_verdict(struct http_guard *guard, const char *method, const char *version)
{
    bool old = strcmp(version, "HTTP/1.0") == 0;
    if (!old && strcmp(version, "HTTP/1.1") != 0)
        fault(guard, "HTTP version is neither 1.0 nor 1.1");
    if (!token(method, strlen(method)))
        fault(guard, "bad method");
    if (guard->lengths && guard->codings)
        fault(guard, "Content-Length and Transfer-Encoding together");
    if (old && guard->codings) /* RFC 9112 section 6.1: framing is faulty */
        fault(guard, "Transfer-Encoding in HTTP/1.0");
    if (!old && !guard->hosts)
        fault(guard, "no Host");
    return guard->fault;
}
