/* What protobuf-c does not check. Each function states one message; the first bad field is named.
 */
#include "contracts/message_checks.h"

#include "contracts/codes.h"
#include "contracts/decimal.h"
#include "contracts/identity.h"

#include "svc/text.h"

#include <string.h>

enum {
    WORD_BYTES_MAX = 64,
    NAME_BYTES_MAX = 128,
    REFUSAL_TEXT_BYTES_MAX = 256,
    INPUT_BYTES_MAX = 64 * 1024,
    COMMENT_BYTES_MAX = 64,
    PAIRING_KEY_BYTES_MAX = 128,
    DEDUP_KEY_BYTES = 32,
};
/* Until 2100-01-01: a µs time beyond it is a unit mistaken for another. */
#define UNIX_US_MAX INT64_C(4102444800000000)
/* Postgres keeps epochs and session numbers as BIGINT. */
#define COUNT_MAX ((uint64_t)INT64_MAX)

struct check {
    const char *message;
    struct svc_error *err;
    enum svc_rc rc; /* the first fault sticks */
};

static void fault(struct check *c, const char *field, const char *why)
{
    if (c->rc == SVC_OK)
        c->rc = svc_fail(c->err, SVC_REJECT, code_name(CODE_BAD_MESSAGE), "%s.%s %s", c->message,
                         field, why);
}

static void require(struct check *c, const char *field, bool good, const char *why)
{
    if (!good)
        fault(c, field, why);
}

static void uuid(struct check *c, const char *field, const char *text)
{
    require(c, field, text != NULL && svc_uuid_valid(text), "is not a UUID");
}

static void uuid_or_absent(struct check *c, const char *field, const char *text)
{
    if (text != NULL)
        uuid(c, field, text);
}

static void text_or_absent(struct check *c, const char *field, const ProtobufCBinaryData *data,
                           protobuf_c_boolean present, size_t bytes_max)
{
    if (!present)
        return;
    require(c, field, data->len <= bytes_max, "is too long");
    require(c, field, svc_utf8_valid(data->data, data->len), "is not UTF-8 text");
}

static void text(struct check *c, const char *field, const ProtobufCBinaryData *data,
                 protobuf_c_boolean present, size_t bytes_max)
{
    require(c, field, present && data->len > 0, "is missing");
    text_or_absent(c, field, data, present, bytes_max);
}

static void word_or_absent(struct check *c, const char *field, const char *word, size_t bytes_max)
{
    if (word == NULL)
        return;
    require(c, field, strlen(word) <= bytes_max, "is too long");
    require(c, field, svc_utf8_valid(word, strlen(word)), "is not UTF-8 text");
}

static void word(struct check *c, const char *field, const char *text_value)
{
    require(c, field, text_value != NULL && text_value[0] != '\0', "is missing");
    word_or_absent(c, field, text_value, WORD_BYTES_MAX);
}

static void decimal_or_absent(struct check *c, const char *field, const char *value)
{
    require(c, field, value == NULL || decimal_valid(value), "is not a decimal");
}

static void decimal(struct check *c, const char *field, const char *value)
{
    require(c, field, value != NULL && decimal_valid(value), "is not a decimal");
}

static void decimal_not_negative(struct check *c, const char *field, const char *value)
{
    decimal(c, field, value);
    require(c, field, value == NULL || value[0] != '-', "is negative");
}

static void time_or_absent(struct check *c, const char *field, int64_t unix_us)
{
    require(c, field, unix_us >= 0 && unix_us <= UNIX_US_MAX, "is not a time in us");
}

static void time_known(struct check *c, const char *field, int64_t unix_us)
{
    require(c, field, unix_us > 0 && unix_us <= UNIX_US_MAX, "is not a time in us");
}

static void one_of(struct check *c, const char *field, const char *value, const char *const *words)
{
    for (; value != NULL && *words != NULL; words++)
        if (strcmp(value, *words) == 0)
            return;
    fault(c, field, "is an unknown word");
}

static void job_type(struct check *c, const char *field, const char *value)
{
    static const char *const types[] = {
        "compile",       "deploy",      "run",         "stop",           "trade",
        "get_positions", "get_account", "get_candles", "close_position", NULL};
    one_of(c, field, value, types);
}

static void side_or_absent(struct check *c, const char *field, const char *value)
{
    static const char *const sides[] = {"buy", "sell", NULL};
    if (value != NULL)
        one_of(c, field, value, sides);
}

