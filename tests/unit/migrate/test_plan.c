/* History against files: every pairing and what it means. */
#include "plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

struct mark {
    uint64_t version;
    char mark;
    bool is_broken, is_running;
};

/* "1a 2b": version 1 with the checksum a, … ; an upper-case letter is the same text under another
 * name. In a history "2b!" has a chain that does not follow, "2b~" was interrupted. */
static size_t parse(const char *text, struct mark tokens[MOST])
{
    size_t count = 0;
    for (const char *at = text; *at; count++) {
        tokens[count] = (struct mark){.version = (uint64_t)(at[0] - '0'), .mark = at[1]};
        for (at += 2; *at == '!' || *at == '~'; at++) {
            tokens[count].is_broken |= *at == '!';
            tokens[count].is_running |= *at == '~';
        }
        at += *at == ' ';
    }
    return count;
}

static const char *name_of(char mark)
{
    return mark < 'a' ? "renamed" : "name";
}

static void set_checksum(char mark, char ret[CHECKSUM_TEXT])
{
    char text[] = {(char)(mark | 0x20), '\0'};
    files_checksum(text, 1, ret);
}

static size_t make_files(const char *text, struct migration items[MOST])
{
    struct mark tokens[MOST];
    size_t count = parse(text, tokens);
    for (size_t i = 0; i < count; i++) {
        items[i] =
            (struct migration){.version = tokens[i].version, .name = name_of(tokens[i].mark)};
        set_checksum(tokens[i].mark, items[i].checksum);
    }
    return count;
}

struct hashes {
    char checksum[CHECKSUM_TEXT], chain[CHECKSUM_TEXT];
};

static size_t make_history(const char *text, struct history_row rows[MOST],
                           struct hashes hashes[MOST])
{
    struct mark tokens[MOST];
    size_t count = parse(text, tokens);
    for (size_t i = 0; i < count; i++) {
        set_checksum(tokens[i].mark, hashes[i].checksum);
        plan_chain(i ? hashes[i - 1].chain : "", hashes[i].checksum, hashes[i].chain);
        if (tokens[i].is_broken)
            files_checksum("elsewhere", 9, hashes[i].chain);
        rows[i] = (struct history_row){.version = tokens[i].version,
                                       .name = name_of(tokens[i].mark),
                                       .checksum = hashes[i].checksum,
                                       .chain = hashes[i].chain,
                                       .is_running = tokens[i].is_running,
                                       .statements_done = 1,
                                       .statements = 3,
                                       .applied_at = "then",
                                       .applied_by = "somebody"};
    }
    return count;
}

static void append(char shown[400], const struct plan_entry *entry)
{
    size_t len = strlen(shown);
    (void)snprintf(shown + len, 400 - len, "%s%u %s", len ? ", " : "", (unsigned)entry->version,
                   plan_state_name(entry->state));
}

/* What is explained: every fault and what was interrupted, nothing else; both hashes of a change.
 */
static void check_explained(struct svc_arena *arena, const struct plan_entry *entry)
{
    const char *text = plan_explain(arena, entry);
    assert_int_equal(plan_is_fault(entry->state) || entry->state == PLAN_RUNNING, *text != '\0');
    if (entry->state == PLAN_CHANGED) {
        assert_non_null(strstr(text, entry->file->checksum));
        assert_non_null(strstr(text, entry->applied->checksum));
    }
}

