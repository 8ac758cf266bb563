/* Two catalogs against each other, and what the history gets to know of it. */
#include "catalog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct svc_arena arena;

static int set_up(void **state)
{
    (void)state;
    svc_arena_init(&arena, 65536);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    svc_arena_done(&arena);
    return 0;
}

/* "table t =1; column t.a t =2": kind, identity, parent where it has one, digest. In order. */
static struct catalog make(const char *text)
{
    struct catalog catalog = {.items = svc_arena_alloc(&arena, 20 * sizeof *catalog.items)};
    char *rest = svc_arena_text(&arena, text), *one;
    while ((one = strsep(&rest, ";")) && *one) {
        char kind[20] = "", identity[40] = "", parent[40] = "", digest[20] = "";
        if (sscanf(one, " %19s %39s =%19s", kind, identity, digest) != 3)
            assert_int_equal(sscanf(one, " %19s %39s %39s =%19s", kind, identity, parent, digest),
                             4);
        catalog.items[catalog.count++] =
            (struct catalog_object){.kind = svc_arena_text(&arena, kind),
                                    .identity = svc_arena_text(&arena, identity),
                                    .parent = svc_arena_text(&arena, parent),
                                    .digest = svc_arena_text(&arena, digest)};
    }
    return catalog;
}

static const char *json_of(const char *before, const char *after)
{
    struct catalog old = make(before), new = make(after);
    struct catalog_changes changes;
    catalog_diff(&arena, &old, &new, &changes);
    return catalog_changes_json(&arena, &changes);
}

static void test_added_changed_and_dropped(void **state)
{
    (void)state;
    assert_string_equal(json_of("", ""), "{}");
    assert_string_equal(json_of("table t =1", "table t =1"), "{}");
    assert_string_equal(json_of("", "table t =1"), "{\"table t\": \"1\"}");
    assert_string_equal(json_of("table t =1", ""), "{\"table t\": null}");
    assert_string_equal(json_of("table t =1", "table t =2"), "{\"table t\": \"2\"}");
    assert_string_equal(json_of("index a t =1; table b =1; table d =1",
                                "index a t =1; index b t =3; table c =4; table d =5; view b =6"),
                        "{\"index b\": \"3\", \"table b\": null, \"table c\": \"4\", \"table d\": "
                        "\"5\", \"view b\": \"6\"}");
}

static void test_one_name_of_two_kinds_is_two_objects(void **state)
{
    (void)state;
    assert_string_equal(json_of("enum t =1", "table t =1"),
                        "{\"enum t\": null, \"table t\": \"1\"}");
}

/* A table that changes hands takes its parts with it; one that only got a column does not. */
static void test_parts_of_a_changed_table_are_kept(void **state)
{
    (void)state;
    assert_string_equal(
        json_of("column t.a t =1; column u.a u =2; index i t =3; table t =4; table u =5",
                "column t.a t =1; column u.a u =2; index i t =3; table t =9; table u =5"),
        "{\"column t.a\": \"=1\", \"index i\": \"=3\", \"table t\": \"9\"}");
    assert_string_equal(
        json_of("column t.a t =1; table t =4", "column t.a t =1; column t.b t =2; table t =4"),
        "{\"column t.b\": \"2\"}");
    assert_string_equal(json_of("comment c v =1; view v =2", "comment c v =1; view v =3"),
                        "{\"comment c\": \"=1\", \"view v\": \"3\"}");
}

static void test_names_are_escaped(void **state)
{
    (void)state;
    assert_string_equal(json_of("", "table \"a\\b\" =1"), "{\"table \\\"a\\\\b\\\"\": \"1\"}");
}

static void test_digests_of_one_server_version_are_comparable(void **state)
{
    (void)state;
    assert_true(catalog_comparable("15.aa", "15.bb"));
    assert_false(catalog_comparable("15.aa", "16.aa"));
    assert_false(catalog_comparable("15.aa", "1.aa"));
    assert_false(catalog_comparable("1.aa", "15.aa"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_added_changed_and_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_name_of_two_kinds_is_two_objects, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_parts_of_a_changed_table_are_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_names_are_escaped, set_up, tear_down),
        cmocka_unit_test(test_digests_of_one_server_version_are_comparable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