static void code_or_absent(struct check *c, const char *field, const char *value)
{
    require(c, field, value == NULL || code_known(value, -1), "is not a known code");
}

static enum svc_rc check_signal_refused(struct check *c, const Tradewire__V1__Signal *m)
{
    code_or_absent(c, "refusal_code", m->refusal_code);
    word_or_absent(c, "refusal_text", m->refusal_text, REFUSAL_TEXT_BYTES_MAX);
    require(c, "dedup_key", !m->has_dedup_key, "is set on a refused alert");
    return c->rc;
}

static void check_dedup(struct check *c, const Tradewire__V1__Signal *m)
{
    require(c, "dedup_kind",
            m->dedup_kind > TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_UNSPECIFIED &&
                m->dedup_kind <= TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY,
            "is unknown");
    require(c, "dedup_key", m->has_dedup_key && m->dedup_key.len == DEDUP_KEY_BYTES,
            "is not 32 bytes");
}

enum svc_rc check_signal(const Tradewire__V1__Signal *m, struct svc_error *err)
{
    struct check c = {.message = "Signal", .err = err};
    uuid(&c, "signal_id", m->signal_id);
    uuid(&c, "user_id", m->user_id);
    uuid(&c, "strategy_id", m->strategy_id);
    time_known(&c, "received_unix_us", m->received_unix_us);
    text(&c, "raw_payload", &m->raw_payload, m->has_raw_payload, MESSAGE_RAW_BYTES_MAX);
    if (m->refusal_code != NULL)
        return check_signal_refused(&c, m);
    check_dedup(&c, m);
    require(&c, "action",
            m->action > TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_UNSPECIFIED &&
                m->action <= TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_CLOSE,
            "is unknown");
    text(&c, "symbol_raw", &m->symbol_raw, m->has_symbol_raw, MESSAGE_SYMBOL_BYTES_MAX);
    text(&c, "symbol", &m->symbol, m->has_symbol, MESSAGE_SYMBOL_BYTES_MAX);
    decimal_or_absent(&c, "volume", m->volume);
    decimal_or_absent(&c, "sl", m->sl);
    decimal_or_absent(&c, "tp", m->tp);
    time_or_absent(&c, "tv_time_unix_us", m->tv_time_unix_us);
    return c.rc;
}

enum svc_rc check_job_requested(const Tradewire__V1__JobRequested *m, struct svc_error *err)
{
    struct check c = {.message = "JobRequested", .err = err};
    uuid(&c, "job_id", m->job_id);
    uuid(&c, "user_id", m->user_id);
    job_type(&c, "job_type", m->job_type);
    uuid_or_absent(&c, "agent_id", m->agent_id);
    text(&c, "input", &m->input, m->has_input, INPUT_BYTES_MAX);
    time_known(&c, "requested_unix_us", m->requested_unix_us);
    return c.rc;
}

enum svc_rc check_job_ready(const Tradewire__V1__JobReady *m, struct svc_error *err)
{
    struct check c = {.message = "JobReady", .err = err};
    uuid_or_absent(&c, "agent_id", m->agent_id);
    uuid(&c, "user_id", m->user_id);
    return c.rc;
}

enum svc_rc check_job_finished(const Tradewire__V1__JobFinished *m, struct svc_error *err)
{
    struct check c = {.message = "JobFinished", .err = err};
    uuid(&c, "job_id", m->job_id);
    uuid(&c, "user_id", m->user_id);
    word(&c, "status", m->status);
    uuid_or_absent(&c, "signal_id", m->signal_id);
    return c.rc;
}

static void check_fills(struct check *c, Tradewire__V1__Fill *const *fills, size_t count)
{
    require(c, "fills", count <= MESSAGE_FILLS_MAX, "are too many");
    for (size_t i = 0; i < count && c->rc == SVC_OK; i++) {
        const Tradewire__V1__Fill *f = fills[i];
        require(c, "fills.step", f->step > 0, "is zero");
        decimal(c, "fills.price", f->price);
        decimal(c, "fills.volume", f->volume);
        decimal_or_absent(c, "fills.requested_volume", f->requested_volume);
        decimal_or_absent(c, "fills.bid", f->bid);
        decimal_or_absent(c, "fills.ask", f->ask);
        decimal_or_absent(c, "fills.profit", f->profit);
        side_or_absent(c, "fills.side", f->side);
        text_or_absent(c, "fills.symbol", &f->symbol, f->has_symbol, MESSAGE_SYMBOL_BYTES_MAX);
    }
}

