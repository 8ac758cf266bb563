/* The ledger file. */
#include "ledger.h"

#include "contracts/decimal.h"

#include "svc/cleanup.h"
#include "svc/clock.h"
#include "svc/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

struct ledger {
    int fd;
    struct svc_buffer line;
};

static const char *const entry_words[] = {"in", "out", "inout"};

static void text_member(struct svc_buffer *out, const char *name, const char *text)
{
    svc_buffer_printf(out, ",\"%s\":", name);
    svc_buffer_json(out, text, strlen(text));
}

static void ticket_member(struct svc_buffer *out, const char *name, uint64_t ticket)
{
    svc_buffer_printf(out, ",\"%s\":\"%llu\"", name, (unsigned long long)ticket);
}

static void decimal_member(struct svc_buffer *out, const char *name, int64_t scaled, unsigned scale)
{
    char text[DECIMAL_SCALED_TEXT];
    decimal_print(scaled, scale, text);
    svc_buffer_printf(out, ",\"%s\":\"%s\"", name, text);
}

void ledger_line(const struct broker *broker, const struct broker_deal *deal,
                 struct svc_buffer *ret)
{
    const struct market_symbol *symbol = &broker->market->symbols[deal->symbol];
    char time[SVC_TIME_TEXT];
    svc_buffer_reset(ret);
    svc_buffer_printf(ret, "{\"ticket\":\"%llu\"", (unsigned long long)deal->order);
    ticket_member(ret, "deal", deal->deal);
    ticket_member(ret, "position", deal->position);
    ticket_member(ret, "closes", deal->closes);
    ticket_member(ret, "login", broker->login);
    svc_buffer_printf(ret, ",\"magic\":%llu", (unsigned long long)deal->magic);
    text_member(ret, "comment", deal->comment);
    text_member(ret, "symbol", symbol->name);
    text_member(ret, "side", deal->sell ? "sell" : "buy");
    decimal_member(ret, "volume", deal->volume, 2);
    decimal_member(ret, "requested_volume", deal->requested_volume, 2);
    decimal_member(ret, "price", deal->price_points, symbol->digits);
    decimal_member(ret, "sl", deal->sl_points, symbol->digits);
    decimal_member(ret, "tp", deal->tp_points, symbol->digits);
    text_member(ret, "entry", entry_words[deal->entry]);
    decimal_member(ret, "profit", deal->profit_cents, 2);
    text_member(ret, "time", svc_time_text(deal->time_unix_us, time));
    svc_buffer_text(ret, "}\n");
}

struct reader { /* takes members of one line; the first that does not fit sticks */
    const json_t *object;
    const char *fault;
};

static const char *take_text(struct reader *r, const char *name)
{
    const char *text = json_string_value(json_object_get(r->object, name));
    if (text == NULL && r->fault == NULL)
        r->fault = name;
    return text == NULL ? "" : text;
}

static uint64_t take_ticket(struct reader *r, const char *name)
{
    uint64_t ticket = 0;
    if (svc_parse_u64(take_text(r, name), 0, UINT64_MAX, &ticket) != 0 && r->fault == NULL)
        r->fault = name;
    return ticket;
}

static int64_t take_decimal(struct reader *r, const char *name, unsigned scale)
{
    int64_t scaled = 0;
    if (!decimal_scaled(take_text(r, name), scale, &scaled) && r->fault == NULL)
        r->fault = name;
    return scaled;
}

static unsigned take_word(struct reader *r, const char *name, const char *const *words,
                          unsigned count)
{
    const char *text = take_text(r, name);
    for (unsigned i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return i;
    if (r->fault == NULL)
        r->fault = name;
    return 0;
}

static void take_deal(struct reader *r, const struct broker *broker, struct broker_deal *deal)
{
    static const char *const sides[] = {"buy", "sell"};
    deal->symbol = market_find(broker->market, take_text(r, "symbol"));
    if (deal->symbol < 0) {
        r->fault = "symbol";
        return;
    }
    unsigned digits = broker->market->symbols[deal->symbol].digits;
    deal->order = take_ticket(r, "ticket");
    deal->deal = take_ticket(r, "deal");
    deal->position = take_ticket(r, "position");
    deal->closes = take_ticket(r, "closes");
    deal->magic = (uint64_t)json_integer_value(json_object_get(r->object, "magic"));
    (void)snprintf(deal->comment, sizeof deal->comment, "%s", take_text(r, "comment"));
    deal->sell = take_word(r, "side", sides, 2) == 1;
    deal->volume = take_decimal(r, "volume", 2);
    deal->requested_volume = take_decimal(r, "requested_volume", 2);
    deal->price_points = take_decimal(r, "price", digits);
    deal->sl_points = take_decimal(r, "sl", digits);
    deal->tp_points = take_decimal(r, "tp", digits);
    deal->entry = (enum broker_entry)take_word(r, "entry", entry_words, 3);
    deal->profit_cents = take_decimal(r, "profit", 2);
    const char *time = take_text(r, "time");
    if (svc_time_parse(time, strlen(time), &deal->time_unix_us) != 0 && r->fault == NULL)
        r->fault = "time";
    if (take_ticket(r, "login") != broker->login && r->fault == NULL)
        r->fault = "login";
    if (deal->volume <= 0 && r->fault == NULL)
        r->fault = "volume";
}

enum svc_rc ledger_parse(const struct broker *broker, const char *line, size_t len,
                         struct broker_deal *ret_deal, struct svc_error *err)
{
    json_error_t fault;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &fault);
    struct reader reader = {.object = object};
    struct broker_deal deal = {.symbol = -1};
    if (!json_is_object(object))
        reader.fault = "line (not a JSON object)";
    else
        take_deal(&reader, broker, &deal);
    json_decref(object);
    if (reader.fault != NULL)
        return svc_fail(err, SVC_REJECT, "bad_ledger", "%s does not fit this account",
                        reader.fault);
    *ret_deal = deal;
    return SVC_OK;
}

