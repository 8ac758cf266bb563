/* Messages: what is packed comes back; each bad field is refused by name; garbage never crashes. */
#include "contracts/messages.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID "11111111-1111-4111-8111-111111111111"

struct fixture {
    struct svc_arena arena;
    struct svc_buffer buffer;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    svc_arena_init(&f->arena, 4096);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    svc_arena_done(&f->arena);
    svc_buffer_done(&f->buffer);
    free(f);
    return 0;
}

static ProtobufCBinaryData bytes_of(const char *text)
{
    return (ProtobufCBinaryData){.len = strlen(text), .data = (uint8_t *)(uintptr_t)text};
}

static char *words(const char *text)
{
    return (char *)(uintptr_t)text;
}

static Tradewire__V1__Signal good_signal(void)
{
    static uint8_t key[32];
    Tradewire__V1__Signal m = TRADEWIRE__V1__SIGNAL__INIT;
    m.signal_id = m.user_id = m.strategy_id = words(UUID);
    m.has_dedup_key = 1;
    m.dedup_key = (ProtobufCBinaryData){.len = sizeof key, .data = key};
    m.has_dedup_kind = 1;
    m.dedup_kind = TRADEWIRE__V1__DEDUP_KIND__DEDUP_KIND_BODY;
    m.has_action = 1;
    m.action = TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_BUY;
    m.has_symbol = m.has_symbol_raw = m.has_raw_payload = 1;
    m.symbol = m.symbol_raw = bytes_of("EURUSD");
    m.raw_payload = bytes_of("{}");
    m.volume = words("0.10");
    m.has_received_unix_us = 1;
    m.received_unix_us = INT64_C(1700000000000000);
    return m;
}

static enum svc_rc round_trip(struct fixture *f, const Tradewire__V1__Signal *m,
                              struct svc_error *err)
{
    Tradewire__V1__Signal *back = NULL;
    contracts_pack(&m->base, &f->buffer);
    svc_arena_reset(&f->arena);
    const enum svc_rc rc =
        contracts_unpack_signal(&f->arena, f->buffer.bytes, f->buffer.len, &back, err);
    if (rc == SVC_OK)
        assert_string_equal(back->volume, "0.10");
    return rc;
}

static void a_good_signal_passes(void **state)
{
    struct svc_error err = {.rc = SVC_OK};
    const Tradewire__V1__Signal m = good_signal();
    assert_int_equal(round_trip(*state, &m, &err), SVC_OK);
}

#define REFUSED(change, field)                                                                     \
    do {                                                                                           \
        Tradewire__V1__Signal m = good_signal();                                                   \
        struct svc_error err = {.rc = SVC_OK};                                                     \
        change;                                                                                    \
        assert_int_equal(round_trip(*state, &m, &err), SVC_REJECT);                                \
        assert_string_equal(err.code, "bad_message");                                              \
        assert_non_null(strstr(err.text, field));                                                  \
    } while (0)

static void each_bad_field_is_named(void **state)
{
    REFUSED(m.signal_id = words("not-a-uuid"), "signal_id");
    REFUSED(m.user_id = NULL, "user_id");
    REFUSED(m.received_unix_us = 1700000000000000 * 1000, "received_unix_us");
    REFUSED(m.dedup_key.len = 31, "dedup_key");
    REFUSED(m.dedup_kind = (Tradewire__V1__DedupKind)9, "dedup_kind");
    REFUSED(m.action = (Tradewire__V1__SignalAction)77, "action");
    REFUSED(m.symbol = bytes_of("\xff\xfe"), "symbol");
    REFUSED((m.symbol.data = (uint8_t *)(uintptr_t) "EUR\0SD", m.symbol.len = 6), "symbol");
    REFUSED(m.volume = words("1e400000"), "volume");
    REFUSED(m.refusal_code = words("no_such_code"), "refusal_code");
    REFUSED(m.refusal_code = words("bad_json"), "dedup_key"); /* a refused alert takes no key */
}

static void an_envelope_needs_version_and_body(void **state)
{
    struct fixture *f = *state;
    struct svc_error err;
    Tradewire__V1__Envelope *back = NULL;
    Tradewire__V1__Envelope m = TRADEWIRE__V1__ENVELOPE__INIT;
    Tradewire__V1__Heartbeat beat = TRADEWIRE__V1__HEARTBEAT__INIT;
    m.has_version = 1;
    m.version = 1;
    contracts_pack(&m.base, &f->buffer);
    assert_int_equal(
        contracts_unpack_envelope(&f->arena, f->buffer.bytes, f->buffer.len, &back, &err),
        SVC_REJECT);
    beat.has_sent_unix_us = 1;
    beat.sent_unix_us = INT64_C(1700000000000000);
    m.body_case = TRADEWIRE__V1__ENVELOPE__BODY_HEARTBEAT;
    m.heartbeat = &beat;
    contracts_pack(&m.base, &f->buffer);
    assert_int_equal(
        contracts_unpack_envelope(&f->arena, f->buffer.bytes, f->buffer.len, &back, &err), SVC_OK);
    m.version = 2;
    contracts_pack(&m.base, &f->buffer);
    assert_int_equal(
        contracts_unpack_envelope(&f->arena, f->buffer.bytes, f->buffer.len, &back, &err),
        SVC_REJECT);
}