static void check_times(struct check *c, const Tradewire__V1__AgentTimes *times)
{
    if (times == NULL)
        return;
    time_or_absent(c, "times.at_agent", times->at_agent);
    time_or_absent(c, "times.order_sent", times->order_sent);
    time_or_absent(c, "times.filled", times->filled);
    time_or_absent(c, "times.reported", times->reported);
}

static void check_outcome(struct check *c, Tradewire__V1__Outcome outcome, const char *code)
{
    require(c, "outcome",
            outcome > TRADEWIRE__V1__OUTCOME__OUTCOME_UNSPECIFIED &&
                outcome <= TRADEWIRE__V1__OUTCOME__OUTCOME_UNKNOWN,
            "is unknown");
    code_or_absent(c, "code", code);
    require(c, "code", outcome == TRADEWIRE__V1__OUTCOME__OUTCOME_DONE || code != NULL,
            "is missing");
}

enum svc_rc check_job_result(const Tradewire__V1__JobResult *m, struct svc_error *err)
{
    struct check c = {.message = "JobResult", .err = err};
    uuid(&c, "job_id", m->job_id);
    uuid(&c, "user_id", m->user_id);
    uuid(&c, "agent_id", m->agent_id);
    check_outcome(&c, m->outcome, m->code);
    text_or_absent(&c, "text", &m->text, m->has_text, MESSAGE_TEXT_BYTES_MAX);
    check_fills(&c, m->fills, m->n_fills);
    text_or_absent(&c, "output", &m->output, m->has_output, MESSAGE_OUTPUT_BYTES_MAX);
    time_or_absent(&c, "ready_unix_us", m->ready_unix_us);
    time_or_absent(&c, "sent_unix_us", m->sent_unix_us);
    time_or_absent(&c, "claimed_unix_us", m->claimed_unix_us);
    check_times(&c, m->times);
    require(&c, "source",
            m->source > TRADEWIRE__V1__RESULT_SOURCE__RESULT_SOURCE_UNSPECIFIED &&
                m->source <= TRADEWIRE__V1__RESULT_SOURCE__RESULT_SOURCE_RECONCILE,
            "is unknown");
    return c.rc;
}

static void check_account(struct check *c, const Tradewire__V1__Account *a)
{
    static const char *const modes[] = {"hedging", "netting", "exchange", NULL};
    if (a == NULL)
        return;
    text(c, "account.server", &a->server, a->has_server, NAME_BYTES_MAX);
    text(c, "account.login", &a->login, a->has_login, WORD_BYTES_MAX);
    word(c, "account.currency", a->currency);
    one_of(c, "account.margin_mode", a->margin_mode, modes);
    decimal_or_absent(c, "account.balance", a->balance);
}

static void check_hello(struct check *c, const Tradewire__V1__Hello *m)
{
    uuid(c, "hello.agent_id", m->agent_id);
    text(c, "hello.pairing_key", &m->pairing_key, m->has_pairing_key, PAIRING_KEY_BYTES_MAX);
    uuid(c, "hello.journal_id", m->journal_id);
    require(c, "hello.journal_seq", m->journal_seq <= COUNT_MAX, "is too large");
    word_or_absent(c, "hello.agent_version", m->agent_version, WORD_BYTES_MAX);
    check_account(c, m->account);
    time_known(c, "hello.sent_unix_us", m->sent_unix_us);
}

static void check_welcome(struct check *c, const Tradewire__V1__Welcome *m)
{
    require(c, "welcome.session_no", m->session_no > 0 && m->session_no <= COUNT_MAX,
            "is out of range");
    require(c, "welcome.heartbeat_ms", m->heartbeat_ms > 0, "is zero");
    require(c, "welcome.session_timeout_ms", m->session_timeout_ms > m->heartbeat_ms,
            "is not longer than the heartbeat");
    time_or_absent(c, "welcome.echo_unix_us", m->echo_unix_us);
    time_known(c, "welcome.gateway_unix_us", m->gateway_unix_us);
}

