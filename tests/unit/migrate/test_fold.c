/* What a down file left wrong, and what differs: every pairing of history, change and catalog. */
#include "fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

struct texts {
    char key[MOST][16], digest[MOST][16];
};

/* "a=1 b=- c=~2": object a with digest 15.1, b not there, c kept with 15.2; "?" at the end: not
 * complete. Objects in order. */
static struct fold parse(const char *text, struct fold_object items[MOST], struct texts *texts)
{
    struct fold fold = {.items = items, .is_complete = true};
    for (const char *at = text; *at; at += *at == ' ') {
        if (*at == '?') {
            fold.is_complete = false;
            at++;
            continue;
        }
        size_t i = fold.count++;
        bool is_kept = at[2] == '~';
        at += is_kept ? 1 : 0;
        (void)snprintf(texts->key[i], sizeof texts->key[i], "table %c", at[is_kept ? -1 : 0]);
        (void)snprintf(texts->digest[i], sizeof texts->digest[i], "%s.%c",
                       at[2] >= 'A' && at[2] <= 'Z' ? "16" : "15", at[2]);
        items[i] = (struct fold_object){.key = texts->key[i],
                                        .digest = at[2] == '-' ? NULL : texts->digest[i],
                                        .is_kept = is_kept};
        at += 3;
    }
    return fold;
}

static void check_undone(const char *rest_text, const char *undone_text, const char *changes_text,
                         const char *found_text, const char *expected)
{
    struct fold_object items[4][MOST];
    struct texts texts[4];
    struct fold rest = parse(rest_text, items[0], &texts[0]);
    struct fold undone = parse(undone_text, items[1], &texts[1]);
    struct fold changes = parse(changes_text, items[2], &texts[2]);
    struct fold found = parse(found_text, items[3], &texts[3]);
    struct fold_differences differences;
    struct svc_arena arena;
    svc_arena_init(&arena, 4096);
    fold_check_undone(&arena, &rest, &undone, &changes, &found, &differences);
    assert_string_equal(fold_describe(&arena, &differences), expected);
    svc_arena_done(&arena);
}

static void check_compare(const char *expected_text, const char *found_text, const char *told,
                          const char *json)
{
    struct fold_object items[2][MOST];
    struct texts texts[2];
    struct fold expected = parse(expected_text, items[0], &texts[0]);
    struct fold found = parse(found_text, items[1], &texts[1]);
    struct fold_differences differences;
    struct svc_arena arena;
    svc_arena_init(&arena, 4096);
    fold_compare(&arena, &expected, &found, &differences);
    assert_string_equal(fold_describe(&arena, &differences), told);
    assert_string_equal(fold_found_json(&arena, &differences), json);
    svc_arena_done(&arena);
}

static void what_the_history_says_and_what_is_there(void **state)
{
    (void)state;
    check_compare("", "a=1", "", "{}");
    check_compare("a=1", "a=1 b=2", "", "{}");
    check_compare("a=1", "b=2", "table a is missing", "{\"table a\": null}");
    check_compare("a=1", "a=2", "table a is another", "{\"table a\": \"15.2\"}");
    check_compare("a=-", "a=1", "table a is left over", "{\"table a\": \"15.1\"}");
    check_compare("a=-", "b=1", "", "{}");
    check_compare("a=1 b=1", "a=2 b=2", "table a is another; table b is another",
                  "{\"table a\": \"15.2\", \"table b\": \"15.2\"}");
}

/* An upper-case digest is of the next server version. */
static void another_server_version(void **state)
{
    (void)state;
    check_compare("a=1", "a=X", "", "{}");
    check_compare("a=1", "b=X", "table a is missing", "{\"table a\": null}");
    check_undone("", "a=1", "", "a=X", "");
}

static void all_is_taken_back(void **state)
{
    (void)state;
    check_undone("", "a=1", "a=-", "", "");
    check_undone("a=1", "a=2 b=1", "a=1 b=-", "a=1", "");
    check_undone("a=1", "a=-", "a=1", "a=1", "");
    check_undone("", "", "", "z=9", "");
}

static void something_is_left(void **state)
{
    (void)state;
    check_undone("", "a=1", "", "a=1", "table a is left over");
    check_undone("a=1", "a=2", "", "a=2", "table a is another");
    check_undone("a=1", "a=-", "", "", "table a is missing");
    check_undone("", "a=-", "", "", "table a is missing");
    check_undone("a=-", "a=1", "", "a=1", "table a is left over");
}

/* Nobody wrote down how somebody else's object was before the file. */
static void what_was_there_before_the_files(void **state)
{
    (void)state;
    check_undone("", "a=2", "a=1", "a=1", "");
    check_undone("", "a=-", "a=1", "a=1", "");
}

static void kept_objects(void **state)
{
    (void)state;
    check_undone("", "a=~1", "", "a=1", "");
    check_undone("", "a=~1", "a=2", "a=2", "table a is another");
    check_undone("", "a=~1", "a=-", "", "table a is missing");
    check_undone("", "a=~1", "", "a=2", ""); /* by hand, since */
}