static Tradewire__V1__SymbolSpec good_spec(const char *name)
{
    Tradewire__V1__SymbolSpec m = TRADEWIRE__V1__SYMBOL_SPEC__INIT;
    m.has_name = m.has_digits = m.has_trade_mode = m.has_filling_mode = m.has_calc_mode = 1;
    m.has_stops_level = m.has_freeze_level = 1;
    m.name = bytes_of(name);
    m.digits = 5;
    m.point = m.tick_size = words("0.00001");
    m.tick_value = words("1.00000000");
    m.contract_size = words("100000");
    m.volume_min = m.volume_step = words("0.01");
    m.volume_max = words("500");
    m.volume_limit = words("0");
    m.trade_mode = 4;
    m.filling_mode = 3;
    m.currency_base = words("EUR");
    m.currency_profit = m.currency_margin = words("USD");
    return m;
}

/* A page as an agent sends it, and as it lies in Kafka: both are checked alike. */
static enum svc_rc page_passes(struct fixture *f, Tradewire__V1__SymbolsReport *page,
                               struct svc_error *err)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT, *back = NULL;
    Tradewire__V1__AgentEvent event = TRADEWIRE__V1__AGENT_EVENT__INIT, *event_back = NULL;
    envelope.has_version = event.has_at_unix_us = event.has_session_no = 1;
    envelope.version = MESSAGE_VERSION;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_SYMBOLS_REPORT;
    envelope.symbols_report = event.symbols = page;
    event.agent_id = event.user_id = words(UUID);
    event.at_unix_us = INT64_C(1700000000000000);
    event.session_no = 7;
    event.event_case = TRADEWIRE__V1__AGENT_EVENT__EVENT_SYMBOLS;
    svc_arena_reset(&f->arena);
    contracts_pack(&envelope.base, &f->buffer);
    const enum svc_rc rc =
        contracts_unpack_envelope(&f->arena, f->buffer.bytes, f->buffer.len, &back, err);
    contracts_pack(&event.base, &f->buffer);
    assert_int_equal(
        contracts_unpack_agent_event(&f->arena, f->buffer.bytes, f->buffer.len, &event_back, err),
        rc);
    return rc;
}

#define PAGE_REFUSED(change, field)                                                                \
    do {                                                                                           \
        Tradewire__V1__SymbolSpec a = good_spec("EURUSD"), b = good_spec("EURUSD.m");              \
        Tradewire__V1__SymbolSpec *specs[] = {&a, &b};                                             \
        Tradewire__V1__SymbolsReport page = TRADEWIRE__V1__SYMBOLS_REPORT__INIT;                   \
        struct svc_error err = {.rc = SVC_OK};                                                     \
        page.has_report = page.has_page = 1;                                                       \
        page.report = page.page = 1;                                                               \
        page.symbols = specs;                                                                      \
        page.n_symbols = 2;                                                                        \
        assert_int_equal(page_passes(*state, &page, &err), SVC_OK);                                \
        change;                                                                                    \
        assert_int_equal(page_passes(*state, &page, &err), SVC_REJECT);                            \
        assert_non_null(strstr(err.text, field));                                                  \
    } while (0)

