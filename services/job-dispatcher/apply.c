/* Outcome, error, price, times, rounds. The output is in apply_output.c. */
#include "apply.h"

#include "contracts/codes.h"
#include "contracts/decimal.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { VOLUME_SCALE = 8 };

/* The columns are NUMERIC(18,5) and NUMERIC(10,2); the exact text is in the output. */
#define PRICE_COLUMN_MAX "9999999999999"
#define VOLUME_COLUMN_MAX "99999999.99"

/* Numbers */

static bool cut_scaled(const char *text, unsigned scale, int64_t *ret)
{
    char normal[DECIMAL_NORMAL_TEXT];
    if (!decimal_normal(text, normal))
        return false;
    char *point = strchr(normal, '.');
    if (point != NULL && strlen(point + 1) > scale)
        point[scale + 1] = '\0';
    return decimal_scaled(normal, scale, ret);
}

static const char *normal_text(const char *decimal, struct svc_arena *arena)
{
    char normal[DECIMAL_NORMAL_TEXT];
    return decimal_normal(decimal, normal) ? svc_arena_text(arena, normal) : NULL;
}

static const char *printed(int64_t scaled, unsigned scale, struct svc_arena *arena)
{
    char text[DECIMAL_SCALED_TEXT];
    decimal_print(scaled, scale, text);
    return normal_text(text, arena);
}

static __int128 divided_half_up(__int128 dividend, __int128 divisor)
{
    const __int128 half = divisor / 2;
    return (dividend >= 0 ? dividend + half : dividend - half) / divisor;
}

/* The usual case keeps every digit. */
static const Tradewire__V1__Fill *only_fill(Tradewire__V1__Fill *const *fills, size_t count)
{
    const Tradewire__V1__Fill *only = NULL;
    for (size_t i = 0; i < count; i++) {
        if (decimal_compare(fills[i]->volume, "0") <= 0)
            continue;
        if (only != NULL)
            return NULL;
        only = fills[i];
    }
    return only;
}

static bool weighted_price(Tradewire__V1__Fill *const *fills, size_t count, unsigned scale,
                           int64_t *ret_price, int64_t *ret_volume)
{
    __int128 weighted = 0, volumes = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t price, volume;
        if (!cut_scaled(fills[i]->price, scale, &price) ||
            !cut_scaled(fills[i]->volume, VOLUME_SCALE, &volume) || volume < 0)
            return false;
        /* 64 fills of 18 digits times 18 digits stay below 2^127. */
        weighted += (__int128)price * volume;
        volumes += volume;
    }
    if (volumes == 0 || volumes > INT64_MAX)
        return false;
    *ret_price = (int64_t)divided_half_up(weighted, volumes);
    *ret_volume = (int64_t)volumes;
    return true;
}

bool apply_fill_price(Tradewire__V1__Fill *const *fills, size_t count, struct svc_arena *arena,
                      const char **ret_price, const char **ret_volume)
{
    /* 18 digits in all: a price of many whole digits gets fewer decimals. */
    static const unsigned scales[] = {10, 8, 5, 2, 0};
    const Tradewire__V1__Fill *only = only_fill(fills, count);
    if (only != NULL) {
        *ret_price = normal_text(only->price, arena);
        *ret_volume = normal_text(only->volume, arena);
        return true;
    }
    for (size_t i = 0; i < sizeof scales / sizeof scales[0]; i++) {
        int64_t price, volume;
        if (!weighted_price(fills, count, scales[i], &price, &volume))
            continue;
        *ret_price = printed(price, scales[i], arena);
        *ret_volume = printed(volume, VOLUME_SCALE, arena);
        return true;
    }
    return false;
}

static const char *within(const char *value, const char *max)
{
    if (value == NULL)
        return NULL;
    const char *magnitude = value[0] == '-' ? value + 1 : value;
    return decimal_compare(magnitude, max) > 0 ? NULL : value;
}

/* Fields */

static const char *outcome_name(Tradewire__V1__Outcome outcome)
{
    switch (outcome) {
    case TRADEWIRE__V1__OUTCOME__OUTCOME_DONE:
        return "done";
    case TRADEWIRE__V1__OUTCOME__OUTCOME_FAILED:
        return "failed";
    case TRADEWIRE__V1__OUTCOME__OUTCOME_VOID:
        return "void";
    default: /* the checks let nothing else through */
        return "unknown";
    }
}