static void something_else_is_done(void **state)
{
    (void)state;
    check_undone("", "a=1", "a=- b=1", "b=1", "table b is left over");
    check_undone("b=1", "a=1", "a=- b=2", "b=2", "table b is another");
    check_undone("b=1", "a=1", "a=- b=-", "", "table b is missing");
    check_undone("", "a=1", "a=- b=-", "", ""); /* somebody else's, on our table */
}

static void hands_elsewhere_are_not_its_doing(void **state)
{
    (void)state;
    check_undone("b=1", "a=1", "a=-", "b=2", "");
    check_undone("b=1", "a=1", "a=-", "", "");
}

static void what_is_not_known_is_not_asked(void **state)
{
    (void)state;
    check_undone("a=1 b=1 ?", "a=2", "a=3 b=2", "a=3 b=2", "");
    check_undone("b=1 ?", "a=2", "", "a=2 b=1", "table a is left over");
    check_undone("b=1", "?", "a=- b=2", "b=2", "");
}

static void what_somebody_added(void **state)
{
    (void)state;
    struct fold_object items[] = {{.key = "column public.t.a", .digest = "15.1"},
                                  {.key = "table public.gone"},
                                  {.key = "table public.t", .digest = "15.2"}};
    struct fold fold = {.items = items, .count = 3, .is_complete = true};
    static const struct {
        struct catalog_object object;
        bool is_unexpected;
    } cases[] = {
        {{.kind = "column", .identity = "public.t.a", .parent = "public.t"}, false},
        {{.kind = "column", .identity = "public.t.b", .parent = "public.t"}, true},
        {{.kind = "index", .identity = "public.i", .parent = "public.t"}, true},
        {{.kind = "column", .identity = "public.u.a", .parent = "public.u"}, false},
        {{.kind = "column", .identity = "public.gone.a", .parent = "public.gone"}, false},
        {{.kind = "table", .identity = "public.u", .parent = ""}, false},
    };
    struct svc_arena arena;
    svc_arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(fold_is_unexpected(&arena, &fold, &cases[i].object),
                         cases[i].is_unexpected);
    svc_arena_done(&arena);
}

static void only_the_first_are_named(void **state)
{
    (void)state;
    struct fold_difference items[12];
    for (size_t i = 0; i < 12; i++)
        items[i] = (struct fold_difference){.key = "k", .expected = "15.1"};
    struct svc_arena arena;
    svc_arena_init(&arena, 4096);
    const char *text =
        fold_describe(&arena, &(struct fold_differences){.items = items, .count = 12});
    assert_non_null(strstr(text, "; and 2 more"));
    assert_int_equal(strlen(text), strlen("k is missing; ") * 10 - 2 + strlen("; and 2 more"));
    svc_arena_done(&arena);
}

static void from_a_catalog_and_from_changes(void **state)
{
    (void)state;
    struct catalog_object objects[] = {
        {.kind = "column", .identity = "public.t.a", .parent = "public.t", .digest = "15.1"},
        {.kind = "column_list", .identity = "public.a", .parent = "", .digest = "15.2"},
        {.kind = "table", .identity = "public.t", .parent = "", .digest = "15.3"},
    };
    struct catalog_change changes[] = {
        {CATALOG_DROPPED, &objects[0]}, {CATALOG_KEPT, &objects[1]}, {CATALOG_ADDED, &objects[2]}};
    struct svc_arena arena;
    struct fold fold;
    svc_arena_init(&arena, 4096);
    fold_from_catalog(&arena, &(struct catalog){.items = objects, .count = 3}, &fold);
    assert_int_equal(fold.count, 3);
    for (size_t i = 0; i < 3; i++) {
        const char *key = svc_arena_printf(&arena, "%s %s", objects[i].kind, objects[i].identity);
        assert_string_equal(fold_find(&fold, key)->digest, objects[i].digest);
    }
    assert_null(fold_find(&fold, "table public"));
    fold_from_changes(&arena, &(struct catalog_changes){.items = changes, .count = 3}, &fold);
    assert_int_equal(fold.count, 2);
    assert_null(fold_find(&fold, "column public.t.a")->digest);
    assert_string_equal(fold_find(&fold, "table public.t")->digest, "15.3");
    assert_null(fold_find(&(struct fold){0}, "table public.t"));
    svc_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_history_says_and_what_is_there),
        cmocka_unit_test(another_server_version),
        cmocka_unit_test(all_is_taken_back),
        cmocka_unit_test(something_is_left),
        cmocka_unit_test(what_was_there_before_the_files),
        cmocka_unit_test(kept_objects),
        cmocka_unit_test(something_else_is_done),
        cmocka_unit_test(hands_elsewhere_are_not_its_doing),
        cmocka_unit_test(what_is_not_known_is_not_asked),
        cmocka_unit_test(what_somebody_added),
        cmocka_unit_test(only_the_first_are_named),
        cmocka_unit_test(from_a_catalog_and_from_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