static void check_offer(struct check *c, const Tradewire__V1__JobOffer *m)
{
    uuid(c, "job_offer.job_id", m->job_id);
    job_type(c, "job_offer.job_type", m->job_type);
    require(c, "job_offer.lease_epoch", m->lease_epoch > 0 && m->lease_epoch <= COUNT_MAX,
            "is out of range");
    require(c, "job_offer.seq", m->seq <= COUNT_MAX, "is out of range");
    time_or_absent(c, "job_offer.expires_unix_us", m->expires_unix_us);
    time_known(c, "job_offer.claimed_unix_us", m->claimed_unix_us);
    check_account(c, m->account);
    require(c, "job_offer.magic_tag", m->magic_tag <= MAGIC_TAG_MAX, "is 2^20 or more");
    text_or_absent(c, "job_offer.comment", &m->comment, m->has_comment, COMMENT_BYTES_MAX);
    text_or_absent(c, "job_offer.input", &m->input, m->has_input, INPUT_BYTES_MAX);
    if (m->trade != NULL) {
        text(c, "trade.symbol", &m->trade->symbol, m->trade->has_symbol, MESSAGE_SYMBOL_BYTES_MAX);
        require(c, "trade.side", m->trade->side != NULL, "is missing");
        side_or_absent(c, "trade.side", m->trade->side);
        decimal(c, "trade.volume", m->trade->volume);
        decimal_or_absent(c, "trade.sl", m->trade->sl);
        decimal_or_absent(c, "trade.tp", m->trade->tp);
    }
    if (m->close != NULL) {
        text_or_absent(c, "close.symbol", &m->close->symbol, m->close->has_symbol,
                       MESSAGE_SYMBOL_BYTES_MAX);
        require(c, "close.scope",
                m->close->scope > TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_UNSPECIFIED &&
                    m->close->scope <= TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_ACCOUNT,
                "is unknown");
        time_known(c, "close.opened_before_unix_us", m->close->opened_before_unix_us);
    }
}

static void check_report(struct check *c, const Tradewire__V1__JobReport *m)
{
    uuid(c, "job_report.job_id", m->job_id);
    require(c, "job_report.lease_epoch", m->lease_epoch > 0 && m->lease_epoch <= COUNT_MAX,
            "is out of range");
    check_outcome(c, m->outcome, m->code);
    text_or_absent(c, "job_report.text", &m->text, m->has_text, MESSAGE_TEXT_BYTES_MAX);
    check_fills(c, m->fills, m->n_fills);
    text_or_absent(c, "job_report.output", &m->output, m->has_output, MESSAGE_OUTPUT_BYTES_MAX);
    time_or_absent(c, "job_report.ready_unix_us", m->ready_unix_us);
    check_times(c, m->times);
}

static void check_spec(struct check *c, const Tradewire__V1__SymbolSpec *m)
{
    text(c, "symbols.name", &m->name, m->has_name, MESSAGE_SYMBOL_BYTES_MAX);
    require(c, "symbols.digits", m->digits <= MESSAGE_DIGITS_MAX, "is too large");
    decimal_not_negative(c, "symbols.point", m->point);
    decimal_not_negative(c, "symbols.tick_size", m->tick_size);
    decimal_not_negative(c, "symbols.tick_value", m->tick_value);
    decimal_not_negative(c, "symbols.contract_size", m->contract_size);
    decimal_not_negative(c, "symbols.volume_min", m->volume_min);
    decimal_not_negative(c, "symbols.volume_max", m->volume_max);
    decimal_not_negative(c, "symbols.volume_step", m->volume_step);
    decimal_not_negative(c, "symbols.volume_limit", m->volume_limit);
    require(c, "symbols.stops_level", m->stops_level <= INT32_MAX, "is too large");
    require(c, "symbols.freeze_level", m->freeze_level <= INT32_MAX, "is too large");
    require(c, "symbols.trade_mode", m->trade_mode <= MESSAGE_TRADE_MODE_MAX, "is unknown");
    require(c, "symbols.filling_mode", m->filling_mode <= MESSAGE_FILLING_MODE_MAX, "is unknown");
    require(c, "symbols.calc_mode", m->calc_mode <= MESSAGE_CALC_MODE_MAX, "is too large");
    word_or_absent(c, "symbols.currency_base", m->currency_base, MESSAGE_CURRENCY_BYTES_MAX);
    word_or_absent(c, "symbols.currency_profit", m->currency_profit, MESSAGE_CURRENCY_BYTES_MAX);
    word_or_absent(c, "symbols.currency_margin", m->currency_margin, MESSAGE_CURRENCY_BYTES_MAX);
}

