/* Carries out what the book decides. */
#include "execute.h"

#include "book.h"
#include "journal.h"
#include "link.h"
#include "report.h"
#include "symbols.h"
#include "terminal.h"

#include "svc/clock.h"
#include "svc/log.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    FIRST_LOOK_MS = 5000, /* how long hello waits for a look at what an earlier process left open */
    FIRST_LOOK_STEP_MS = 50,
    ARENA_BYTES = 16 * 1024,
    COMPACT_EVERY_MS = 60000,
    COMPACT_BYTES = 8 * 1024 * 1024, /* below it compaction is not worth a flush */
};

struct execute {
    struct svc_loop *loop;
    struct journal *journal;
    struct book *book;
    struct symbols *symbols;
    struct terminal *terminal;
    struct link *link;
    struct svc_source work; /* runs after everything that came in during a turn */
    struct svc_timer wake, first_look, compact;
    int64_t started_mono_us;
    bool draining;
    size_t compacted_bytes; /* the journal's size after the last compaction */
    struct svc_arena arena;
    struct svc_buffer line;
    struct svc_counter *reports, *refused, *envelopes_refused, *orders;
    struct svc_histogram *flushes;
};

static const char *const outcome_names[] = {"none", "done", "failed", "void", "unknown", NULL};

static uint64_t write_record(void *arg, const struct record *record)
{
    struct execute *x = arg;
    return journal_append(x->journal, record);
}

static struct book_now now_of(const struct execute *x)
{
    struct link_state link = link_state(x->link);
    struct terminal_state terminal = terminal_state(x->terminal);
    int64_t boot = svc_boot_us();
    return (struct book_now){
        .mono_us = svc_mono_us(),
        .boot_us = boot,
        .unix_us = boot + link.gateway_minus_boot_us,
        .trust_until_boot_us = link.trust_until_boot_us,
        .link_session = link.session,
        .flushed_seq = journal_flushed_seq(x->journal),
        .draining = x->draining,
        .terminal_session = terminal.session,
        .trade_connected = terminal.trade_connected,
        .account = terminal.account,
        .server_time_us = terminal.server_time_us,
        .server_offset_s = terminal.server_offset_s,
    };
}

static void journal_broke(struct execute *x, const struct svc_error *err)
{
    svc_alert("journal_failed", SVC_ERR(err)); /* nothing may be promised any more */
    svc_loop_fail(x->loop, SVC_EXIT_SOFTWARE);
}

static bool flush(struct execute *x)
{
    struct svc_error err;
    int64_t before = svc_mono_us();
    if (journal_flush(x->journal, &err) != SVC_OK) {
        journal_broke(x, &err);
        return false;
    }
    svc_histogram_add_us(x->flushes, svc_mono_us() - before);
    return true;
}

/* The book counts time on the gateway's clock, the terminal on its own. Both were measured against
 * CLOCK_BOOTTIME; of the terminal's possible readings the strictest is taken. */
static void send_order(struct execute *x, struct book_action *action)
{
    int64_t boot_us = action->order.not_after_us - link_state(x->link).gateway_minus_boot_us;
    action->order.not_after_us = boot_us + terminal_state(x->terminal).clock_low_us;
    action->order.comment = action->comment;
    wire_order(&action->order, &x->line);
    terminal_send(x->terminal, &x->line);
    svc_counter_add(x->orders, 0, 1);
    svc_info("order_sent", SVC_N("command", action->command_id),
             SVC_N("magic", action->order.magic), SVC_T("symbol", action->order.symbol),
             SVC_T("side", action->order.sell ? "sell" : "buy"),
             SVC_T("volume", action->order.volume));
}