static void each_bad_field_of_a_page_is_named(void **state)
{
    Tradewire__V1__SymbolSpec *many[101];
    PAGE_REFUSED(page.report = 0, "symbols.report");
    PAGE_REFUSED(page.report = UINT64_MAX, "symbols.report");
    PAGE_REFUSED(page.page = 0, "symbols.page");
    PAGE_REFUSED(page.page = 10001, "symbols.page");
    PAGE_REFUSED(b.has_name = 0, "symbols.name");
    PAGE_REFUSED(b.name.len = 0, "symbols.name");
    PAGE_REFUSED(b.name = bytes_of("EURUSD"), "symbols.name is not ascending");
    PAGE_REFUSED(b.name = bytes_of("EURUS"), "symbols.name is not ascending");
    PAGE_REFUSED(b.name = bytes_of("AUDUSD.m"), "symbols.name is not ascending");
    PAGE_REFUSED(a.name = bytes_of("\xff"), "symbols.name");
    PAGE_REFUSED(a.digits = 17, "symbols.digits");
    PAGE_REFUSED(a.point = NULL, "symbols.point");
    PAGE_REFUSED(a.tick_size = words("x"), "symbols.tick_size");
    PAGE_REFUSED(a.tick_value = words("-1"), "symbols.tick_value is negative");
    PAGE_REFUSED(a.contract_size = words(""), "symbols.contract_size");
    PAGE_REFUSED(a.volume_min = NULL, "symbols.volume_min");
    PAGE_REFUSED(a.volume_max = NULL, "symbols.volume_max");
    PAGE_REFUSED(a.volume_step = words("1e400000"), "symbols.volume_step");
    PAGE_REFUSED(a.volume_limit = NULL, "symbols.volume_limit");
    PAGE_REFUSED(a.stops_level = UINT32_MAX, "symbols.stops_level");
    PAGE_REFUSED(a.freeze_level = UINT32_MAX, "symbols.freeze_level");
    PAGE_REFUSED(a.trade_mode = 5, "symbols.trade_mode");
    PAGE_REFUSED(a.filling_mode = 8, "symbols.filling_mode");
    PAGE_REFUSED(a.calc_mode = 256, "symbols.calc_mode");
    PAGE_REFUSED(a.currency_base = words("ABCDEFGHIJKLMNOPQ"), "symbols.currency_base");
    PAGE_REFUSED(a.currency_profit = words("\xff"), "symbols.currency_profit");
    PAGE_REFUSED(a.currency_margin = words("\xff"), "symbols.currency_margin");
    for (size_t i = 0; i < sizeof many / sizeof many[0]; i++) {
        static Tradewire__V1__SymbolSpec specs[101];
        static char names[101][8];
        (void)snprintf(names[i], sizeof names[i], "S%03zu", i);
        specs[i] = good_spec(names[i]);
        many[i] = &specs[i];
    }
    PAGE_REFUSED((page.symbols = many, page.n_symbols = 101), "symbols are too many");
}

static void an_event_names_its_session(void **state)
{
    struct fixture *f = *state;
    struct svc_error err;
    Tradewire__V1__AgentEvent m = TRADEWIRE__V1__AGENT_EVENT__INIT, *back = NULL;
    m.agent_id = m.user_id = words(UUID);
    m.has_at_unix_us = 1;
    m.at_unix_us = INT64_C(1700000000000000);
    m.event_case = TRADEWIRE__V1__AGENT_EVENT__EVENT_SESSION_ENDED;
    m.session_ended = 1;
    contracts_pack(&m.base, &f->buffer);
    assert_int_equal(
        contracts_unpack_agent_event(&f->arena, f->buffer.bytes, f->buffer.len, &back, &err),
        SVC_REJECT);
    assert_non_null(strstr(err.text, "session_no"));
    m.has_session_no = 1;
    m.session_no = 1;
    contracts_pack(&m.base, &f->buffer);
    assert_int_equal(
        contracts_unpack_agent_event(&f->arena, f->buffer.bytes, f->buffer.len, &back, &err),
        SVC_OK);
    assert_true(back->session_ended);
}

static void garbage_is_refused_not_believed(void **state)
{
    struct fixture *f = *state;
    const unsigned seed = 20261121;
    printf("seed %u\n", seed);
    srandom(seed);
    for (int round = 0; round < 20000; round++) {
        uint8_t noise[64];
        const size_t len = (size_t)random() % sizeof noise;
        for (size_t i = 0; i < len; i++)
            noise[i] = (uint8_t)random();
        struct svc_error err;
        Tradewire__V1__Signal *signal = NULL;
        Tradewire__V1__JobResult *result = NULL;
        svc_arena_reset(&f->arena);
        assert_int_equal(contracts_unpack_signal(&f->arena, noise, len, &signal, &err), SVC_REJECT);
        assert_int_equal(contracts_unpack_job_result(&f->arena, noise, len, &result, &err),
                         SVC_REJECT);
    }
    struct svc_error err;
    Tradewire__V1__JobReady *ready = NULL;
    assert_int_equal(contracts_unpack_job_ready(&f->arena, NULL, 0, &ready, &err), SVC_REJECT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_good_signal_passes, setup, teardown),
        cmocka_unit_test_setup_teardown(each_bad_field_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(an_envelope_needs_version_and_body, setup, teardown),
        cmocka_unit_test_setup_teardown(each_bad_field_of_a_page_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(an_event_names_its_session, setup, teardown),
        cmocka_unit_test_setup_teardown(garbage_is_refused_not_believed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