/* As bytes: memcmp, and the shorter of two that begin alike is the first. */
static bool ascending(const ProtobufCBinaryData *a, const ProtobufCBinaryData *b)
{
    const int order = memcmp(a->data, b->data, a->len < b->len ? a->len : b->len);
    return order < 0 || (order == 0 && a->len < b->len);
}

static void check_page_number(struct check *c, uint64_t report, uint32_t page)
{
    require(c, "symbols.report", report > 0 && report <= COUNT_MAX, "is out of range");
    require(c, "symbols.page", page > 0 && page <= MESSAGE_SYMBOL_PAGES_MAX, "is out of range");
}

static void check_symbols(struct check *c, const Tradewire__V1__SymbolsReport *m)
{
    check_page_number(c, m->report, m->page);
    require(c, "symbols", m->n_symbols <= MESSAGE_SYMBOLS_MAX, "are too many");
    for (size_t i = 0; i < m->n_symbols && c->rc == SVC_OK; i++) {
        check_spec(c, m->symbols[i]);
        if (i > 0 && c->rc == SVC_OK)
            require(c, "symbols.name", ascending(&m->symbols[i - 1]->name, &m->symbols[i]->name),
                    "is not ascending");
    }
}

static void check_heartbeat(struct check *c, const Tradewire__V1__Heartbeat *m)
{
    time_known(c, "heartbeat.sent_unix_us", m->sent_unix_us);
    time_or_absent(c, "heartbeat.echo_unix_us", m->echo_unix_us);
    require(c, "heartbeat.echo_age_us", m->echo_age_us >= 0 && m->echo_age_us <= UNIX_US_MAX,
            "is out of range");
}

enum svc_rc check_envelope(const Tradewire__V1__Envelope *m, struct svc_error *err)
{
    struct check c = {.message = "Envelope", .err = err};
    require(&c, "version", m->version == MESSAGE_VERSION, "is not 1");
    switch (m->body_case) {
    case TRADEWIRE__V1__ENVELOPE__BODY_HELLO:
        check_hello(&c, m->hello);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_WELCOME:
        check_welcome(&c, m->welcome);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_REFUSAL:
        code_or_absent(&c, "refusal.code", m->refusal->code);
        word_or_absent(&c, "refusal.text", m->refusal->text, REFUSAL_TEXT_BYTES_MAX);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_HEARTBEAT:
        check_heartbeat(&c, m->heartbeat);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_ACCOUNT_REPORT:
        check_account(&c, m->account_report->account);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_JOB_OFFER:
        check_offer(&c, m->job_offer);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_JOB_REPORT:
        check_report(&c, m->job_report);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_REPORT_ACK:
        uuid(&c, "report_ack.job_id", m->report_ack->job_id);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_SYMBOLS_REPORT:
        check_symbols(&c, m->symbols_report);
        break;
    case TRADEWIRE__V1__ENVELOPE__BODY_SYMBOLS_ACK:
        check_page_number(&c, m->symbols_ack->report, m->symbols_ack->page);
        break;
    default:
        fault(&c, "body", "is missing or unknown");
    }
    return c.rc;
}

enum svc_rc check_agent_event(const Tradewire__V1__AgentEvent *m, struct svc_error *err)
{
    struct check c = {.message = "AgentEvent", .err = err};
    uuid(&c, "agent_id", m->agent_id);
    uuid(&c, "user_id", m->user_id);
    time_known(&c, "at_unix_us", m->at_unix_us);
    require(&c, "session_no", m->session_no > 0 && m->session_no <= COUNT_MAX, "is out of range");
    require(&c, "event", m->event_case != TRADEWIRE__V1__AGENT_EVENT__EVENT__NOT_SET,
            "is missing or unknown");
    if (m->event_case == TRADEWIRE__V1__AGENT_EVENT__EVENT_ACCOUNT)
        check_account(&c, m->account);
    if (m->event_case == TRADEWIRE__V1__AGENT_EVENT__EVENT_SYMBOLS)
        check_symbols(&c, m->symbols);
    return c.rc;
}

enum svc_rc check_sync_requested(const Tradewire__V1__SyncRequested *m, struct svc_error *err)
{
    struct check c = {.message = "SyncRequested", .err = err};
    uuid(&c, "user_id", m->user_id);
    uuid(&c, "trading_account_id", m->trading_account_id);
    time_known(&c, "requested_unix_us", m->requested_unix_us);
    return c.rc;
}