static void send_report(struct execute *x, const struct book_report *report, int64_t now_unix_us)
{
    Tradewire__V1__JobReport message;
    svc_arena_reset(&x->arena);
    report_build(&x->arena, report, now_unix_us, &message);
    (void)link_report(x->link, &message); /* not sent: it is said again in 2 s, or after hello */
    svc_counter_add(x->reports, report->outcome, 1);
    svc_info("job_reported", SVC_T("job_id", report->job_id), SVC_N("epoch", report->epoch),
             SVC_T("outcome", outcome_names[report->outcome]),
             SVC_T("code", report->code != NULL && report->code[0] != '\0' ? report->code : NULL));
    if (report->outcome == BOOK_UNKNOWN)
        svc_alert("job_unknown", SVC_T("job_id", report->job_id), SVC_T("err", report->text));
}

static bool carry_out(struct execute *x, struct book_action *action, int64_t now_unix_us)
{
    switch (action->act) {
    case BOOK_NOTHING:
        return false;
    case BOOK_FLUSH:
        return flush(x);
    case BOOK_ORDER:
        send_order(x, action);
        return true;
    case BOOK_POSITIONS:
        wire_positions(action->command_id, action->symbol, action->after, &x->line);
        break;
    case BOOK_ACCOUNT:
        wire_account(action->command_id, &x->line);
        break;
    case BOOK_FIND:
        wire_find(action->command_id, action->from_server_us, action->keys, action->key_count,
                  &x->line);
        break;
    case BOOK_REPORT:
        send_report(x, &action->report, now_unix_us);
        return true;
    }
    terminal_send(x->terminal, &x->line);
    return true;
}

/* What the broker offers, whenever the terminal has nothing better to do. Returns when to come
 * back, 0: when something comes. */
static int64_t report_symbols(struct execute *x, const struct book_now *now)
{
    const struct symbols_now at = {.mono_us = now->mono_us,
                                   .link_session = now->link_session,
                                   .terminal_session = now->terminal_session,
                                   .may_ask = now->trade_connected && !now->draining &&
                                              !book_needs_terminal(x->book)};
    struct symbols_action action;
    symbols_next(x->symbols, &at, &action);
    if (action.complaint != NULL)
        svc_warn("symbols_incomplete", SVC_T("err", action.complaint));
    if (action.act == SYMBOLS_ASK) {
        wire_symbols(action.command_id, action.after, &x->line);
        terminal_send(x->terminal, &x->line);
    } else if (action.act == SYMBOLS_SAY) {
        (void)link_symbols(x->link, action.page); /* not sent: it is said again */
    }
    return action.wake_mono_us;
}

/* 0: that one needs no waking. */
static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us == 0 || (b_us != 0 && b_us < a_us) ? b_us : a_us;
}

static void work(void *arg, uint32_t events)
{
    struct execute *x = arg;
    struct book_action action;
    struct svc_error err;
    struct book_now now;
    (void)events;
    do {
        now = now_of(x);
        book_next(x->book, &now, &action);
    } while (carry_out(x, &action, now.unix_us));
    /* What needs no flush shall still survive kill -9. */
    if (journal_write(x->journal, &err) != SVC_OK)
        journal_broke(x, &err);
    int64_t wake_mono_us = earlier(action.wake_mono_us, report_symbols(x, &now));
    if (wake_mono_us > 0) {
        int64_t wait_us = wake_mono_us - now.mono_us;
        svc_timer_after_ms(x->loop, &x->wake, wait_us < 1000 ? 1 : (uint32_t)(wait_us / 1000));
    }
}

static void wake(void *arg)
{
    struct execute *x = arg;
    svc_source_again(&x->work);
}

static void on_offer(void *arg, const struct book_offer *offer)
{
    struct execute *x = arg;
    const struct book_now now = now_of(x);
    static const char *const taken[] = {"taken", "repeated", "old"};
    enum book_taken what = book_offer(x->book, offer, &now);
    svc_debug("job_offered", SVC_T("job_id", offer->job_id), SVC_N("epoch", offer->epoch),
              SVC_N("question", offer->question), SVC_T("what", taken[what]));
    svc_source_again(&x->work);
}

static void on_acked(void *arg, const char *job_id, uint64_t epoch)
{
    struct execute *x = arg;
    const struct book_now now = now_of(x);
    book_acked(x->book, job_id, epoch, &now);
    svc_source_again(&x->work);
}