static const char *code_meaning(const char *name)
{
    for (int i = 0; i < CODE_COUNT; i++)
        if (strcmp(code_name((enum code)i), name) == 0)
            return code_entry((enum code)i)->meaning;
    return code_entry(CODE_RETCODE)->meaning; /* the one code whose name varies */
}

static const char *error_text(const Tradewire__V1__JobResult *result, struct svc_arena *arena)
{
    if (result->outcome == TRADEWIRE__V1__OUTCOME__OUTCOME_DONE || result->code == NULL)
        return NULL;
    if (!result->has_text || result->text.len == 0)
        return svc_arena_printf(arena, "%s: %s", result->code, code_meaning(result->code));
    return svc_arena_printf(arena, "%s: %.*s", result->code, (int)result->text.len,
                            (const char *)result->text.data);
}

/* An order of the job's own before one that had closed its position for it. */
static bool is_before(const Tradewire__V1__Fill *fill, const Tradewire__V1__Fill *other)
{
    const bool is_own = decimal_compare(fill->volume, "0") > 0;
    const bool other_is_own = decimal_compare(other->volume, "0") > 0;
    return is_own != other_is_own ? is_own : fill->step < other->step;
}

static const char *first_order(const Tradewire__V1__JobResult *result, struct svc_arena *arena)
{
    const Tradewire__V1__Fill *first = NULL;
    for (size_t i = 0; i < result->n_fills; i++) {
        const Tradewire__V1__Fill *fill = result->fills[i];
        if (fill->order != 0 && (first == NULL || is_before(fill, first)))
            first = fill;
    }
    return first != NULL ? svc_arena_printf(arena, "%" PRIu64, first->order) : NULL;
}

static void add_time(struct svc_buffer *json, const char *name, int64_t unix_us)
{
    if (unix_us > 0)
        svc_buffer_printf(json, "%s\"%s\":%" PRId64, json->len > 1 ? "," : "", name, unix_us);
}

static const char *timeline(const Tradewire__V1__JobResult *result, struct svc_arena *arena)
{
    struct svc_buffer json = {.bytes = NULL};
    svc_buffer_text(&json, "{");
    add_time(&json, "sent", result->sent_unix_us);
    if (result->times != NULL) {
        add_time(&json, "at_agent", result->times->at_agent);
        add_time(&json, "order_sent", result->times->order_sent);
        add_time(&json, "filled", result->times->filled);
        add_time(&json, "reported", result->times->reported);
    }
    svc_buffer_text(&json, "}");
    const char *text = svc_arena_copy(arena, json.bytes, json.len);
    svc_buffer_done(&json);
    return text;
}

void apply_row(const Tradewire__V1__JobResult *result, const void *raw, size_t raw_len,
               struct svc_arena *arena, struct apply_row *ret)
{
    const char *price = NULL, *volume = NULL;
    const bool is_done = result->outcome == TRADEWIRE__V1__OUTCOME__OUTCOME_DONE;
    if (is_done)
        (void)apply_fill_price(result->fills, result->n_fills, arena, &price, &volume);
    *ret = (struct apply_row){
        .job_id = result->job_id,
        .agent_id = result->agent_id,
        /* Epochs are BIGINT; a larger one was never given out, and no epoch is -1. */
        .lease_epoch =
            result->lease_epoch <= INT64_MAX ? (int64_t)result->lease_epoch : INT64_C(-1),
        .outcome = outcome_name(result->outcome),
        .error = error_text(result, arena),
        .output = apply_output(result, price, volume, arena),
        .fill_price = within(price, PRICE_COLUMN_MAX),
        .filled_volume = within(volume, VOLUME_COLUMN_MAX),
        .order_id = is_done ? first_order(result, arena) : NULL,
        .ready_unix_us = result->ready_unix_us,
        .timeline = timeline(result, arena),
        .raw = raw,
        .raw_len = raw_len,
    };
}

unsigned apply_rounds(struct apply_row *rows, size_t count)
{
    unsigned rounds = 0;
    for (size_t i = 0; i < count; i++) {
        rows[i].round = 0;
        for (size_t j = i; j-- > 0;) {
            if (strcasecmp(rows[i].job_id, rows[j].job_id) == 0) {
                rows[i].round = rows[j].round + 1;
                break;
            }
        }
        if (rows[i].round + 1 > rounds)
            rounds = rows[i].round + 1;
    }
    return rounds;
}
