/* A result as its message says it → the row that apply_results() judges. Core.
 *
 * A fact is never lost over its form: a price that no column can hold is left out of the columns
 * and kept in the output, an output that is no JSON object is kept as text. */
#pragma once

#include "contracts/messages.h"

#include "svc/arena.h"

#include <stdbool.h>

struct apply_row { /* texts borrowed from message and arena */
    const char *job_id, *agent_id;
    int64_t lease_epoch;
    const char *outcome;       /* done, failed, void, unknown */
    const char *error;         /* "code: text"; NULL: done */
    const char *output;        /* JSON object; NULL: none */
    const char *fill_price;    /* decimal, weighted by volume over all fills; NULL: none */
    const char *filled_volume; /* decimal, lots; NULL: none */
    const char *order_id;      /* ticket of the first step that filled something, else of the first
                                  step (another order closed it); NULL: none */
    int64_t ready_unix_us;     /* 0: at once */
    const char *timeline;      /* JSON object of µs times */
    const void *raw;           /* the record, for a job not known yet */
    size_t raw_len;
    unsigned round; /* apply_rounds() */
};

/* raw: the record's bytes, borrowed. */
void apply_row(const Tradewire__V1__JobResult *result, const void *raw, size_t raw_len,
               struct svc_arena *arena, struct apply_row *ret);

/* One call of apply_results() takes a job once: number the rows so that those of one job are in
 * different rounds, in their order. Returns the number of rounds. */
unsigned apply_rounds(struct apply_row *rows, size_t count);

/* Price of all fills together, weighted by volume, in canonical form: exact for one fill, else at
 * most 10 decimals, rounded half up. False: no fill has a volume, or a number is beyond 18 digits.
 */
bool apply_fill_price(Tradewire__V1__Fill *const *fills, size_t count, struct svc_arena *arena,
                      const char **ret_price, const char **ret_volume);

/* jobs.output_data of a result. price, volume: of all fills, may be NULL. */
const char *apply_output(const Tradewire__V1__JobResult *result, const char *price,
                         const char *volume, struct svc_arena *arena);
