/* Printing. */
#include "output.h"

#include "svc/cleanup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *value_text(const json_t *value)
{
    if (json_is_string(value))
        return strdup(json_string_value(value));
    if (value == NULL || json_is_null(value))
        return strdup("-");
    return json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
}

static void print_object(json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        SVC_FREE char *text = value_text(value);
        printf("%-22s %s\n", key, text != NULL ? text : "");
    }
}

static size_t column_width(const json_t *rows, const char *key)
{
    size_t width = strlen(key), index;
    json_t *row;
    json_array_foreach(rows, index, row)
    {
        SVC_FREE char *text = value_text(json_object_get(row, key));
        if (text != NULL && strlen(text) > width)
            width = strlen(text);
    }
    return width;
}

static void print_column(const char *text, size_t width)
{
    printf("%-*s  ", (int)width, text != NULL ? text : "");
}

static void print_rows(json_t *rows)
{
    json_t *first = json_array_get(rows, 0), *value, *row;
    const char *key;
    size_t index;
    if (first == NULL) {
        puts("none");
        return;
    }
    json_object_foreach(first, key, value) print_column(key, column_width(rows, key));
    puts("");
    json_array_foreach(rows, index, row)
    {
        json_object_foreach(first, key, value)
        {
            SVC_FREE char *text = value_text(json_object_get(row, key));
            print_column(text, column_width(rows, key));
        }
        puts("");
    }
}

enum svc_exit output_print(json_t *document, bool json)
{
    if (document == NULL) {
        struct svc_error err = {.rc = SVC_OK};
        (void)output_fail(&err, SVC_FATAL, CODE_INTERNAL_ERROR, "the answer is no JSON document");
        return output_error(&err);
    }
    if (json) {
        (void)json_dumpf(document, stdout, JSON_INDENT(2));
        puts("");
    } else if (json_is_array(document)) {
        print_rows(document);
    } else {
        print_object(document);
    }
    json_decref(document);
    return fflush(stdout) == 0 ? SVC_EXIT_OK : SVC_EXIT_FAILED;
}

enum svc_rc output_fail(struct svc_error *err, enum svc_rc rc, enum code code, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return svc_fail(err, rc, code_name(code), "%s", text);
}

enum svc_exit output_error(const struct svc_error *err)
{
    fprintf(stderr, "%s: %s\n", err->code, err->text);
    if (strcmp(err->code, code_name(CODE_BAD_CONFIG)) == 0)
        return SVC_EXIT_CONFIG;
    return err->rc == SVC_AGAIN ? SVC_EXIT_UNAVAILABLE : SVC_EXIT_FAILED;
}
