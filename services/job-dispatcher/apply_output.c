/* jobs.output_data: what the fills say, and what the agent added. */
#include "apply.h"
#include "contracts/decimal.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>

/* What Postgres would refuse as jsonb is found here: an unreadable output must not cost the fact
 * that it came with. jansson refuses NUL characters, lone surrogates and numbers beyond a double;
 * so does jsonb, or accepts more. */
static bool is_json_object(const void *bytes, size_t len)
{
    json_t *value = json_loadb(bytes, len, JSON_DECODE_INT_AS_REAL, NULL);
    const bool good = json_is_object(value);
    json_decref(value);
    return good;
}

static void add_name(struct svc_buffer *json, const char *name)
{
    const bool is_first = json->len > 0 && json->bytes[json->len - 1] == '{';
    svc_buffer_printf(json, "%s\"%s\":", is_first ? "" : ",", name);
}

static void add_text(struct svc_buffer *json, const char *name, const char *text, size_t len)
{
    add_name(json, name);
    svc_buffer_json(json, text, len);
}

static void add_decimal(struct svc_buffer *json, const char *name, const char *decimal)
{
    char normal[DECIMAL_NORMAL_TEXT];
    if (decimal != NULL && decimal_normal(decimal, normal))
        add_text(json, name, normal, strlen(normal));
}

/* As text: a ticket may be larger than what JSON readers keep exactly. 0: not known. */
static void add_ticket(struct svc_buffer *json, const char *name, uint64_t ticket)
{
    if (ticket != 0) {
        add_name(json, name);
        svc_buffer_printf(json, "\"%" PRIu64 "\"", ticket);
    }
}

static void add_count(struct svc_buffer *json, const char *name, uint32_t count)
{
    if (count != 0) {
        add_name(json, name);
        svc_buffer_printf(json, "%" PRIu32, count);
    }
}

static void add_fill(struct svc_buffer *json, const Tradewire__V1__Fill *fill)
{
    add_count(json, "retcode", fill->retcode);
    if (fill->has_symbol)
        add_text(json, "symbol", (const char *)fill->symbol.data, fill->symbol.len);
    if (fill->side != NULL)
        add_text(json, "side", fill->side, strlen(fill->side));
    add_ticket(json, "ticket", fill->order);
    add_ticket(json, "order_id", fill->order);
    add_ticket(json, "deal_id", fill->deal);
    add_ticket(json, "position_id", fill->position);
    add_decimal(json, "requested_volume", fill->requested_volume);
    add_decimal(json, "bid", fill->bid);
    add_decimal(json, "ask", fill->ask);
    add_decimal(json, "profit", fill->profit);
}

static void add_steps(struct svc_buffer *json, const Tradewire__V1__JobResult *result)
{
    add_name(json, "steps");
    svc_buffer_text(json, "[");
    for (size_t i = 0; i < result->n_fills; i++) {
        const Tradewire__V1__Fill *fill = result->fills[i];
        svc_buffer_printf(json, "%s{\"step\":%" PRIu32, i > 0 ? "," : "", fill->step);
        add_fill(json, fill);
        add_decimal(json, "price", fill->price);
        add_decimal(json, "volume", fill->volume);
        svc_buffer_text(json, "}");
    }
    svc_buffer_text(json, "]");
}

static void add_fills(struct svc_buffer *json, const Tradewire__V1__JobResult *result,
                      const char *price, const char *volume)
{
    if (result->n_fills == 0)
        return;
    add_fill(json, result->fills[0]);
    add_decimal(json, "fill_price", price);
    add_decimal(json, "filled_volume", volume);
    add_steps(json, result);
}

/* An error's text is the job's error_message; of what is done it says what the fills do not. */
static void add_message(struct svc_buffer *json, const Tradewire__V1__JobResult *result)
{
    if (result->outcome == TRADEWIRE__V1__OUTCOME__OUTCOME_DONE && result->has_text &&
        result->text.len > 0)
        add_text(json, "message", (const char *)result->text.data, result->text.len);
}

const char *apply_output(const Tradewire__V1__JobResult *result, const char *price,
                         const char *volume, struct svc_arena *arena)
{
    const bool has_output = result->has_output && result->output.len > 0;
    const bool is_object = has_output && is_json_object(result->output.data, result->output.len);
    if (result->n_fills == 0 && is_object)
        return svc_arena_copy(arena, result->output.data, result->output.len);
    if (result->n_fills == 0 && !has_output)
        return NULL;
    struct svc_buffer json = {.bytes = NULL};
    svc_buffer_text(&json, "{");
    add_fills(&json, result, price, volume);
    add_message(&json, result);
    if (is_object) {
        add_name(&json, "output");
        svc_buffer_add(&json, result->output.data, result->output.len);
    } else if (has_output) {
        add_text(&json, "output_text", (const char *)result->output.data, result->output.len);
    }
    svc_buffer_text(&json, "}");
    const char *text = svc_arena_copy(arena, json.bytes, json.len);
    svc_buffer_done(&json);
    return text;
}
