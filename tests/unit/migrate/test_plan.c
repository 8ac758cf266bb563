/* History against files: every pairing and what it means. */
#include "plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

/* "1a 2b": version 1 with the checksum a, … ; an upper-case letter is the same text under another
 * name. */
static size_t parse(const char *text, uint64_t versions[MOST], char marks[MOST])
{
    size_t count = 0;
    for (const char *at = text; *at; at += 2 + (at[2] == ' ')) {
        versions[count] = (uint64_t)(at[0] - '0');
        marks[count++] = at[1];
    }
    return count;
}

static const char *name_of(char mark)
{
    return mark < 'a' ? "renamed" : "name";
}

static void set_checksum(char mark, char *ret)
{
    ret[0] = (char)(mark | 0x20);
    ret[1] = '\0';
}

/* The plan as text: "1 applied, 2 pending" */
static void check(const char *file_text, const char *history_text, const char *expected,
                  size_t pending, size_t faults)
{
    uint64_t versions[MOST];
    char marks[MOST], checksums[MOST][2], shown[200] = "";
    struct migration items[MOST] = {0};
    struct history_row rows[MOST] = {0};
    struct files files = {.items = items, .count = parse(file_text, versions, marks)};
    for (size_t i = 0; i < files.count; i++) {
        items[i] = (struct migration){.version = versions[i], .name = name_of(marks[i])};
        set_checksum(marks[i], items[i].checksum);
    }
    struct history history = {.rows = rows, .count = parse(history_text, versions, marks)};
    for (size_t i = 0; i < history.count; i++) {
        set_checksum(marks[i], checksums[i]);
        rows[i] = (struct history_row){.version = versions[i],
                                       .name = name_of(marks[i]),
                                       .checksum = checksums[i],
                                       .applied_at = "then",
                                       .applied_by = "somebody"};
    }
    struct svc_arena arena;
    struct plan plan;
    svc_arena_init(&arena, 4096);
    plan_make(&arena, &files, &history, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        size_t len = strlen(shown);
        (void)snprintf(shown + len, sizeof shown - len, "%s%u %s", i ? ", " : "",
                       (unsigned)plan.entries[i].version, plan_state_name(plan.entries[i].state));
        assert_int_equal(plan_is_fault(plan.entries[i].state),
                         *plan_explain(&arena, &plan.entries[i]) != '\0');
    }
    svc_arena_done(&arena);
    assert_string_equal(shown, expected);
    assert_int_equal(plan.pending, pending);
    assert_int_equal(plan.faults, faults);
}

static void nothing_anywhere(void **state)
{
    (void)state;
    check("", "", "", 0, 0);
}

static void a_new_database(void **state)
{
    (void)state;
    check("1a 2b", "", "1 pending, 2 pending", 2, 0);
}

static void an_older_database(void **state)
{
    (void)state;
    check("1a 2b 3c", "1a", "1 applied, 2 pending, 3 pending", 2, 0);
}

static void an_equal_database(void **state)
{
    (void)state;
    check("1a 2b", "1a 2b", "1 applied, 2 applied", 0, 0);
}

static void a_changed_file(void **state)
{
    (void)state;
    check("1a 2x 3c", "1a 2b", "1 applied, 2 changed, 3 pending", 1, 1);
}

static void a_renamed_file(void **state)
{
    (void)state;
    check("1A 2b", "1a 2b", "1 renamed, 2 applied", 0, 1);
}

static void changed_and_renamed_counts_as_changed(void **state)
{
    (void)state;
    check("1X", "1a", "1 changed", 0, 1);
}

static void a_missing_file(void **state)
{
    (void)state;
    check("2b", "1a 2b", "1 missing, 2 applied", 0, 1);
    check("1a 3c", "1a 2b", "1 applied, 2 missing, 3 pending", 1, 1);
}

static void a_newer_database(void **state)
{
    (void)state;
    check("1a", "1a 2b 3c", "1 applied, 2 newer, 3 newer", 0, 2);
    check("", "1a", "1 newer", 0, 1);
}

static void a_file_before_an_applied_one(void **state)
{
    (void)state;
    check("1a 2b 3c", "1a 3c", "1 applied, 2 inserted, 3 applied", 0, 1);
    check("1a 2b", "2b", "1 inserted, 2 applied", 0, 1);
}

static void everything_at_once(void **state)
{
    (void)state;
    check("1a 3X 5E 6f", "1a 2b 3c 5e 7g",
          "1 applied, 2 missing, 3 changed, 5 renamed, 6 inserted, 7 newer", 0, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_anywhere),
        cmocka_unit_test(a_new_database),
        cmocka_unit_test(an_older_database),
        cmocka_unit_test(an_equal_database),
        cmocka_unit_test(a_changed_file),
        cmocka_unit_test(a_renamed_file),
        cmocka_unit_test(changed_and_renamed_counts_as_changed),
        cmocka_unit_test(a_missing_file),
        cmocka_unit_test(a_newer_database),
        cmocka_unit_test(a_file_before_an_applied_one),
        cmocka_unit_test(everything_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