static enum svc_rc system_fault(struct svc_error *err, enum svc_rc rc, const char *code,
                                const char *what)
{
    return svc_fail(err, rc, code, "ledger: %s: %s", what, strerrordesc_np(errno));
}

static enum svc_rc read_all(int fd, struct svc_buffer *ret, struct svc_error *err)
{
    char chunk[64 * 1024];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        svc_buffer_add(ret, chunk, (size_t)got);
    return got < 0 ? system_fault(err, SVC_FATAL, "ledger_read", "read") : SVC_OK;
}

/* Apply every whole line; *ret_whole is where the last of them ends. */
static enum svc_rc replay(struct broker *broker, const struct svc_buffer *text, size_t *ret_whole,
                          struct svc_error *err)
{
    size_t at = 0;
    for (unsigned number = 1; at < text->len; number++) {
        const char *end = memchr(text->bytes + at, '\n', text->len - at);
        if (end == NULL)
            break;
        size_t len = (size_t)(end - text->bytes) - at;
        struct broker_deal deal;
        if (ledger_parse(broker, text->bytes + at, len, &deal, err) != SVC_OK) {
            char prefix[40];
            (void)snprintf(prefix, sizeof prefix, "ledger line %u", number);
            return svc_fail_prefix(err, prefix);
        }
        broker_apply(broker, &deal);
        at += len + 1;
    }
    *ret_whole = at;
    return SVC_OK;
}

static enum svc_rc load(struct ledger *ledger, struct broker *broker, size_t *ret_cut_bytes,
                        struct svc_error *err)
{
    if (flock(ledger->fd, LOCK_EX | LOCK_NB) != 0)
        return system_fault(err, SVC_AGAIN, "ledger_locked", "another simulator has it");
    size_t whole = 0;
    if (read_all(ledger->fd, &ledger->line, err) != SVC_OK ||
        replay(broker, &ledger->line, &whole, err) != SVC_OK)
        return err->rc;
    *ret_cut_bytes = ledger->line.len - whole;
    if (*ret_cut_bytes > 0 && ftruncate(ledger->fd, (off_t)whole) != 0)
        return system_fault(err, SVC_FATAL, "ledger_write", "cut off the torn line");
    return SVC_OK;
}

enum svc_rc ledger_open(const char *path, struct broker *broker, struct ledger **ret_ledger,
                        size_t *ret_cut_bytes, struct svc_error *err)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    if (ledger == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "ledger: out of memory");
    ledger->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    enum svc_rc rc = ledger->fd < 0 ? system_fault(err, SVC_FATAL, "ledger_open", path)
                                    : load(ledger, broker, ret_cut_bytes, err);
    if (rc != SVC_OK) {
        ledger_close(&ledger);
        return rc;
    }
    *ret_ledger = ledger;
    return SVC_OK;
}

void ledger_close(struct ledger **ledger)
{
    if (*ledger == NULL)
        return;
    if ((*ledger)->fd >= 0)
        (void)close((*ledger)->fd);
    svc_buffer_done(&(*ledger)->line);
    free(*ledger);
    *ledger = NULL;
}

enum svc_rc ledger_append(struct ledger *ledger, const struct broker *broker,
                          const struct broker_deal *deal, struct svc_error *err)
{
    ledger_line(broker, deal, &ledger->line);
    ssize_t written = write(ledger->fd, ledger->line.bytes, ledger->line.len);
    if (written == (ssize_t)ledger->line.len)
        return SVC_OK;
    return written < 0 ? system_fault(err, SVC_FATAL, "ledger_write", "write")
                       : svc_fail(err, SVC_FATAL, "ledger_write", "ledger: disk full");
}
