/* What a call writes to a standard descriptor, as text. */
#pragma once

#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct capture {
    int target, saved;
    FILE *file;
    char text[16384];
};

static inline void capture_begin(struct capture *capture, int target)
{
    (void)fflush(NULL);
    capture->target = target;
    capture->saved = dup(target);
    capture->file = tmpfile();
    assert_non_null(capture->file);
    assert_int_equal(dup2(fileno(capture->file), target), target);
}

static inline const char *capture_end(struct capture *capture)
{
    (void)fflush(NULL);
    assert_int_equal(dup2(capture->saved, capture->target), capture->target);
    (void)close(capture->saved);
    rewind(capture->file);
    size_t len = fread(capture->text, 1, sizeof capture->text - 1, capture->file);
    capture->text[len] = '\0';
    (void)fclose(capture->file);
    return capture->text;
}
