/* The decisions, one function each, in their order. The first that says no ends the signal as
 * `discarded` with its code. */
#include "plan.h"

#include "contracts/codes.h"
#include "contracts/decimal.h"
#include "contracts/identity.h"
#include "symbols.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define SECOND_US INT64_C(1000000)
/* A comment is token, blank and user text: at most 26 characters, of which the token has 13. */
enum { COMMENT_CHARACTERS = 12 };

struct planning {
    const Tradewire__V1__Signal *signal;
    const struct plan_facts *facts;
    const struct plan_strategy *strategy;
    int64_t now_unix_us;
    struct svc_arena *arena;
    struct plan *plan;
};

int64_t plan_received(const Tradewire__V1__Signal *signal, int64_t append_unix_us)
{
    const int64_t received = signal->received_unix_us;
    return append_unix_us > 0 && append_unix_us < received ? append_unix_us : received;
}

bool plan_takes_key(const Tradewire__V1__Signal *signal)
{
    return signal->refusal_code == NULL;
}

static bool is_entry(const Tradewire__V1__Signal *signal)
{
    return signal->action == TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_BUY ||
           signal->action == TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_SELL;
}

static const char *action_name(const Tradewire__V1__Signal *signal)
{
    switch (signal->action) {
    case TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_BUY:
        return "buy";
    case TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_SELL:
        return "sell";
    case TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_CLOSE:
        return "close";
    default:
        return NULL;
    }
}