/* The plan as text: "1 applied, 2 pending" */
static void check(const char *file_text, const char *history_text, const char *expected,
                  size_t pending, size_t faults)
{
    char shown[400] = "";
    struct migration items[MOST];
    struct history_row rows[MOST];
    struct hashes hashes[MOST];
    struct files files = {.items = items, .count = make_files(file_text, items)};
    struct history history = {.rows = rows, .count = make_history(history_text, rows, hashes)};
    struct svc_arena arena;
    struct plan plan;
    svc_arena_init(&arena, 4096);
    plan_make(&arena, &files, &history, &plan);
    for (size_t i = 0; i < plan.count; i++) {
        append(shown, &plan.entries[i]);
        check_explained(&arena, &plan.entries[i]);
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

static void an_interrupted_file_is_work(void **state)
{
    (void)state;
    check("1a 2b 3c", "1a 2b~", "1 applied, 2 running, 3 pending", 2, 0);
    check("1a", "1a~", "1 running", 1, 0);
    check("1a 2x", "1a 2b~", "1 applied, 2 changed", 0, 1);
    check("1a 2B", "1a 2b~", "1 applied, 2 renamed", 0, 1);
    check("1a", "1a 2b~", "1 applied, 2 newer", 0, 1);
    check("1a 2b 3c", "1a 3c~", "1 applied, 2 inserted, 3 running", 1, 1);
}

static void a_broken_chain(void **state)
{
    (void)state;
    check("1a 2b 3c", "1a 2b! 3c", "1 applied, 2 reordered, 3 applied", 0, 1);
    check("1a", "1a!", "1 reordered", 0, 1);
    check("1a 2b", "1a 2b!~", "1 applied, 2 reordered", 0, 1);
    check("1a 2x", "1a 2b!", "1 applied, 2 changed", 0, 1);
}

/* What a hand did to the history: 2 was taken out, or 2 and 3 changed their numbers. */
static void rows_that_were_moved(void **state)
{
    (void)state;
    struct migration items[MOST];
    struct history_row rows[MOST];
    struct hashes hashes[MOST];
    struct files files = {.items = items, .count = make_files("1a 3c", items)};
    struct history history = {.rows = rows, .count = make_history("1a 2b 3c", rows, hashes)};
    struct svc_arena arena;
    struct plan plan;
    svc_arena_init(&arena, 4096);
    rows[1] = rows[2];
    history.count = 2;
    plan_make(&arena, &files, &history, &plan);
    assert_int_equal(plan.entries[1].state, PLAN_REORDERED);
    history.count = make_history("1a 2b 3c 4d", rows, hashes);
    files.count = make_files("1a 2c 3b 4d", items);
    struct history_row second = rows[1];
    rows[1] = rows[2];
    rows[1].version = 2;
    rows[2] = second;
    rows[2].version = 3;
    plan_make(&arena, &files, &history, &plan);
    assert_int_equal(plan.faults, 3);
    assert_int_equal(plan.entries[0].state, PLAN_APPLIED);
    svc_arena_done(&arena);
}

static void the_chain(void **state)
{
    (void)state;
    char one[CHECKSUM_TEXT], two[CHECKSUM_TEXT], first[CHECKSUM_TEXT], chain[CHECKSUM_TEXT];
    char both[2 * CHECKSUM_TEXT], expected[CHECKSUM_TEXT];
    files_checksum("1", 1, one);
    files_checksum("2", 1, two);
    plan_chain("", one, first);
    files_checksum(one, strlen(one), expected);
    assert_string_equal(first, expected);
    plan_chain(first, two, chain);
    (void)snprintf(both, sizeof both, "%s%s", first, two);
    files_checksum(both, strlen(both), expected);
    assert_string_equal(chain, expected);
}

static void titles(void **state)
{
    (void)state;
    struct svc_arena arena;
    svc_arena_init(&arena, 1024);
    struct migration file = {.version = 20251101000000, .name = "base"};
    struct history_row row = {.version = 7, .name = "gone"};
    struct plan_entry of_file = {.version = file.version, .file = &file, .applied = &row};
    struct plan_entry of_row = {.version = 7, .applied = &row};
    assert_string_equal(plan_title(&arena, &of_file), "20251101000000_base");
    assert_string_equal(plan_title(&arena, &of_row), "7_gone");
    svc_arena_done(&arena);
}

static void everything_at_once(void **state)
{
    (void)state;
    check("1a 3X 5E 6f 7h 8i", "1a 2b 3c 5e 7h! 8i~ 9g",
          "1 applied, 2 missing, 3 changed, 5 renamed, 6 inserted, 7 reordered, 8 running, 9 newer",
          1, 6);
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
        cmocka_unit_test(an_interrupted_file_is_work),
        cmocka_unit_test(a_broken_chain),
        cmocka_unit_test(rows_that_were_moved),
        cmocka_unit_test(the_chain),
        cmocka_unit_test(titles),
        cmocka_unit_test(everything_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
