/* Building offers.
 *
 * Whatever changes what an order does, and has no field in the message, makes the job one that
 * cannot be offered: leaving out a stop in pips would trade without a stop. */
#include "offer.h"

#include "contracts/codes.h"
#include "contracts/decimal.h"
#include "contracts/identity.h"

#include "svc/clock.h"

#include <string.h>

#include <jansson.h>

enum { INPUT_BYTES_MAX = 64 * 1024, COMMENT_BYTES_MAX = 64, DEVIATION_MAX = 1000000 };

/* Members of the input that say how to trade (domain-trading.md section 6), and that no field
 * carries. */
static const char *const trade_unsupported[] = {
    "risk",      "risk_pct",   "units", "price",    "expiration", "sl_pips", "tp_pips", "sl_points",
    "tp_points", "max_spread", "trail", "trailing", "breakeven",  "targets", "ticket",  NULL};
static const char *const close_unsupported[] = {
    "ticket", "tickets", "side", "volume", "pct", "close_pct", "close_volume", "percent", NULL};

static enum svc_rc unsupported(struct svc_error *err, const char *what, const char *member)
{
    return svc_fail(err, SVC_REJECT, code_name(CODE_AGENT_UNSUPPORTED), "%s %s", what, member);
}

/* A member that is absent or null says nothing. */
static const json_t *member(const json_t *input, const char *name)
{
    const json_t *value = json_object_get(input, name);
    return json_is_null(value) ? NULL : value;
}

static enum svc_rc refuse_members(const json_t *input, const char *const *names,
                                  struct svc_error *err)
{
    for (; *names != NULL; names++)
        if (member(input, *names) != NULL)
            return unsupported(err, "no agent takes the input member", *names);
    return SVC_OK;
}

/* A text member, copied; *ret NULL when it is absent. */
static enum svc_rc text_member(struct svc_arena *arena, const json_t *input, const char *name,
                               size_t bytes_max, char **ret, struct svc_error *err)
{
    const json_t *value = member(input, name);
    *ret = NULL;
    if (value == NULL)
        return SVC_OK;
    if (!json_is_string(value) || json_string_length(value) > bytes_max)
        return unsupported(err, "not a text of usable length:", name);
    *ret = svc_arena_copy(arena, json_string_value(value), json_string_length(value));
    return SVC_OK;
}

static enum svc_rc decimal_member(struct svc_arena *arena, const json_t *input, const char *name,
                                  char **ret, struct svc_error *err)
{
    enum svc_rc rc = text_member(arena, input, name, DECIMAL_TEXT_MAX, ret, err);
    if (rc == SVC_OK && *ret != NULL && !decimal_valid(*ret))
        rc = unsupported(err, "not a decimal:", name);
    return rc;
}

/* A whole number; SQL gives it as text. *ret_present false when it is absent. */
static enum svc_rc count_member(const json_t *input, const char *name, uint64_t max, uint32_t *ret,
                                protobuf_c_boolean *ret_present, struct svc_error *err)
{
    const json_t *value = member(input, name);
    uint64_t number = 0;
    *ret_present = value != NULL;
    if (value == NULL)
        return SVC_OK;
    if (!json_is_string(value) || svc_parse_u64(json_string_value(value), 0, max, &number) != 0)
        return unsupported(err, "not a whole number in range:", name);
    *ret = (uint32_t)number;
    return SVC_OK;
}

static void set_bytes(const char *text, ProtobufCBinaryData *ret, protobuf_c_boolean *ret_present)
{
    *ret_present = text != NULL;
    if (text != NULL)
        *ret = (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)(uintptr_t)text};
}

static enum svc_rc symbol_member(struct svc_arena *arena, const json_t *input,
                                 ProtobufCBinaryData *ret, protobuf_c_boolean *ret_present,
                                 struct svc_error *err)
{
    char *symbol = NULL;
    enum svc_rc rc = text_member(arena, input, "symbol", MESSAGE_SYMBOL_BYTES_MAX, &symbol, err);
    if (rc == SVC_OK)
        set_bytes(symbol, ret, ret_present);
    return rc;
}

