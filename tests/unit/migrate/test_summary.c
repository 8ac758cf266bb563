/* The line that a finished file prints. */
#include "summary.h"

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

static enum catalog_what what_of(char sign)
{
    static const char signs[] = "+*-=";
    return (enum catalog_what)(strchr(signs, sign) - signs);
}

/* "+column public.t.a public.t; *function public.f()": + added, * changed, - dropped, = kept; kind,
 * identity, parent where it has one. In the order of a catalog. */
static const char *summary_of(const char *text)
{
    struct catalog_changes changes = {.items = svc_arena_alloc(&arena, 40 * sizeof *changes.items)};
    char *rest = svc_arena_text(&arena, text), *one;
    while ((one = strsep(&rest, ";")) && *one) {
        char sign, kind[20] = "", identity[60] = "", parent[40] = "";
        assert_true(sscanf(one, " %c%19s %59s %39s", &sign, kind, identity, parent) >= 3);
        struct catalog_object *object = svc_arena_alloc(&arena, sizeof *object);
        object->kind = svc_arena_text(&arena, kind);
        object->identity = svc_arena_text(&arena, identity);
        object->parent = svc_arena_text(&arena, parent);
        changes.items[changes.count++] =
            (struct catalog_change){.what = what_of(sign), .object = object};
    }
    return summary_text(&arena, &changes);
}

static void test_the_form_of_the_issue(void **state)
{
    (void)state;
    assert_string_equal(
        summary_of("+column public.jobs.a public.jobs; +column public.jobs.b public.jobs;"
                   "+column public.jobs.c public.jobs; +column public.jobs.d public.jobs;"
                   "+column public.jobs.e public.jobs;"
                   "+column public.new.a public.new;"
                   "+column public.workflow_executions.a public.workflow_executions;"
                   "+column public.workflow_executions.b public.workflow_executions;"
                   "+column public.workflow_executions.c public.workflow_executions;"
                   "+comment table:new public.new; +constraint public.new.pk public.new;"
                   "+grant table:new public.new;"
                   "+index public.i1 public.jobs; +index public.i2 public.jobs;"
                   "+index public.i3 public.jobs; +index public.i4 public.jobs;"
                   "+index public.i5 public.new; +index public.i6 public.new;"
                   "+index public.i7 public.new; +index public.i8 public.workflow_executions;"
                   "+policy public.new.own public.new; +sequence public.new_id_seq public.new;"
                   "+table public.new; +table public.other; +trigger public.new.t public.new"),
        "added 5 columns to jobs, 3 to workflow_executions; created 2 tables, 8 indexes");
}

static void test_nothing(void **state)
{
    (void)state;
    assert_string_equal(summary_of(""), "changed nothing");
    assert_string_equal(summary_of("=column public.t.a public.t"), "changed nothing");
}

static void test_one_and_many(void **state)
{
    (void)state;
    assert_string_equal(summary_of("+column public.t.a public.t"), "added 1 column to t");
    assert_string_equal(
        summary_of("+constraint public.t.c public.t; +constraint public.u.c public.u"),
        "added 1 constraint to t, 1 to u");
    assert_string_equal(summary_of("+policy public.t.p public.t"), "created 1 policy");
    assert_string_equal(summary_of("+policy public.t.p public.t; +policy public.t.q public.t"),
                        "created 2 policies");
}

static void test_all_clauses(void **state)
{
    (void)state;
    assert_string_equal(
        summary_of("+column public.t.a public.t; *column public.t.b public.t;"
                   "-column public.t.c public.t; *constraint public.t.c public.t;"
                   "*function public.f(); -function public.g(); *table public.t; +view public.v"),
        "added 1 column to t; created 1 view; changed 1 column of t, 1 constraint of t, 1 table, "
        "1 function; dropped 1 column from t, 1 function");
}

/* What goes with its table is not told; indexes are, as when they are made. */
static void test_a_dropped_table(void **state)
{
    (void)state;
    assert_string_equal(
        summary_of("-column public.t.a public.t; -constraint public.t.pk public.t;"
                   "-index public.i public.t; -policy public.t.p public.t; -table public.t"),
        "dropped 1 table, 1 index");
}

/* The table itself changed: its new column is news all the same. */
static void test_a_changed_table(void **state)
{
    (void)state;
    assert_string_equal(summary_of("+column public.t.a public.t; =column public.t.b public.t;"
                                   "=index public.i public.t; *table public.t"),
                        "added 1 column to t; changed 1 table");
}

static void test_grants_and_comments_only_where_nothing_else_changed(void **state)
{
    (void)state;
    assert_string_equal(summary_of("*comment table:t public.t; +grant table:t public.t"),
                        "changed grants, comments");
    assert_string_equal(summary_of("-comment table:t public.t"), "changed comments");
    assert_string_equal(summary_of("+default_privilege x"), "changed default privileges");
    assert_string_equal(summary_of("+comment index:i public.t; +index public.i public.t"),
                        "created 1 index");
}

static void test_other_schemas_are_named(void **state)
{
    (void)state;
    assert_string_equal(summary_of("+column auth.users.a auth.users"),
                        "added 1 column to auth.users");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_form_of_the_issue, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_and_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_all_clauses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_dropped_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_changed_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_grants_and_comments_only_where_nothing_else_changed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_schemas_are_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
