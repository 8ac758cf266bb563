/* A transaction over many records that the database refuses is tried again over half of them, until
 * the bad record is alone: the others pass. Core. */
#pragma once

#include "svc/error.h"

#include <stdbool.h>
#include <stddef.h>

struct halving {
    size_t at, count; /* records[0..at) are settled */
    size_t bad_end;   /* records[at..bad_end) were refused together; <= at: nothing is suspected */
};

void halving_begin(struct halving *halving, size_t count);
/* The next records to try: [at, *ret_end). False: all are settled. */
bool halving_next(const struct halving *halving, size_t *ret_end);
/* [at, end) passed, or was put aside. */
void halving_passed(struct halving *halving, size_t end);

enum halving_step {
    HALVING_SMALLER, /* try fewer */
    HALVING_AGAIN,   /* alone, but what was read may have changed meanwhile: read and try again */
    HALVING_BURY,    /* alone and refused for good: to the dead letters */
};
enum { HALVING_TRIES_MAX = 3 };

/* [at, end) was refused; tries: how often it was so before, alone. */
enum halving_step halving_refused(struct halving *halving, size_t end, unsigned tries,
                                  const struct svc_error *err);

/* Which of our codes names this refusal (for the dead letter's header): that of a function that
 * raised "code: text", user_deleted, else unprocessable. */
const char *refusal_code(const struct svc_error *err);
