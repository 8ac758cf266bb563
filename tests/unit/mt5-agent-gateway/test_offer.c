/* A row becomes an offer that lib/contracts accepts, or a refusal that names what cannot be said.
 */
#include "offer.h"

#include "svc/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "00000000-0000-4000-8000-000000000001"
static const char trade_input[] =
    "{\"op\":\"open\",\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.10\",\"sl\":\"1.07\","
    "\"tp\":null,\"deviation_points\":\"20\",\"magic_tag\":\"7\",\"comment\":\"breakout\","
    "\"source\":\"tv_signal\",\"signal_id\":\"" ID "\"}";

static struct svc_arena arena;
static struct job_row row;
static Tradewire__V1__JobOffer offer;
static struct svc_error err;

static int set_up(void **state)
{
    (void)state;
    svc_arena_init(&arena, 4096);
    memset(&err, 0, sizeof err);
    row = (struct job_row){.job_id = ID,
                           .job_type = "trade",
                           .agent_id = ID,
                           .user_id = ID,
                           .lane = LANE_EFFECTS,
                           .lease_epoch = 3,
                           .session_no = 9,
                           .lease_ms = 60000,
                           .expires_unix_us = 1800000000000000,
                           .claimed_unix_us = 1799999999000000,
                           .created_unix_us = 1799999990000000,
                           .seq = 12,
                           .input = trade_input};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    svc_arena_done(&arena);
    return 0;
}

static enum svc_rc build(bool question)
{
    const struct offer_terms terms = {.question = question, .asked_unix_us = 1799999998000000};
    return offer_build(&arena, &row, &terms, &offer, &err);
}

static enum svc_rc build_input(const char *input)
{
    row.input = input;
    return build(false);
}

/* As the agent gets it: packed, unpacked, checked. */
static enum svc_rc send_offer(const Tradewire__V1__JobOffer **ret)
{
    Tradewire__V1__Envelope envelope = TRADEWIRE__V1__ENVELOPE__INIT, *back = NULL;
    struct svc_buffer packed = {.bytes = NULL};
    envelope.has_version = 1;
    envelope.version = MESSAGE_VERSION;
    envelope.body_case = TRADEWIRE__V1__ENVELOPE__BODY_JOB_OFFER;
    envelope.job_offer = &offer;
    contracts_pack(&envelope.base, &packed);
    const enum svc_rc rc = contracts_unpack_envelope(&arena, packed.bytes, packed.len, &back, &err);
    svc_buffer_done(&packed);
    *ret = rc == SVC_OK ? back->job_offer : NULL;
    return rc;
}

static const Tradewire__V1__JobOffer *sent(void)
{
    const Tradewire__V1__JobOffer *got = NULL;
    if (send_offer(&got) != SVC_OK)
        fail_msg("%s: %s", err.code, err.text);
    return got;
}

static bool bytes_are(const ProtobufCBinaryData *data, const char *text)
{
    return data->len == strlen(text) && memcmp(data->data, text, data->len) == 0;
}

static void a_trade_says_everything(void **state)
{
    (void)state;
    assert_int_equal(build(false), SVC_OK);
    const Tradewire__V1__JobOffer *got = sent();
    assert_string_equal(got->job_id, ID);
    assert_string_equal(got->job_type, "trade");
    assert_int_equal(got->lease_epoch, 3);
    assert_int_equal(got->session_no, 9);
    assert_int_equal(got->seq, 12);
    assert_false(got->question);
    assert_int_equal(got->lease_ms, 60000);
    assert_true(got->expires_unix_us == 1800000000000000);
    /* The lease is counted from before the claim was asked for, not from what Postgres says. */
    assert_true(got->claimed_unix_us == 1799999998000000);
    assert_int_equal(got->magic_tag, 7);
    assert_true(bytes_are(&got->comment, "breakout"));
    assert_null(got->account);
    assert_true(bytes_are(&got->trade->symbol, "EURUSD"));
    assert_string_equal(got->trade->side, "buy");
    assert_string_equal(got->trade->volume, "0.10");
    assert_string_equal(got->trade->sl, "1.07");
    assert_null(got->trade->tp);
    assert_int_equal(got->trade->deviation_points, 20);
    assert_null(got->close);
}

/* Postgres gives out no number beyond BIGINT, and an agent believes none. */
static void a_place_in_the_order_has_63_bits(void **state)
{
    (void)state;
    const Tradewire__V1__JobOffer *got = NULL;
    row.seq = INT64_MAX;
    assert_int_equal(build(false), SVC_OK);
    assert_true(sent()->seq == INT64_MAX);
    row.seq++;
    assert_int_equal(build(false), SVC_OK);
    assert_int_equal(send_offer(&got), SVC_REJECT);
    assert_non_null(strstr(err.text, "job_offer.seq"));
}

static void the_bound_account_goes_along(void **state)
{
    (void)state;
    row.server = "Sim-Demo";
    row.login = "100001";
    row.currency = "USD";
    row.margin_mode = "hedging";
    row.is_real = true;
    assert_int_equal(build(false), SVC_OK);
    const Tradewire__V1__Account *account = sent()->account;
    assert_true(bytes_are(&account->server, "Sim-Demo"));
    assert_true(bytes_are(&account->login, "100001"));
    assert_string_equal(account->currency, "USD");
    assert_string_equal(account->margin_mode, "hedging");
    assert_true(account->is_real);
}

