#include "link_messages.h"

#include <stdio.h>
#include <string.h>

static ProtobufCBinaryData bytes_of(struct svc_arena *arena, const char *text)
{
    return (ProtobufCBinaryData){.len = strlen(text),
                                 .data = (uint8_t *)svc_arena_text(arena, text)};
}

static Tradewire__V1__Account *account_message(struct svc_arena *arena,
                                               const struct account *account)
{
    if (account == NULL)
        return NULL;
    Tradewire__V1__Account *m = svc_arena_alloc(arena, sizeof *m);
    tradewire__v1__account__init(m);
    m->has_server = m->has_login = m->has_is_real = m->has_leverage = 1;
    m->server = bytes_of(arena, account->server);
    m->login = bytes_of(arena, account->login);
    m->currency = svc_arena_text(arena, account->currency);
    m->margin_mode = svc_arena_text(arena, account->margin_mode);
    m->is_real = account->is_real;
    m->leverage = account->leverage;
    if (account->balance[0] != '\0')
        m->balance = svc_arena_text(arena, account->balance);
    return m;
}

void link_message_hello(struct svc_arena *arena, const struct link_hello *hello,
                        Tradewire__V1__Envelope *ret)
{
    Tradewire__V1__Hello *m = svc_arena_alloc(arena, sizeof *m);
    tradewire__v1__hello__init(m);
    m->agent_id = svc_arena_text(arena, hello->agent_id);
    m->has_pairing_key = m->has_journal_seq = m->has_sent_unix_us = 1;
    m->pairing_key = bytes_of(arena, hello->agent_key);
    m->journal_id = svc_arena_text(arena, hello->journal_id);
    m->journal_seq = hello->journal_seq;
    m->agent_version = svc_arena_text(arena, TRADEWIRE_VERSION);
    m->account = account_message(arena, hello->account);
    m->sent_unix_us = hello->sent_unix_us;
    tradewire__v1__envelope__init(ret);
    ret->body_case = TRADEWIRE__V1__ENVELOPE__BODY_HELLO;
    ret->hello = m;
}

void link_message_account(struct svc_arena *arena, const struct account *account,
                          Tradewire__V1__Envelope *ret)
{
    Tradewire__V1__AccountReport *m = svc_arena_alloc(arena, sizeof *m);
    tradewire__v1__account_report__init(m);
    m->account = account_message(arena, account);
    tradewire__v1__envelope__init(ret);
    ret->body_case = TRADEWIRE__V1__ENVELOPE__BODY_ACCOUNT_REPORT;
    ret->account_report = m;
}

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

static Tradewire__V1__SymbolSpec *symbol_message(struct svc_arena *arena,
                                                 const struct wire_symbol *s)
{
    Tradewire__V1__SymbolSpec *m = svc_arena_alloc(arena, sizeof *m);
    tradewire__v1__symbol_spec__init(m);
    m->has_name = m->has_digits = m->has_stops_level = m->has_freeze_level = 1;
    m->has_trade_mode = m->has_filling_mode = m->has_calc_mode = 1;
    m->name = bytes_of(arena, s->name);
    m->digits = s->digits;
    m->point = borrowed(s->point);
    m->tick_size = borrowed(s->tick_size);
    m->tick_value = borrowed(s->tick_value);
    m->contract_size = borrowed(s->contract_size);
    m->volume_min = borrowed(s->volume_min);
    m->volume_max = borrowed(s->volume_max);
    m->volume_step = borrowed(s->volume_step);
    m->volume_limit = borrowed(s->volume_limit);
    m->stops_level = s->stops_level;
    m->freeze_level = s->freeze_level;
    m->trade_mode = s->trade_mode;
    m->filling_mode = s->filling_mode;
    m->calc_mode = s->calc_mode;
    m->currency_base = borrowed(s->currency_base);
    m->currency_profit = borrowed(s->currency_profit);
    m->currency_margin = borrowed(s->currency_margin);
    return m;
}