/* trade: market orders; op `open` is the default. */
static enum svc_rc check_trade(const Tradewire__V1__TradeOrder *trade, const char *op,
                               struct svc_error *err)
{
    if (op != NULL && strcmp(op, "open") != 0)
        return unsupported(err, "no agent takes op", op);
    if (!trade->has_symbol || trade->symbol.len == 0)
        return unsupported(err, "missing:", "symbol");
    if (trade->volume == NULL)
        return unsupported(err, "missing:", "volume");
    /* `buy` and `sell` only: an agent that takes every other word for `sell` exists. */
    if (trade->side == NULL ||
        (strcmp(trade->side, "buy") != 0 && strcmp(trade->side, "sell") != 0))
        return unsupported(err, "no agent takes side",
                           trade->side != NULL ? trade->side : "(none)");
    return SVC_OK;
}

static enum svc_rc build_trade(struct svc_arena *arena, const json_t *input,
                               Tradewire__V1__TradeOrder *trade, struct svc_error *err)
{
    char *op = NULL;
    tradewire__v1__trade_order__init(trade);
    enum svc_rc rc = refuse_members(input, trade_unsupported, err);
    if (rc == SVC_OK)
        rc = text_member(arena, input, "op", 32, &op, err);
    if (rc == SVC_OK)
        rc = symbol_member(arena, input, &trade->symbol, &trade->has_symbol, err);
    if (rc == SVC_OK)
        rc = text_member(arena, input, "side", 32, &trade->side, err);
    if (rc == SVC_OK)
        rc = decimal_member(arena, input, "volume", &trade->volume, err);
    if (rc == SVC_OK)
        rc = decimal_member(arena, input, "sl", &trade->sl, err);
    if (rc == SVC_OK)
        rc = decimal_member(arena, input, "tp", &trade->tp, err);
    if (rc == SVC_OK)
        rc = count_member(input, "deviation_points", DEVIATION_MAX, &trade->deviation_points,
                          &trade->has_deviation_points, err);
    return rc == SVC_OK ? check_trade(trade, op, err) : rc;
}

static enum svc_rc scope_member(const json_t *input, Tradewire__V1__CloseScope *ret,
                                struct svc_error *err)
{
    static const char *const words[] = {"strategy", "symbol", "account"};
    const json_t *value = member(input, "scope");
    const char *word = value != NULL ? json_string_value(value) : "strategy";
    for (unsigned i = 0; word != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret =
                (Tradewire__V1__CloseScope)(i + TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_STRATEGY);
            return SVC_OK;
        }
    }
    return unsupported(err, "no agent takes this", "scope");
}

/* opened_before: µs UTC or ISO 8601; without one, what was opened after the job was made is not
 * meant. */
static enum svc_rc opened_before(const json_t *input, int64_t created_unix_us, int64_t *ret,
                                 struct svc_error *err)
{
    const json_t *value = member(input, "opened_before_unix_us");
    if (value == NULL)
        value = member(input, "opened_before");
    const char *text = json_string_value(value);
    *ret = created_unix_us;
    if (value == NULL)
        return SVC_OK;
    if (text != NULL && (svc_parse_i64(text, 1, INT64_C(4102444800000000), ret) == 0 ||
                         svc_time_parse(text, strlen(text), ret) == 0))
        return SVC_OK;
    return unsupported(err, "not a time:", "opened_before");
}

static enum svc_rc build_close(struct svc_arena *arena, const json_t *input,
                               const struct job_row *row, Tradewire__V1__ClosePosition *close,
                               struct svc_error *err)
{
    tradewire__v1__close_position__init(close);
    close->has_scope = close->has_opened_before_unix_us = 1;
    enum svc_rc rc = refuse_members(input, close_unsupported, err);
    if (rc == SVC_OK)
        rc = symbol_member(arena, input, &close->symbol, &close->has_symbol, err);
    if (rc == SVC_OK)
        rc = scope_member(input, &close->scope, err);
    if (rc == SVC_OK)
        rc = opened_before(input, row->created_unix_us, &close->opened_before_unix_us, err);
    if (rc == SVC_OK)
        rc = count_member(input, "deviation_points", DEVIATION_MAX, &close->deviation_points,
                          &close->has_deviation_points, err);
    if (rc == SVC_OK && close->scope == TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_SYMBOL &&
        !close->has_symbol)
        rc = unsupported(err, "scope symbol, but missing:", "symbol");
    return rc;
}

