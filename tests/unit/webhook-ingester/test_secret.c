/* Which paths and members can hold a secret; those of older installations are any text. */
#include "secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void segments(void **state)
{
    static const struct {
        const char *segment, *secret; /* secret NULL: nobody's */
    } cases[] = {
        {"0123456789abcdef", "0123456789abcdef"},
        {"Old_Secret-One42", "Old_Secret-One42"},
        {"secret%20one", "secret one"},
        {"a%2Fb%2fc", "a/b/c"},
        {"100%25", "100%"},
        {"a+b", "a+b"},
        {"%2541", "%41"}, /* decoded once */
        {"schl%C3%BCssel", "schl\xc3\xbcssel"},
        {"schl\xc3\xbcssel", "schl\xc3\xbcssel"},
        {"x", "x"},
        {"", NULL},
        {"a%00b", NULL},
        {"a%0Ab", NULL},
        {"a%7f", NULL},
        {"%ff", NULL},
        {"\xff", NULL},
        {"%", NULL},
        {"a%4", NULL},
        {"a%g0", NULL},
        {"a%0g", NULL},
    };
    struct secret secret;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const bool found = secret_from_segment(cases[i].segment, &secret);
        if (found != (cases[i].secret != NULL))
            fail_msg("\"%s\": %s", cases[i].segment, found ? "taken" : "not taken");
        if (!found)
            continue;
        assert_string_equal(secret.text, cases[i].secret);
        assert_int_equal(secret.len, strlen(cases[i].secret));
    }
}

static void lengths(void **state)
{
    char plain[SECRET_MAX + 2], encoded[3 * (SECRET_MAX + 1) + 1];
    struct secret secret;
    (void)state;
    memset(plain, 'a', sizeof plain);
    for (size_t i = 0; i <= SECRET_MAX; i++)
        (void)snprintf(encoded + 3 * i, 4, "%%61");
    plain[SECRET_MAX + 1] = '\0';
    assert_false(secret_from_segment(plain, &secret));
    assert_false(secret_from_segment(encoded, &secret));
    assert_false(secret_from_text(plain, SECRET_MAX + 1, &secret));
    plain[SECRET_MAX] = encoded[3 * SECRET_MAX] = '\0';
    assert_true(secret_from_segment(plain, &secret));
    assert_true(secret_from_segment(encoded, &secret));
    assert_int_equal(secret.len, SECRET_MAX);
    assert_true(secret_from_text(plain, SECRET_MAX, &secret));
    assert_string_equal(secret.text, plain);
}

static void members(void **state)
{
    struct secret secret;
    (void)state;
    assert_true(secret_from_text("secret%20one", 12, &secret));
    assert_string_equal(secret.text, "secret%20one"); /* no URL, so nothing is decoded */
    assert_false(secret_from_text("a\0b", 3, &secret));
    assert_false(secret_from_text("a\nb", 3, &secret));
    assert_false(secret_from_text("", 0, &secret));
    assert_false(secret_from_text(NULL, 0, &secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(segments), cmocka_unit_test(lengths),
                                       cmocka_unit_test(members)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