static void on_symbols_acked(void *arg, uint64_t report, uint32_t page)
{
    struct execute *x = arg;
    size_t count = symbols_acked(x->symbols, report, page);
    if (count > 0)
        svc_info("symbols_reported", SVC_N("report", report), SVC_N("symbols", count));
    svc_source_again(&x->work);
}

static void on_answer(void *arg, const struct wire_message *message)
{
    struct execute *x = arg;
    const struct book_now now = now_of(x);
    book_answered(x->book, message, &now); /* all of them: they prove where the terminal is */
    symbols_answered(x->symbols, message, now.mono_us);
    svc_source_again(&x->work);
}

static void on_terminal_changed(void *arg)
{
    struct execute *x = arg;
    struct terminal_state terminal = terminal_state(x->terminal);
    link_terminal(x->link, terminal.account, terminal.ready);
    svc_source_again(&x->work);
}

static uint64_t on_number(void *arg)
{
    struct execute *x = arg;
    return book_number(x->book);
}

static void on_refused(void *arg, enum terminal_refusal why)
{
    struct execute *x = arg;
    svc_counter_add(x->refused, why, 1);
}

static void on_envelope_refused(void *arg)
{
    struct execute *x = arg;
    svc_counter_add(x->envelopes_refused, 0, 1);
}

static uint64_t on_journal_seq(void *arg)
{
    struct execute *x = arg;
    return journal_flushed_seq(x->journal);
}

/* Hello waits until what an earlier process left open was looked for once, but not for ever:
 * without a terminal the questions can be answered later. */
static void first_look(void *arg)
{
    struct execute *x = arg;
    int64_t waited_us = svc_mono_us() - x->started_mono_us;
    if (book_unlooked(x->book) > 0 && waited_us < (int64_t)FIRST_LOOK_MS * 1000) {
        svc_timer_after_ms(x->loop, &x->first_look, FIRST_LOOK_STEP_MS);
        svc_source_again(&x->work);
        return;
    }
    link_start(x->link);
}

static bool keeps(void *arg, const char *job_id)
{
    const struct execute *x = arg;
    return book_keeps(x->book, job_id);
}

/* When the file has doubled since the last time and no effect is open. */
static void compact(void *arg)
{
    struct execute *x = arg;
    struct svc_error err;
    size_t before = journal_bytes(x->journal);
    svc_timer_after_ms(x->loop, &x->compact, COMPACT_EVERY_MS);
    book_forget_old(x->book, now_of(x).unix_us);
    if (before < COMPACT_BYTES || before < 2 * x->compacted_bytes || !book_is_quiet(x->book))
        return;
    if (journal_compact(x->journal, keeps, x, &err) != SVC_OK) {
        journal_broke(x, &err);
        return;
    }
    x->compacted_bytes = journal_bytes(x->journal);
    svc_info("journal_compacted", SVC_N("bytes_before", before),
             SVC_N("bytes_after", x->compacted_bytes));
}

static void replay(void *arg, const struct record *record)
{
    struct execute *x = arg;
    book_replay(x->book, record);
}

static enum svc_rc open_journal(struct execute *x, const struct config *config,
                                struct svc_error *err)
{
    struct journal_start start = {.each = replay, .arg = x};
    if (journal_open(config->journal, &start, &x->journal, err) != SVC_OK)
        return err->rc;
    book_replayed(x->book);
    if (start.cut_bytes > 0)
        svc_warn("journal_tail_cut", SVC_N("bytes", start.cut_bytes),
                 SVC_T("err", "a write was cut short; nothing of it had been promised"));
    struct book_counts counts = book_counts(x->book);
    svc_info(start.created ? "journal_created" : "journal_read",
             SVC_T("journal_id", journal_id(x->journal)),
             SVC_N("seq", journal_flushed_seq(x->journal)), SVC_N("jobs", counts.jobs),
             SVC_N("asking", counts.asking), SVC_N("unreported", counts.unreported));
    return SVC_OK;
}

