/* Reading and telling, one page after the other. */
#include "symbols.h"

#include <stdlib.h>
#include <string.h>

enum state { READING, SAYING, TOLD };

struct symbols {
    uint64_t (*number)(void *arg);
    void *arg;
    enum state state;
    uint64_t link_session, terminal_session; /* that the report is for */
    struct symbols_page page;                /* SAYING: this one; before: its report and number */
    char after[RECORD_SYMBOL_TEXT];
    size_t count; /* of symbols in the pages so far */
    /* the outstanding command */
    uint64_t asked_id, asked_session, asked_report; /* asked_id 0: none */
    int64_t asked_mono_us;
    int64_t ask_from_mono_us, say_mono_us;
    unsigned failures; /* in a row */
    const char *complaint;
};

struct symbols *symbols_new(uint64_t (*number)(void *arg), void *arg)
{
    struct symbols *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    s->number = number;
    s->arg = arg;
    s->state = TOLD; /* nothing to anybody */
    return s;
}

void symbols_free(struct symbols **symbols)
{
    free(*symbols);
    *symbols = NULL;
}

static int64_t pause_us(unsigned failures)
{
    int64_t pause_ms = SYMBOLS_PAUSE_MS;
    while (--failures > 0 && pause_ms < SYMBOLS_PAUSE_MAX_MS)
        pause_ms *= 2;
    return (pause_ms < SYMBOLS_PAUSE_MAX_MS ? pause_ms : SYMBOLS_PAUSE_MAX_MS) * 1000;
}

static void fail(struct symbols *s, int64_t now_mono_us, const char *complaint)
{
    s->asked_id = 0;
    s->failures++;
    s->ask_from_mono_us = now_mono_us + pause_us(s->failures);
    s->complaint = complaint;
}

static void watch_command(struct symbols *s, const struct symbols_now *now)
{
    if (s->asked_id == 0)
        return;
    if (s->asked_session != now->terminal_session)
        fail(s, now->mono_us, "the terminal's connection ended before it answered");
    else if (now->mono_us - s->asked_mono_us >= (int64_t)SYMBOLS_ANSWER_MS * 1000)
        fail(s, now->mono_us, "the terminal did not answer");
}

static void begin(struct symbols *s, const struct symbols_now *now)
{
    s->link_session = now->link_session;
    s->terminal_session = now->terminal_session;
    s->page.report++;
    s->page.page = 0;
    s->after[0] = '\0';
    s->count = 0;
    s->state = READING;
}

static void read_on(struct symbols *s, const struct symbols_now *now, struct symbols_action *ret)
{
    if (s->asked_id != 0) {
        ret->wake_mono_us = s->asked_mono_us + (int64_t)SYMBOLS_ANSWER_MS * 1000;
    } else if (now->mono_us < s->ask_from_mono_us) {
        ret->wake_mono_us = s->ask_from_mono_us;
    } else if (now->may_ask) {
        s->asked_id = s->number(s->arg);
        s->asked_session = now->terminal_session;
        s->asked_report = s->page.report;
        s->asked_mono_us = now->mono_us;
        ret->act = SYMBOLS_ASK;
        ret->command_id = s->asked_id;
        ret->after = s->after;
        ret->wake_mono_us = now->mono_us + (int64_t)SYMBOLS_ANSWER_MS * 1000;
    }
}

static void say(struct symbols *s, const struct symbols_now *now, struct symbols_action *ret)
{
    if (now->mono_us >= s->say_mono_us) {
        s->say_mono_us = now->mono_us + (int64_t)SYMBOLS_AGAIN_MS * 1000;
        ret->act = SYMBOLS_SAY;
        ret->page = &s->page;
    }
    ret->wake_mono_us = s->say_mono_us;
}

void symbols_next(struct symbols *s, const struct symbols_now *now, struct symbols_action *ret)
{
    *ret = (struct symbols_action){.act = SYMBOLS_NOTHING};
    watch_command(s, now);
    if (now->link_session != 0 && now->terminal_session != 0) {
        if (now->link_session != s->link_session || now->terminal_session != s->terminal_session)
            begin(s, now);
        if (s->state == READING)
            read_on(s, now, ret);
        else if (s->state == SAYING)
            say(s, now, ret);
    }
    ret->complaint = s->complaint;
    s->complaint = NULL;
}

static void take_page(struct symbols *s, const struct wire_message *m)
{
    size_t room = SYMBOLS_MAX - s->count;
    s->page.count = m->count < room ? m->count : room;
    memcpy(s->page.symbols, m->symbols, s->page.count * sizeof *m->symbols);
    s->count += s->page.count;
    s->page.page++;
    s->page.last = !m->more || s->count == SYMBOLS_MAX;
    if (s->count == SYMBOLS_MAX && (m->more || m->count > room))
        s->complaint = "the broker has more than 10000 symbols; the rest is left out";
    if (s->page.count > 0)
        memcpy(s->after, s->page.symbols[s->page.count - 1].name, sizeof s->after);
    s->state = SAYING;
    s->say_mono_us = 0;
}

void symbols_answered(struct symbols *s, const struct wire_message *m, int64_t now_mono_us)
{
    if (m->kind != WIRE_SYMBOLS || s->asked_id == 0 || m->id != s->asked_id)
        return;
    s->asked_id = 0;
    if (s->asked_report != s->page.report)
        return; /* of a report that was begun anew meanwhile */
    if (m->error[0] != '\0')
        fail(s, now_mono_us, "the terminal cannot list its symbols");
    else if (m->count > 0 && strcmp(m->symbols[0].name, s->after) <= 0)
        fail(s, now_mono_us, "a page begins before the end of the one before it");
    else
        take_page(s, m);
}

size_t symbols_acked(struct symbols *s, uint64_t report, uint32_t page)
{
    if (s->state != SAYING || report != s->page.report || page != s->page.page)
        return 0;
    s->state = s->page.last ? TOLD : READING;
    if (s->state != TOLD)
        return 0;
    s->failures = 0;
    return s->count;
}
