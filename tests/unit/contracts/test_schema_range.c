/* A schema that grew is fine; one that lacks something, or lost something, is not. */
#include "contracts/schema_range.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct schema_range range = {.needs = 20, .knows = 30};

static bool judge(uint64_t newest, uint64_t contract, const char *word)
{
    char text[SCHEMA_TEXT];
    const struct schema_found found = {.newest = newest, .newest_contract = contract};
    const bool good = schema_judge(&range, &found, text);
    assert_non_null(strstr(text, word));
    return good;
}

static void what_has_all_that_is_needed_fits(void **state)
{
    (void)state;
    assert_true(judge(20, 0, "accepted: 20 or newer, not narrowed after 30"));
    assert_true(judge(30, 25, "schema 30;"));
    assert_true(judge(40, 0, "schema 40;")); /* a newer release expanded it */
    assert_true(judge(40, 30, "schema 40;"));
}

static void what_lacks_something_says_what_to_do(void **state)
{
    (void)state;
    assert_false(judge(0, 0, "no migration is applied: run migrate up"));
    assert_false(judge(19, 0, "schema 19, but at least 20 is needed: run migrate up"));
}

static void what_was_narrowed_later_needs_a_newer_program(void **state)
{
    (void)state;
    assert_false(judge(40, 31, "narrowed by 31, this program knows up to 30"));
}

static void this_release_knows_what_it_needs(void **state)
{
    (void)state;
    assert_true(schema_range.needs <= schema_range.knows);
    assert_true(schema_range.needs > 20251101000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_all_that_is_needed_fits),
        cmocka_unit_test(what_lacks_something_says_what_to_do),
        cmocka_unit_test(what_was_narrowed_later_needs_a_newer_program),
        cmocka_unit_test(this_release_knows_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