void link_message_symbols(struct svc_arena *arena, const struct symbols_page *page,
                          Tradewire__V1__Envelope *ret)
{
    Tradewire__V1__SymbolsReport *m = svc_arena_alloc(arena, sizeof *m);
    tradewire__v1__symbols_report__init(m);
    m->has_report = m->has_page = m->has_last = 1;
    m->report = page->report;
    m->page = page->page;
    m->last = page->last;
    m->n_symbols = page->count;
    m->symbols = svc_arena_alloc(arena, page->count * sizeof *m->symbols + 1);
    for (size_t i = 0; i < page->count; i++)
        m->symbols[i] = symbol_message(arena, &page->symbols[i]);
    tradewire__v1__envelope__init(ret);
    ret->body_case = TRADEWIRE__V1__ENVELOPE__BODY_SYMBOLS_REPORT;
    ret->symbols_report = m;
}

static void copy_text(char *ret, size_t size, const char *text)
{
    (void)snprintf(ret, size, "%s", text == NULL ? "" : text);
}

static void copy_bytes(char *ret, size_t size, const ProtobufCBinaryData *data)
{
    (void)snprintf(ret, size, "%.*s", (int)data->len, data->len == 0 ? "" : (char *)data->data);
}

static enum book_type type_of(const char *name)
{
    static const struct {
        const char *name;
        enum book_type type;
    } types[] = {{"trade", BOOK_TRADE},
                 {"close_position", BOOK_CLOSE},
                 {"get_positions", BOOK_GET_POSITIONS},
                 {"get_account", BOOK_GET_ACCOUNT}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return BOOK_OTHER;
}

static void copy_account(const Tradewire__V1__Account *m, struct account *ret)
{
    copy_bytes(ret->server, sizeof ret->server, &m->server);
    copy_bytes(ret->login, sizeof ret->login, &m->login);
    copy_text(ret->currency, sizeof ret->currency, m->currency);
    copy_text(ret->margin_mode, sizeof ret->margin_mode, m->margin_mode);
    ret->is_real = m->is_real;
}

static void copy_order(const Tradewire__V1__JobOffer *m, struct book_offer *ret)
{
    if (ret->type == BOOK_TRADE && m->trade != NULL) {
        ret->complete = true;
        copy_bytes(ret->symbol, sizeof ret->symbol, &m->trade->symbol);
        ret->sell = strcmp(m->trade->side, "sell") == 0;
        copy_text(ret->volume, sizeof ret->volume, m->trade->volume);
        copy_text(ret->sl, sizeof ret->sl, m->trade->sl);
        copy_text(ret->tp, sizeof ret->tp, m->trade->tp);
        ret->deviation_points = m->trade->deviation_points;
    }
    if (ret->type == BOOK_CLOSE && m->close != NULL) {
        ret->scope = (enum book_scope)m->close->scope;
        copy_bytes(ret->symbol, sizeof ret->symbol, &m->close->symbol);
        ret->opened_before_unix_us = m->close->opened_before_unix_us;
        ret->deviation_points = m->close->deviation_points;
        /* "every position of the symbol" without one would be every position */
        ret->complete = ret->scope != BOOK_SCOPE_SYMBOL || ret->symbol[0] != '\0';
    }
}

void link_message_offer(const Tradewire__V1__JobOffer *m, struct book_offer *ret)
{
    *ret = (struct book_offer){.type = type_of(m->job_type),
                               .epoch = m->lease_epoch,
                               .seq = m->seq,
                               .question = m->question,
                               .terminal_only = m->terminal_only,
                               .expires_unix_us = m->expires_unix_us,
                               .claimed_unix_us = m->claimed_unix_us,
                               .lease_ms = m->lease_ms,
                               .has_account = m->account != NULL,
                               .magic_tag = m->magic_tag};
    copy_text(ret->job_id, sizeof ret->job_id, m->job_id);
    for (char *c = ret->job_id; *c != '\0'; c++) /* one spelling: the id is a key here */
        if (*c >= 'A' && *c <= 'F')
            *c = (char)(*c - 'A' + 'a');
    copy_bytes(ret->comment, sizeof ret->comment, &m->comment);
    if (m->account != NULL)
        copy_account(m->account, &ret->account);
    copy_order(m, ret);
}
