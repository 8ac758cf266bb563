/* halving.c: every good record of a refused batch passes, every bad one ends alone, whatever their
 * places; what is alone is buried or tried again by its error. */
#include "halving.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT_MAX = 300 };

static const struct svc_error bad = {.rc = SVC_REJECT, .code = "22P02", .text = "invalid input"};

/* Play a database that refuses every transaction with a bad record in it. Returns its transactions.
 */
static unsigned settle(size_t count, const bool *is_bad, unsigned passed[COUNT_MAX],
                       unsigned buried[COUNT_MAX])
{
    struct halving halving;
    bool gone[COUNT_MAX] = {false};
    unsigned transactions = 0;
    halving_begin(&halving, count);
    for (size_t end = 0; halving_next(&halving, &end);) {
        assert_true(end > halving.at && end <= count);
        assert_true(++transactions < 10 * COUNT_MAX);
        bool refused = false;
        for (size_t i = halving.at; i < end; i++)
            refused = refused || (is_bad[i] && !gone[i]);
        if (!refused) {
            for (size_t i = halving.at; i < end; i++)
                passed[i]++;
            halving_passed(&halving, end);
            continue;
        }
        const size_t at = halving.at;
        const enum halving_step step = halving_refused(&halving, end, 0, &bad);
        assert_int_equal(step, end - at == 1 ? HALVING_BURY : HALVING_SMALLER);
        if (step == HALVING_BURY) {
            gone[at] = true;
            buried[at]++;
        }
    }
    return transactions;
}

static void check(size_t count, const bool *is_bad, unsigned transactions_max)
{
    unsigned passed[COUNT_MAX] = {0}, buried[COUNT_MAX] = {0};
    const unsigned transactions = settle(count, is_bad, passed, buried);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(passed[i], 1); /* a buried one's position moves, too */
        assert_int_equal(buried[i], is_bad[i] ? 1 : 0);
    }
    assert_in_range(transactions, 0, transactions_max);
}

static void test_none_bad(void **state)
{
    (void)state;
    static const bool none[COUNT_MAX];
    check(0, none, 0);
    check(1, none, 1);
    check(COUNT_MAX, none, 1);
}

static void test_one_bad_at_every_place(void **state)
{
    (void)state;
    for (size_t count = 1; count <= 33; count++) {
        for (size_t at = 0; at < count; at++) {
            bool is_bad[COUNT_MAX] = {false};
            is_bad[at] = true;
            check(count, is_bad, 20);
        }
    }
    bool is_bad[COUNT_MAX] = {false};
    is_bad[255] = true;
    check(256, is_bad, 20);
}

static void test_any_bad(void **state)
{
    (void)state;
    for (unsigned bits = 0; bits < 1u << 9; bits++) {
        bool is_bad[COUNT_MAX] = {false};
        for (unsigned i = 0; i < 9; i++)
            is_bad[i] = bits >> i & 1;
        check(9, is_bad, 60);
    }
}

static void test_all_bad(void **state)
{
    (void)state;
    bool is_bad[COUNT_MAX];
    memset(is_bad, true, sizeof is_bad);
    check(COUNT_MAX, is_bad, 12 * COUNT_MAX);
}

static enum halving_step alone(const char *code, const char *text, unsigned tries)
{
    struct halving halving;
    struct svc_error err = {.rc = SVC_REJECT};
    (void)snprintf(err.code, sizeof err.code, "%s", code);
    (void)snprintf(err.text, sizeof err.text, "%s", text);
    halving_begin(&halving, 1);
    return halving_refused(&halving, 1, tries, &err);
}

static void test_alone(void **state)
{
    (void)state;
    static const char user[] = "insert on table \"tv_signals\" violates foreign key constraint "
                               "\"tv_signals_user_id_fkey\" (constraint tv_signals_user_id_fkey)";
    static const char agent[] = "… violates foreign key … (constraint jobs_target_agent_id_fkey)";
    assert_int_equal(alone("22P02", "invalid input syntax", 0), HALVING_BURY);
    assert_int_equal(alone("23503", user, 0), HALVING_BURY); /* no reading brings a user back */
    assert_int_equal(alone("23503", agent, 0), HALVING_AGAIN);
    assert_int_equal(alone("23503", agent, HALVING_TRIES_MAX - 1), HALVING_AGAIN);
    assert_int_equal(alone("23503", agent, HALVING_TRIES_MAX), HALVING_BURY);
    assert_int_equal(alone("23514", "no_account: the user has none", 0), HALVING_AGAIN);
    assert_int_equal(alone("23514", "unheard_of: text", 0), HALVING_BURY);
}

static const char *code_of(const char *code, const char *text)
{
    struct svc_error err = {.rc = SVC_REJECT};
    (void)snprintf(err.code, sizeof err.code, "%s", code);
    (void)snprintf(err.text, sizeof err.text, "%s", text);
    return refusal_code(&err);
}

static void test_codes(void **state)
{
    (void)state;
    assert_string_equal(code_of("23503", "(constraint tv_signals_user_id_fkey)"), "user_deleted");
    assert_string_equal(code_of("23514", "no_account: none"), "no_account");
    assert_string_equal(code_of("P0001", "no_account_at_all: none"), "unprocessable");
    assert_string_equal(code_of("22P02", "invalid input syntax for type json: \"…"),
                        "unprocessable");
    assert_string_equal(code_of("22P02", ""), "unprocessable");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_bad), cmocka_unit_test(test_one_bad_at_every_place),
        cmocka_unit_test(test_any_bad),  cmocka_unit_test(test_all_bad),
        cmocka_unit_test(test_alone),    cmocka_unit_test(test_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
