/* Names, order, checksums and refusals of migration files. */
#include "files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int set_up(void **state)
{
    static struct svc_arena arena;
    svc_arena_init(&arena, 4096);
    *state = &arena;
    return 0;
}

static int tear_down(void **state)
{
    svc_arena_done(*state);
    return 0;
}

#define PART_OF(part, name, text) ((struct embedded_file){(name), (text), sizeof(text) - 1, (part)})
#define FILE_OF(name, text) PART_OF(FILE_UP, name, text)

/* SHA-256 of "abc", FIPS 180-2 appendix B.1. */
static void checksum_is_sha256(void **state)
{
    (void)state;
    char sum[CHECKSUM_TEXT];
    files_checksum("abc", 3, sum);
    assert_string_equal(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void checksum_reads_crlf_as_lf(void **state)
{
    (void)state;
    static const struct {
        const char *left, *right;
        int equal;
    } cases[] = {
        {"a\r\nb\r\n", "a\nb\n", 1},
        {"\r\n", "\n", 1},
        {"a\rb", "ab", 0},
        {"a\r", "a", 0},
        {"a\n\r", "a\n", 0},
        {"a\r\r\nb", "a\r\nb", 0},
        {"a\r\r\nb", "a\r\r\r\nb", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char left[CHECKSUM_TEXT], right[CHECKSUM_TEXT];
        files_checksum(cases[i].left, strlen(cases[i].left), left);
        files_checksum(cases[i].right, strlen(cases[i].right), right);
        assert_int_equal(strcmp(left, right) == 0, cases[i].equal);
    }
}

static void files_come_in_order_of_their_numbers(void **state)
{
    const struct embedded_file embedded[] = {FILE_OF("100_c.sql", "3"), FILE_OF("99_b.sql", "2"),
                                             FILE_OF("20251101000000_d.sql", "4"),
                                             FILE_OF("2_a_1.sql", "1")};
    struct files files;
    struct svc_error err;
    assert_int_equal(files_from_program(*state, embedded, 4, &files, &err), SVC_OK);
    assert_int_equal(files.count, 4);
    const char *names[] = {"a_1", "b", "c", "d"};
    const uint64_t versions[] = {2, 99, 100, 20251101000000};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(files.items[i].name, names[i]);
        assert_int_equal(files.items[i].version, versions[i]);
        assert_int_equal(files.items[i].text[0], '1' + (int)i);
    }
    assert_string_equal(files.items[0].file_name, "2_a_1.sql");
}

static void the_three_files_of_a_version_come_together(void **state)
{
    const struct embedded_file embedded[] = {
        PART_OF(FILE_VERIFY, "1_a.sql", "SELECT 1;"),
        PART_OF(FILE_UP, "2_b.sql", "-- migrate:no-transaction\nSELECT 2;"),
        PART_OF(FILE_DOWN, "1_a.sql", "-- migrate:no-transaction\nSELECT 3;"),
        PART_OF(FILE_UP, "1_a.sql", "-- migrate:contract\nSELECT 4;")};
    struct files files;
    struct svc_error err;
    assert_int_equal(files_from_program(*state, embedded, 4, &files, &err), SVC_OK);
    assert_int_equal(files.count, 2);
    assert_int_equal(files.orphan_count, 0);
    const struct migration *first = &files.items[0], *second = &files.items[1];
    assert_string_equal(first->down.file_name, "down/1_a.sql");
    assert_string_equal(first->down.text, "-- migrate:no-transaction\nSELECT 3;");
    assert_string_equal(first->verify.file_name, "verify/1_a.sql");
    assert_int_equal(first->verify.len, strlen("SELECT 1;"));
    assert_true(first->directives.contract && !first->directives.no_transaction);
    assert_true(first->down.directives.no_transaction);
    assert_string_not_equal(first->checksum, first->down.checksum);
    assert_null(second->down.text);
    assert_null(second->verify.file_name);
    assert_true(second->directives.no_transaction);
}

/* Another name is another file: it is never taken for the way back. */
static void parts_without_their_up_file_are_orphans(void **state)
{
    const struct embedded_file embedded[] = {
        PART_OF(FILE_UP, "1_a.sql", "1"), PART_OF(FILE_DOWN, "1_b.sql", "2"),
        PART_OF(FILE_VERIFY, "2_c.sql", "3"), PART_OF(FILE_UP, "3_d.sql", "4")};
    struct files files;
    struct svc_error err;
    assert_int_equal(files_from_program(*state, embedded, 4, &files, &err), SVC_OK);
    assert_int_equal(files.count, 2);
    assert_null(files.items[0].down.text);
    assert_int_equal(files.orphan_count, 2);
    assert_string_equal(files.orphans[0], "down/1_b.sql");
    assert_string_equal(files.orphans[1], "verify/2_c.sql");
}

static void refused(void **state, struct embedded_file file, const char *code)
{
    struct files files;
    struct svc_error err;
    const struct embedded_file embedded[] = {FILE_OF("7_good.sql", "SELECT 1"), file};
    assert_int_equal(files_from_program(*state, embedded, 2, &files, &err), SVC_REJECT);
    assert_string_equal(err.code, code);
}

static void bad_names_are_refused(void **state)
{
    static const char *const names[] = {
        "a.sql",
        "_a.sql",
        "1.sql",
        "1_.sql",
        "1_a",
        "1_a.SQL",
        "1_A.sql",
        "1_a b.sql",
        "0_a.sql",
        "01_a.sql",
        "1-a.sql",
        "1_a.sql.sql",
        "1_a.b.sql",
        ".sql",
        "",
        "1234567890123456789_a.sql",
        "1_"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.sql",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        refused(state, (struct embedded_file){names[i], "SELECT 1", 8, FILE_UP}, "bad_file_name");
}

static void the_longest_version_is_taken(void **state)
{
    struct files files;
    struct svc_error err;
    const struct embedded_file embedded[] = {FILE_OF("999999999999999999_a.sql", "")};
    assert_int_equal(files_from_program(*state, embedded, 1, &files, &err), SVC_OK);
    assert_int_equal(files.items[0].version, 999999999999999999);
}

static void two_files_of_one_version_are_refused(void **state)
{
    refused(state, FILE_OF("7_other.sql", "SELECT 2"), "duplicate_version");
}

static void text_that_is_no_text_is_refused(void **state)
{
    refused(state, FILE_OF("8_nul.sql", "SELECT\0 1"), "bad_encoding");
    refused(state, FILE_OF("8_latin.sql", "SELECT '\xe4'"), "bad_encoding");
}

static void a_folder_that_cannot_be_read_is_said(void **state)
{
    struct files files;
    struct svc_error err;
    assert_int_equal(files_from_folder(*state, "/nonexistent", &files, &err), SVC_FATAL);
    assert_string_equal(err.code, "unreadable");
    assert_non_null(strstr(err.text, "/nonexistent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_three_files_of_a_version_come_together, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(parts_without_their_up_file_are_orphans, set_up, tear_down),
        cmocka_unit_test(checksum_is_sha256),
        cmocka_unit_test(checksum_reads_crlf_as_lf),
        cmocka_unit_test_setup_teardown(files_come_in_order_of_their_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_names_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_longest_version_is_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_files_of_one_version_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_that_is_no_text_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_read_is_said, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
