/* Filling struct svc_error. It decides nothing and logs nothing. */
#include "svc/error.h"

#include <assert.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum svc_rc svc_fail(struct svc_error *err, enum svc_rc rc, const char *code, const char *fmt, ...)
{
    if (!err)
        return rc;
    struct svc_error filled = {.rc = rc}; /* the arguments may point into *err */
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(filled.text, sizeof filled.text, fmt, args);
    va_end(args);
    (void)snprintf(filled.code, sizeof filled.code, "%s", code);
    *err = filled;
    return rc;
}

enum svc_rc svc_fail_prefix(struct svc_error *err, const char *prefix)
{
    assert(err);
    char text[sizeof err->text];
    size_t prefix_len = strnlen(prefix, sizeof text - 3);
    size_t text_len = strnlen(err->text, sizeof text - prefix_len - 3);
    memcpy(text, prefix, prefix_len);
    memcpy(text + prefix_len, ": ", 2);
    memcpy(text + prefix_len + 2, err->text, text_len);
    text[prefix_len + 2 + text_len] = '\0';
    memcpy(err->text, text, prefix_len + 2 + text_len + 1);
    return err->rc;
}