/* Always false, so that a decision can end with it. */
static bool discard(struct planning *p, enum code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static bool discard(struct planning *p, enum code code, const char *fmt, ...)
{
    char text[192];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    p->plan->kind = PLAN_DISCARD;
    p->plan->error = svc_arena_printf(p->arena, "%s: %s", code_name(code), text);
    return false;
}

/* The row */

static const char *bytes_text(struct svc_arena *arena, const ProtobufCBinaryData *data,
                              protobuf_c_boolean present)
{
    /* The checks let a refused alert's symbol through unseen. */
    if (!present || data->len == 0 || data->len > MESSAGE_SYMBOL_BYTES_MAX ||
        !svc_utf8_valid(data->data, data->len))
        return NULL;
    return svc_arena_copy(arena, data->data, data->len);
}

/* What NUMERIC(10,2) can hold; the exact text stays with the job. */
static const char *shown_volume(struct svc_arena *arena, const char *volume)
{
    char normal[DECIMAL_NORMAL_TEXT];
    if (volume == NULL || !decimal_normal(volume, normal) ||
        decimal_compare(normal, PLAN_VOLUME_MAX) > 0 ||
        decimal_compare(normal, "-" PLAN_VOLUME_MAX) < 0)
        return NULL;
    return svc_arena_text(arena, normal);
}

static void describe_row(struct planning *p, int64_t append_unix_us)
{
    const Tradewire__V1__Signal *s = p->signal;
    *p->plan = (struct plan){
        .signal_id = s->signal_id,
        .user_id = s->user_id,
        .strategy_id = p->strategy != NULL ? p->strategy->id : NULL,
        .symbol = bytes_text(p->arena, &s->symbol, s->has_symbol),
        .action = action_name(s),
        .volume = shown_volume(p->arena, s->volume),
        .raw_payload = svc_arena_copy(p->arena, s->raw_payload.data, s->raw_payload.len),
        .received_unix_us = plan_received(s, append_unix_us),
        .durable_unix_us = append_unix_us,
    };
}

/* The decisions */

/* A stand-alone key or a time member gives every delivery of an alert the same id. A later delivery
 * shows by its time; the same record read once more has the row's own. */
static bool is_new_row(struct planning *p)
{
    if (!p->facts->is_row)
        return true;
    const bool again = p->signal->refusal_code == NULL &&
                       p->signal->dedup_kind != TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY &&
                       p->plan->received_unix_us > p->facts->row_received_unix_us;
    p->plan->kind = again ? PLAN_COUNT : PLAN_NOTHING;
    return false;
}

static bool is_accepted(struct planning *p)
{
    const char *code = p->signal->refusal_code, *text = p->signal->refusal_text;
    if (code == NULL)
        return true;
    p->plan->kind = PLAN_DISCARD;
    p->plan->error = svc_arena_printf(p->arena, "%s: %s", code,
                                      text != NULL && text[0] != '\0' ? text : "refused");
    return false;
}

static bool is_first(struct planning *p)
{
    const char *holder = p->facts->holder;
    if (holder == NULL)
        return true;
    if (strcmp(holder, p->signal->signal_id) == 0) {
        p->plan->kind = PLAN_COUNT;
        return false;
    }
    p->plan->is_duplicate = true;
    return discard(p, CODE_DUPLICATE, "of %s", holder);
}

static bool has_strategy(struct planning *p)
{
    if (p->strategy == NULL)
        return discard(p, CODE_STRATEGY_DELETED, "the strategy does not exist any more");
    if (!p->strategy->is_enabled)
        return discard(p, CODE_STRATEGY_DISABLED, "the strategy is switched off");
    return true;
}

static bool is_fresh(struct planning *p)
{
    const uint32_t max_age_s =
        is_entry(p->signal) ? p->strategy->max_age_s : p->strategy->close_max_age_s;
    const int64_t tv_time = p->signal->tv_time_unix_us, received = p->plan->received_unix_us;
    const int64_t begin = tv_time > 0 && tv_time < received ? tv_time : received;
    p->plan->expires_unix_us = begin + max_age_s * SECOND_US;
    if (p->now_unix_us <= p->plan->expires_unix_us)
        return true;
    return discard(p, CODE_STALE, "%" PRId64 " ms old, at most %" PRId64 " ms are allowed",
                   (p->now_unix_us - begin) / 1000, (int64_t)max_age_s * 1000);
}

static bool has_allowed_symbol(struct planning *p)
{
    if (p->plan->symbol != NULL && symbol_allowed(p->plan->symbol, p->strategy->allowed_pairs))
        return true;
    return discard(p, CODE_SYMBOL_NOT_ALLOWED, "%.64s is not in the strategy's list of pairs",
                   p->plan->symbol != NULL ? p->plan->symbol : "it");
}

static bool has_volume(struct planning *p)
{
    const char *volume = p->signal->volume, *limit = p->strategy->max_volume;
    if (!is_entry(p->signal))
        return true;
    if (volume == NULL)
        return discard(p, CODE_BAD_NUMBER, "volume is missing");
    if (decimal_compare(volume, "0") <= 0)
        return discard(p, CODE_VOLUME_BELOW_MIN, "%s lots", volume);
    if (decimal_compare(volume, PLAN_VOLUME_MAX) > 0)
        return discard(p, CODE_VOLUME_ABOVE_MAX, "%s lots, at most " PLAN_VOLUME_MAX, volume);
    if (limit == NULL)
        return true;
    if (!decimal_valid(limit))
        return discard(p, CODE_VOLUME_ABOVE_MAX, "the strategy's max_volume is not a number");
    if (decimal_compare(volume, limit) > 0)
        return discard(p, CODE_VOLUME_ABOVE_MAX, "%s lots, the strategy's max_volume is %s", volume,
                       limit);
    return true;
}

/* Is "10" a price, pips, points or percent? A guess costs money. */
static bool has_usable_stop(struct planning *p, const char *member, const char *value)
{
    if (value == NULL || !is_entry(p->signal))
        return true;
    if (p->strategy->stop_kind == NULL || strcmp(p->strategy->stop_kind, "price") != 0)
        return discard(p, CODE_AMBIGUOUS_UNIT,
                       "%s: a price, or a distance? Say how to read it with the strategy's setting "
                       "stop_kind=price, or leave %s out",
                       member, member);
    if (decimal_compare(value, "0") <= 0)
        return discard(p, CODE_BAD_NUMBER, "%s is not above zero; leave it out for none", member);
    return true;
}

static bool has_usable_stops(struct planning *p)
{
    return has_usable_stop(p, "sl", p->signal->sl) && has_usable_stop(p, "tp", p->signal->tp);
}

static bool has_account(struct planning *p)
{
    const struct plan_strategy *s = p->strategy;
    if (s->active_connections > 1)
        return discard(p, CODE_AMBIGUOUS_ACCOUNT,
                       "the user has %" PRId64 " active connections; name one in the strategy",
                       s->active_connections);
    if (s->active_connections == 0 || s->connection_id == NULL)
        return discard(p, CODE_NO_ACCOUNT, "%s",
                       s->names_connection ? "the strategy's connection is switched off"
                                           : "the user has no active connection");
    if (s->agent_id == NULL)
        return discard(p, CODE_NO_ACCOUNT, "no agent is paired with the connection");
    return true;
}

/* The last question: only what would be traded counts. */
static bool is_within_rate(struct planning *p)
{
    struct rate rate = p->strategy->rate;
    int64_t wait_us = 0;
    if (!is_entry(p->signal) || rate.per_min == 0)
        return true;
    const bool is_within = rate_take(&rate, p->plan->received_unix_us, &wait_us);
    if (rate.full_unix_us != p->strategy->rate.full_unix_us)
        p->plan->rate_full_unix_us = rate.full_unix_us;
    if (is_within)
        return true;
    return discard(p, CODE_RATE_LIMITED,
                   "%" PRIu32 " entries a minute and %" PRIu32 " at once are allowed; the next one "
                   "%" PRId64 " ms later",
                   rate.per_min, rate.burst, wait_us / 1000 + 1);
}

/* The job */

static void json_member(struct svc_buffer *json, const char *name, const char *text)
{
    svc_buffer_printf(json, ",\"%s\":", name);
    svc_buffer_json(json, text, strlen(text));
}

static void json_decimal(struct svc_buffer *json, const char *name, const char *decimal)
{
    char normal[DECIMAL_NORMAL_TEXT];
    if (decimal != NULL && decimal_normal(decimal, normal))
        json_member(json, name, normal);
}

/* Terminals and brokers keep printable ASCII; anything else of the name is shown as a dot. */
static void json_comment(struct svc_buffer *json, const char *name)
{
    char comment[COMMENT_CHARACTERS + 1];
    size_t len = 0;
    for (; *name != '\0' && len < COMMENT_CHARACTERS; name++) {
        const unsigned char c = (unsigned char)*name;
        if ((c & 0xc0) != 0x80) /* not the middle of a character */
            comment[len++] = (char)(c < 0x80 && isprint(c) ? c : '.');
    }
    comment[len] = '\0';
    json_member(json, "comment", comment);
}

static void json_entry(struct svc_buffer *json, const struct planning *p)
{
    svc_buffer_text(json, "{\"op\":\"open\"");
    json_member(json, "symbol", p->plan->symbol);
    json_member(json, "side", p->plan->action);
    json_decimal(json, "volume", p->signal->volume);
    json_decimal(json, "sl", p->signal->sl);
    json_decimal(json, "tp", p->signal->tp);
    json_comment(json, p->strategy->name);
}

/* A late close must not hit a position that was opened after the alert; of its own strategy's the
 * agent knows better, by jobs.seq. */
static void json_close(struct svc_buffer *json, const struct planning *p)
{
    svc_buffer_text(json, "{\"scope\":\"strategy\"");
    json_member(json, "symbol", p->plan->symbol);
    svc_buffer_printf(json, ",\"opened_before_unix_us\":%" PRId64, p->plan->received_unix_us);
}

static const char *job_input(const struct planning *p)
{
    struct svc_buffer json = {.bytes = NULL};
    if (is_entry(p->signal))
        json_entry(&json, p);
    else
        json_close(&json, p);
    svc_buffer_printf(&json, ",\"deviation_points\":%d,\"magic_tag\":%" PRIu32,
                      PLAN_DEVIATION_POINTS, p->strategy->magic_tag);
    json_member(&json, "signal_id", p->plan->signal_id);
    svc_buffer_text(&json, ",\"source\":\"tv_signal\"}");
    const char *text = svc_arena_copy(p->arena, json.bytes, json.len);
    svc_buffer_done(&json);
    return text;
}

static void describe_job(struct planning *p)
{
    struct plan *plan = p->plan;
    plan->kind = PLAN_JOB;
    plan->is_entry = is_entry(p->signal);
    plan->job_type = plan->is_entry ? "trade" : "close_position";
    plan->agent_id = p->strategy->agent_id;
    plan->connection_id = p->strategy->connection_id;
    signal_job_id(plan->signal_id, plan->connection_id, 1, plan->job_id);
    plan->input = job_input(p);
}

void plan_job(const Tradewire__V1__Signal *signal, const struct plan_facts *facts,
              int64_t append_unix_us, int64_t now_unix_us, struct svc_arena *arena,
              struct plan *ret)
{
    static bool (*const decisions[])(struct planning *) = {
        is_new_row,         is_accepted, is_first,         has_strategy, is_fresh,
        has_allowed_symbol, has_volume,  has_usable_stops, has_account,  is_within_rate,
    };
    struct planning p = {
        .signal = signal,
        .facts = facts,
        .strategy = facts->strategy,
        .now_unix_us = now_unix_us,
        .arena = arena,
        .plan = ret,
    };
    describe_row(&p, append_unix_us);
    for (size_t i = 0; i < sizeof decisions / sizeof decisions[0]; i++)
        if (!decisions[i](&p))
            return;
    describe_job(&p);
}
