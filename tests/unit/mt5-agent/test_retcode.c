/* The class table of domain-trading.md section 5, row by row: a changed class is a changed decision
 * about somebody's money, so it must be changed in two places. */
#include "retcode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
    uint32_t retcode;
    enum retcode_class opening, closing;
} expected[] = {
    {10004, RETCODE_CLASS_PRICE, RETCODE_CLASS_PRICE},
    {10006, RETCODE_CLASS_LOOK, RETCODE_CLASS_LOOK},
    {10007, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10008, RETCODE_CLASS_ACK, RETCODE_CLASS_ACK},
    {10009, RETCODE_CLASS_OK, RETCODE_CLASS_OK},
    {10010, RETCODE_CLASS_OK, RETCODE_CLASS_OK},
    {10011, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10012, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10013, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10014, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10015, RETCODE_CLASS_PRICE, RETCODE_CLASS_PRICE},
    {10016, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10017, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10018, RETCODE_CLASS_CLOSED, RETCODE_CLASS_CLOSED},
    {10019, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10020, RETCODE_CLASS_PRICE, RETCODE_CLASS_PRICE},
    {10021, RETCODE_CLASS_PRICE, RETCODE_CLASS_PRICE},
    {10022, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10023, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10024, RETCODE_CLASS_WAIT, RETCODE_CLASS_WAIT},
    {10025, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10026, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10027, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10028, RETCODE_CLASS_WAIT, RETCODE_CLASS_WAIT},
    {10029, RETCODE_CLASS_WAIT, RETCODE_CLASS_WAIT},
    {10030, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10031, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10032, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10033, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10034, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10035, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10036, RETCODE_CLASS_STOP, RETCODE_CLASS_ASK},
    {10038, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10039, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10040, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10041, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10042, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10043, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10044, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10045, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    {10046, RETCODE_CLASS_STOP, RETCODE_CLASS_STOP},
    /* what nobody has heard of is asked about, never taken for a refusal */
    {0, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {1, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10005, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10037, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {10047, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
    {UINT32_MAX, RETCODE_CLASS_ASK, RETCODE_CLASS_ASK},
};

static void classes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        if (retcode_rule(expected[i].retcode, false)->class != expected[i].opening)
            fail_msg("class of %u, opening", expected[i].retcode);
        if (retcode_rule(expected[i].retcode, true)->class != expected[i].closing)
            fail_msg("class of %u, closing", expected[i].retcode);
    }
}

static void retries(void **state)
{
    (void)state;
    const struct retcode_rule *requote = retcode_rule(10004, false);
    const struct retcode_rule *price = retcode_rule(10015, false);
    const struct retcode_rule *off = retcode_rule(10021, false);
    const struct retcode_rule *many = retcode_rule(10024, false);
    const struct retcode_rule *locked = retcode_rule(10028, false);
    assert_int_equal(requote->retries, 3);
    assert_int_equal(price->retries, 1);
    assert_int_equal(retcode_pause_ms(requote, 3), 0);
    assert_int_equal(retcode_pause_ms(off, 1), 200);
    assert_int_equal(retcode_pause_ms(off, 3), 200);
    assert_int_equal(retcode_pause_ms(many, 1), 1000);
    assert_int_equal(retcode_pause_ms(many, 2), 2000);
    assert_int_equal(retcode_pause_ms(many, 3), 4000);
    assert_int_equal(many->class_when_spent, RETCODE_CLASS_STOP);
    assert_int_equal(locked->class_when_spent, RETCODE_CLASS_ASK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes),
        cmocka_unit_test(retries),
    };
    return cmocka_run_group_tests_name("retcode", tests, NULL, NULL);
}