static void a_close_has_a_scope_and_a_limit_in_time(void **state)
{
    (void)state;
    row.job_type = "close_position";
    assert_int_equal(
        build_input("{\"symbol\":\"EURUSD\",\"scope\":\"strategy\",\"magic_tag\":\"7\","
                    "\"opened_before_unix_us\":\"1799999980000001\"}"),
        SVC_OK);
    const Tradewire__V1__ClosePosition *close = sent()->close;
    assert_int_equal(close->scope, TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_STRATEGY);
    assert_true(close->opened_before_unix_us == 1799999980000001);
    assert_true(bytes_are(&close->symbol, "EURUSD"));
    assert_int_equal(build_input("{\"opened_before\":\"2027-01-15T07:59:40Z\"}"), SVC_OK);
    assert_true(sent()->close->opened_before_unix_us == 1799999980000000);
    /* Said by nobody: its own strategy's positions, opened before the job was made. */
    assert_int_equal(build_input("{}"), SVC_OK);
    assert_int_equal(sent()->close->scope, TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_STRATEGY);
    assert_true(sent()->close->opened_before_unix_us == row.created_unix_us);
    assert_int_equal(build_input("{\"scope\":\"account\"}"), SVC_OK);
    assert_int_equal(sent()->close->scope, TRADEWIRE__V1__CLOSE_SCOPE__CLOSE_SCOPE_ACCOUNT);
}

static void a_read_takes_its_input_along(void **state)
{
    (void)state;
    row.job_type = "get_candles";
    row.lane = LANE_READS;
    assert_int_equal(build_input("{\"count\": 1.10}"), SVC_OK);
    assert_true(bytes_are(&sent()->input, "{\"count\": 1.10}"));
    row.input = NULL;
    assert_int_equal(build(false), SVC_OK);
    assert_false(sent()->has_input);
}

/* Each would have traded something else than what was asked for, had it been left out or guessed.
 */
static void what_cannot_be_said_is_refused(void **state)
{
    static const char *const inputs[] = {
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.1\",\"sl_pips\":\"30\"}",
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.1\",\"op\":\"modify\"}",
        "{\"symbol\":\"EURUSD\",\"side\":\"close\",\"volume\":\"0.1\"}",
        "{\"symbol\":\"EURUSD\",\"side\":\"BUY\",\"volume\":\"0.1\"}",
        "{\"symbol\":\"EURUSD\",\"volume\":\"0.1\"}",
        "{\"side\":\"buy\",\"volume\":\"0.1\"}",
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\"}",
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0,1\"}",
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":0.1}", /* SQL makes it text */
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.1\",\"tp\":[\"1.2\",\"1.3\"]}",
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.1\",\"magic_tag\":\"1048576\"}",
        "{\"symbol\":\"EURUSD\",\"side\":\"buy\",\"volume\":\"0.1\",\"deviation_points\":\"-1\"}",
        "[]",
        "not json",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        memset(&err, 0, sizeof err);
        assert_int_equal(build_input(inputs[i]), SVC_REJECT);
        assert_string_equal(err.code, "agent_unsupported");
    }
    assert_int_equal(build_input("{\"risk\":\"1\"}"), SVC_REJECT);
    assert_non_null(strstr(err.text, "risk"));
}

static void closes_that_cannot_be_said_are_refused(void **state)
{
    static const char *const inputs[] = {"{\"ticket\":\"12\"}", "{\"pct\":\"50\"}",
                                         "{\"scope\":\"all\"}", "{\"scope\":\"symbol\"}",
                                         "{\"opened_before\":\"yesterday\"}"};
    (void)state;
    row.job_type = "close_position";
    for (unsigned i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        assert_int_equal(build_input(inputs[i]), SVC_REJECT);
        assert_string_equal(err.code, "agent_unsupported");
    }
    row.job_type = "liquidate";
    assert_int_equal(build_input("{}"), SVC_REJECT);
}

/* What became of it is asked for, whatever the input says now. */
static void a_question_is_never_refused(void **state)
{
    (void)state;
    row.terminal_only = true;
    assert_int_equal(build(true), SVC_OK);
    assert_true(sent()->question);
    assert_true(sent()->terminal_only);
    row.input = "{\"symbol\":\"EURUSD\",\"sl_pips\":\"3\",\"magic_tag\":\"9\"}";
    assert_int_equal(build(true), SVC_OK);
    assert_null(sent()->trade);
    assert_int_equal(sent()->magic_tag, 9);
    row.input = "not json";
    assert_int_equal(build(true), SVC_OK);
    assert_true(sent()->question);
}

static void terminal_only_belongs_to_questions(void **state)
{
    (void)state;
    row.terminal_only = true;
    assert_int_equal(build(false), SVC_OK);
    assert_false(sent()->terminal_only);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_trade_says_everything),
        TEST(a_place_in_the_order_has_63_bits),
        TEST(the_bound_account_goes_along),
        TEST(a_close_has_a_scope_and_a_limit_in_time),
        TEST(a_read_takes_its_input_along),
        TEST(what_cannot_be_said_is_refused),
        TEST(closes_that_cannot_be_said_are_refused),
        TEST(a_question_is_never_refused),
        TEST(terminal_only_belongs_to_questions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
