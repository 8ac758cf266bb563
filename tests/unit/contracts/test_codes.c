/* The table of codes: every name is well-formed and found again, retcodes stand for their family.
 */
#include "contracts/codes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_entry_is_complete(void **state)
{
    (void)state;
    for (int i = 0; i < CODE_COUNT; i++) {
        const struct code_entry *entry = code_entry((enum code)i);
        assert_true(strspn(entry->name, "abcdefghijklmnopqrstuvwxyz_<>") == strlen(entry->name));
        assert_true(strlen(entry->meaning) > 0 && strlen(entry->remedy) > 0);
        if (i != CODE_RETCODE)
            assert_true(code_known(entry->name, -1));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(entry->name, code_name((enum code)j));
    }
}

static void retcodes_are_a_family(void **state)
{
    (void)state;
    assert_true(code_known("retcode_10019", -1));
    assert_true(code_known("stale: 12 ms too late", 5));
    assert_false(code_known("retcode_", -1));
    assert_false(code_known("retcode_<n>", -1));
    assert_false(code_known("retcode_1x", -1));
    assert_false(code_known("no_such_code", -1));
    assert_false(code_known("", -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_complete),
        cmocka_unit_test(retcodes_are_a_family),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
