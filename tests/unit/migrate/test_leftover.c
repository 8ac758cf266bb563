/* Which index a statement names. */
#include "leftover.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void names_are_whole_words(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        bool named;
    } cases[] = {
        {"CREATE INDEX CONCURRENTLY a_id ON a (id)", "a_id", true},
        {"CREATE INDEX CONCURRENTLY A_ID ON a (id)", "a_id", true},
        {"CREATE INDEX CONCURRENTLY \"a id\" ON a (id)", "a id", true},
        {"DROP INDEX public.a_id", "a_id", true},
        {"a_id", "a_id", true},
        {"CREATE INDEX CONCURRENTLY a_id_2 ON a (id)", "a_id", false},
        {"CREATE INDEX CONCURRENTLY aa_id ON a (id)", "a_id", false},
        {"CREATE INDEX CONCURRENTLY $a_id ON a (id)", "a_id", false},
        {"CREATE INDEX CONCURRENTLY \xc3\xa4"
         "a_id ON a (id)",
         "a_id", false},
        {"CREATE INDEX CONCURRENTLY a_id\xc3\xa4 ON a (id)", "a_id", false},
        {"a_i", "a_id", false},
        {"", "a_id", false},
        {"anything", "", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(leftover_names(cases[i].text, strlen(cases[i].text), cases[i].name),
                         cases[i].named);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_whole_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
