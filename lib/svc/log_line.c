/* One event as logfmt or JSON. Both escape alike (RFC 8259 section 7), so a logfmt value in quotes
 * can be read back by a JSON parser. */
#include "log_line.h"

#include "utf8.h"

#include <stdio.h>
#include <string.h>

enum { END_BYTES = 2 }; /* kept free for "}\n" */

/* Append unless it does not fit; false when it did not. */
static bool put(struct svc_log_line *line, const char *bytes, size_t len)
{
    if (len > sizeof line->bytes - END_BYTES - line->len)
        return false;
    memcpy(line->bytes + line->len, bytes, len);
    line->len += len;
    return true;
}

void svc_log_line_begin(struct svc_log_line *line, enum svc_log_format format)
{
    line->format = format;
    line->len = 0;
    if (format == SVC_LOG_JSON)
        (void)put(line, "{", 1);
}

static bool put_key(struct svc_log_line *line, const char *key)
{
    bool first = line->len == (line->format == SVC_LOG_JSON ? 1 : 0);
    size_t len = strlen(key);
    if (line->format == SVC_LOG_LOGFMT)
        return (first || put(line, " ", 1)) && put(line, key, len) && put(line, "=", 1);
    return (first || put(line, ",", 1)) && put(line, "\"", 1) && put(line, key, len) &&
           put(line, "\":", 2);
}

static bool put_escaped(struct svc_log_line *line, char c)
{
    switch (c) {
    case '"':
        return put(line, "\\\"", 2);
    case '\\':
        return put(line, "\\\\", 2);
    case '\n':
        return put(line, "\\n", 2);
    case '\r':
        return put(line, "\\r", 2);
    case '\t':
        return put(line, "\\t", 2);
    default: {
        char code[8];
        (void)snprintf(code, sizeof code, "\\u%04x", (unsigned char)c);
        return put(line, code, 6);
    }
    }
}

/* 0x7f is escaped, too: it is a control byte to a terminal, though not to JSON. */
static bool plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\' && c != 0x7f;
}

static bool put_content(struct svc_log_line *line, const char *text, size_t len)
{
    bool cut = len > SVC_LOG_VALUE_MAX, fits = true;
    size_t end = cut ? SVC_LOG_VALUE_MAX : len;
    for (size_t i = 0; i < end && fits;) {
        /* A character that crosses the cut is still read whole. */
        size_t step = svc_utf8_step((const uint8_t *)text + i, len - i);
        if (!step)
            fits = put(line, "\xef\xbf\xbd", 3); /* U+FFFD */
        else
            fits =
                step > 1 || plain(text[i]) ? put(line, text + i, step) : put_escaped(line, text[i]);
        i += step ? step : 1;
    }
    return fits && (!cut || put(line, "\xe2\x80\xa6", 3)); /* U+2026 */
}

/* A logfmt word needs no quotes when nothing in it could end it or start another field. */
static bool bare_word(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!plain(text[i]) || text[i] == ' ' || text[i] == '=' || (unsigned char)text[i] >= 0x80)
            return false;
    return len > 0 && len <= SVC_LOG_VALUE_MAX;
}

void svc_log_line_text(struct svc_log_line *line, const char *key, const char *text)
{
    size_t before = line->len, len = strlen(text);
    bool bare = line->format == SVC_LOG_LOGFMT && bare_word(text, len);
    bool fits = put_key(line, key) && (bare || put(line, "\"", 1)) &&
                put_content(line, text, len) && (bare || put(line, "\"", 1));
    if (!fits)
        line->len = before;
}

void svc_log_line_number(struct svc_log_line *line, const char *key, int64_t number)
{
    size_t before = line->len;
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)number);
    if (!put_key(line, key) || !put(line, digits, (size_t)len))
        line->len = before;
}

void svc_log_line_end(struct svc_log_line *line)
{
    if (line->format == SVC_LOG_JSON)
        line->bytes[line->len++] = '}';
    line->bytes[line->len++] = '\n';
}