static enum svc_rc build_effect(struct svc_arena *arena, const json_t *input,
                                const struct job_row *row, Tradewire__V1__JobOffer *ret,
                                struct svc_error *err)
{
    char *comment = NULL;
    enum svc_rc rc =
        count_member(input, "magic_tag", MAGIC_TAG_MAX, &ret->magic_tag, &ret->has_magic_tag, err);
    if (rc == SVC_OK)
        rc = text_member(arena, input, "comment", COMMENT_BYTES_MAX, &comment, err);
    if (rc != SVC_OK)
        return rc;
    set_bytes(comment, &ret->comment, &ret->has_comment);
    if (strcmp(row->job_type, "trade") == 0) {
        Tradewire__V1__TradeOrder *trade = svc_arena_alloc(arena, sizeof *trade);
        rc = build_trade(arena, input, trade, err);
        ret->trade = rc == SVC_OK ? trade : NULL;
    } else if (strcmp(row->job_type, "close_position") == 0) {
        Tradewire__V1__ClosePosition *close = svc_arena_alloc(arena, sizeof *close);
        rc = build_close(arena, input, row, close, err);
        ret->close = rc == SVC_OK ? close : NULL;
    } else {
        rc = unsupported(err, "no agent takes the effect", row->job_type);
    }
    return rc;
}

static enum svc_rc build_input(struct svc_arena *arena, const struct job_row *row,
                               Tradewire__V1__JobOffer *ret, struct svc_error *err)
{
    const size_t len = row->input != NULL ? strlen(row->input) : 0;
    if (len > INPUT_BYTES_MAX)
        return unsupported(err, "the input is longer than 64 KiB:", row->job_type);
    json_t *input = json_loadb(len > 0 ? row->input : "{}", len > 0 ? len : 2, 0, NULL);
    enum svc_rc rc = SVC_OK;
    if (!json_is_object(input))
        rc = unsupported(err, "the input is not a JSON object:", row->job_type);
    else if (row->lane == LANE_EFFECTS)
        rc = build_effect(arena, input, row, ret, err);
    else
        set_bytes(row->input, &ret->input, &ret->has_input);
    json_decref(input);
    return rc;
}

static Tradewire__V1__Account *bound_account(struct svc_arena *arena, const struct job_row *row)
{
    if (row->server == NULL)
        return NULL;
    Tradewire__V1__Account *account = svc_arena_alloc(arena, sizeof *account);
    tradewire__v1__account__init(account);
    set_bytes(row->server, &account->server, &account->has_server);
    set_bytes(row->login, &account->login, &account->has_login);
    account->currency = (char *)(uintptr_t)row->currency;
    account->margin_mode = (char *)(uintptr_t)row->margin_mode;
    account->has_is_real = 1;
    account->is_real = row->is_real;
    return account;
}

static void set_lease(const struct job_row *row, const struct offer_terms *terms,
                      Tradewire__V1__JobOffer *ret)
{
    ret->job_id = (char *)(uintptr_t)row->job_id;
    ret->job_type = (char *)(uintptr_t)row->job_type;
    ret->has_lease_epoch = ret->has_session_no = ret->has_question = ret->has_terminal_only = 1;
    ret->lease_epoch = row->lease_epoch;
    ret->has_seq = 1;
    ret->seq = row->seq;
    ret->session_no = row->session_no;
    ret->question = terms->question;
    ret->terminal_only = terms->question && row->terminal_only;
    ret->has_expires_unix_us = row->expires_unix_us != 0;
    ret->expires_unix_us = row->expires_unix_us;
    ret->has_lease_ms = ret->has_claimed_unix_us = 1;
    ret->lease_ms = row->lease_ms;
    ret->claimed_unix_us = terms->asked_unix_us;
}

enum svc_rc offer_build(struct svc_arena *arena, const struct job_row *row,
                        const struct offer_terms *terms, Tradewire__V1__JobOffer *ret,
                        struct svc_error *err)
{
    tradewire__v1__job_offer__init(ret);
    set_lease(row, terms, ret);
    ret->account = bound_account(arena, row);
    const enum svc_rc rc = build_input(arena, row, ret, err);
    return terms->question ? SVC_OK : rc;
}