static void add_metrics(struct execute *x, struct svc_metrics *metrics)
{
    x->orders = svc_counter_new(metrics, "tradewire_agent_orders_sent_total",
                                "orders handed to the terminal, with retries", NULL, NULL);
    x->reports = svc_counter_new(metrics, "tradewire_agent_reports_total",
                                 "reports sent to the gateway", "outcome", outcome_names);
    x->refused = svc_counter_new(metrics, "tradewire_agent_terminal_refused_total",
                                 "terminal connections closed", "reason", terminal_refusal_names);
    x->envelopes_refused =
        svc_counter_new(metrics, "tradewire_agent_envelopes_refused_total",
                        "messages of the gateway that are no envelope", NULL, NULL);
    x->flushes = svc_histogram_new(metrics, "tradewire_agent_journal_flush_seconds",
                                   "how long the disk took to flush the journal");
}

static enum svc_rc open_edges(struct execute *x, const struct config *config,
                              const struct key_pair *keys, struct svc_error *err)
{
    const struct link_options link = {
        .gateways = config->gateways,
        .gateway_keys = config->gateway_keys,
        .agent_id = config->agent_id,
        .agent_key = config->agent_key,
        .journal_id = journal_id(x->journal),
        .keys = keys,
        .events = {on_offer, on_acked, on_symbols_acked, on_envelope_refused, wake, on_journal_seq,
                   x},
    };
    const struct terminal_events terminal = {on_terminal_changed, on_answer, on_number, on_refused,
                                             x};
    if (link_open(x->loop, &link, &x->link, err) != SVC_OK)
        return err->rc;
    return terminal_open(x->loop, config->terminal_listen, config->terminal_token, &terminal,
                         &x->terminal, err);
}

enum svc_rc execute_open(struct svc_loop *loop, const struct config *config,
                         const struct key_pair *keys, struct svc_metrics *metrics,
                         struct execute **ret_execute, struct svc_error *err)
{
    struct execute *x = calloc(1, sizeof *x);
    if (x == NULL)
        return svc_fail(err, SVC_FATAL, "out_of_memory", "execute: out of memory");
    x->loop = loop;
    x->started_mono_us = svc_mono_us();
    x->book = book_new(write_record, x);
    x->symbols = symbols_new(on_number, x);
    svc_arena_init(&x->arena, ARENA_BYTES);
    add_metrics(x, metrics);
    if (open_journal(x, config, err) != SVC_OK || open_edges(x, config, keys, err) != SVC_OK) {
        execute_close(&x);
        return err->rc;
    }
    x->work = (struct svc_source){.fd = -1, .phase = SVC_PHASE_PEER, .run = work, .arg = x};
    svc_source_add(loop, &x->work);
    x->wake = (struct svc_timer){.run = wake, .arg = x};
    x->first_look = (struct svc_timer){.run = first_look, .arg = x};
    x->compact = (struct svc_timer){.run = compact, .arg = x};
    first_look(x);
    compact(x);
    *ret_execute = x;
    return SVC_OK;
}

void execute_close(struct execute **execute)
{
    struct execute *x = *execute;
    *execute = NULL;
    if (x == NULL)
        return;
    svc_timer_stop(&x->wake);
    svc_timer_stop(&x->first_look);
    svc_timer_stop(&x->compact);
    terminal_close(&x->terminal);
    link_close(&x->link);
    svc_source_remove(&x->work);
    journal_close(&x->journal);
    book_free(&x->book);
    symbols_free(&x->symbols);
    svc_arena_done(&x->arena);
    svc_buffer_done(&x->line);
    free(x);
}

struct execute_health execute_health(const struct execute *x)
{
    return (struct execute_health){.terminal = terminal_state(x->terminal).ready,
                                   .gateway = link_state(x->link).session != 0};
}

/* What was offered and not sent is given back at once; what was sent is waited for. */
void execute_begin_drain(struct execute *x)
{
    x->draining = true;
    svc_source_again(&x->work);
}

bool execute_is_idle(const struct execute *x)
{
    return book_is_idle(x->book);
}

void execute_finish(struct execute *x)
{
    (void)flush(x);
}
