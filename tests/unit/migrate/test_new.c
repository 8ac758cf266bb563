/* Versions, names and files of a new migration. */
#include "new.h"

#include "svc/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { NOON = 1769774400 }; /* 2026-01-30 12:00:00 UTC */

struct setting {
    struct svc_arena arena;
    char folder[64];
};

static int set_up(void **state)
{
    static struct setting setting;
    svc_arena_init(&setting.arena, 4096);
    (void)snprintf(setting.folder, sizeof setting.folder, "/tmp/test_new.XXXXXX");
    *state = &setting;
    return mkdtemp(setting.folder) ? 0 : -1;
}

static void remove_all(struct svc_arena *arena, const char *folder)
{
    static const char *const files[] = {"20260130120000_a.sql", "20260130120001_b.sql"};
    static const char *const subs[] = {"down/", "verify/", ""};
    for (size_t s = 0; s < 3; s++) {
        for (size_t f = 0; f < 2; f++)
            (void)unlink(svc_arena_printf(arena, "%s/%s%s", folder, subs[s], files[f]));
        (void)rmdir(svc_arena_printf(arena, "%s/%s", folder, subs[s]));
    }
}

static int tear_down(void **state)
{
    struct setting *setting = *state;
    remove_all(&setting->arena, setting->folder);
    svc_arena_done(&setting->arena);
    return access(setting->folder, F_OK) == 0 ? -1 : 0;
}

static void versions_are_times_and_grow(void **state)
{
    (void)state;
    assert_int_equal(new_version(NOON, 0), 20260130120000);
    assert_int_equal(new_version(NOON, 20251101000000), 20260130120000);
    assert_int_equal(new_version(NOON, 20260130120000), 20260130120001);
    assert_int_equal(new_version(NOON, 20271231235959), 20280101000000);
    assert_int_equal(new_version(NOON, 20280228235959), 20280229000000);
    assert_int_equal(new_version(NOON, 99999999999999), 100000000000000); /* no time at all */
    assert_int_equal(new_version(NOON, 20261350000000), 20261350000001);
    assert_int_equal(new_version(NOON, 17), 20260130120000);
}

static enum svc_rc make(struct setting *setting, const char *name, const struct files *files,
                        struct svc_error *err)
{
    const char *title;
    return new_write(&setting->arena, setting->folder, files, name, false, NOON, &title, err);
}

static void three_files_are_written(void **state)
{
    struct setting *setting = *state;
    struct files files = {.count = 0};
    struct svc_error err;
    assert_int_equal(make(setting, "a", &files, &err), SVC_OK);
    assert_int_equal(files_from_folder(&setting->arena, setting->folder, &files, &err), SVC_OK);
    assert_int_equal(files.count, 1);
    assert_string_equal(files.items[0].file_name, "20260130120000_a.sql");
    assert_string_equal(files.items[0].down.file_name, "down/20260130120000_a.sql");
    assert_string_equal(files.items[0].verify.file_name, "verify/20260130120000_a.sql");
    assert_int_equal(make(setting, "b", &files, &err), SVC_OK);
    assert_int_equal(files_from_folder(&setting->arena, setting->folder, &files, &err), SVC_OK);
    assert_int_equal(files.count, 2);
    assert_int_equal(files.items[1].version, 20260130120001);
}

static void refused(struct setting *setting, const char *name, const struct files *files,
                    enum svc_rc rc, const char *code)
{
    struct svc_error err;
    assert_int_equal(make(setting, name, files, &err), rc);
    assert_string_equal(err.code, code);
}

static void bad_names_are_refused(void **state)
{
    struct files none = {.count = 0};
    char name[FILE_NAME_MAX];
    static const char *const names[] = {"",   "A",        "a b",   "a-b", "1a",
                                        "_a", "\xc3\xa4", "a.sql", "../a"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        refused(*state, names[i], &none, SVC_REJECT, "bad_name");
    memset(name, 'a', sizeof name);
    name[102] = '\0';
    refused(*state, name, &none, SVC_REJECT, "bad_name");
}

static void names_are_not_used_twice(void **state)
{
    struct migration there = {.version = 1, .name = "a", .file_name = "1_a.sql"};
    struct files files = {.items = &there, .count = 1};
    refused(*state, "a", &files, SVC_REJECT, "name_taken");
}

/* The verify file is in the way: the two that were written before it go again. */
static void an_existing_file_is_kept(void **state)
{
    struct setting *setting = *state;
    struct files none = {.count = 0};
    const char *sub = svc_arena_printf(&setting->arena, "%s/verify", setting->folder);
    const char *path = svc_arena_printf(&setting->arena, "%s/20260130120000_a.sql", sub);
    assert_int_equal(mkdir(sub, 0755), 0);
    FILE *file = fopen(path, "wx");
    assert_non_null(file);
    assert_int_equal(fputs("mine", file) >= 0 && fclose(file) == 0, 1);
    refused(setting, "a", &none, SVC_FATAL, "exists");
    struct stat found;
    assert_int_equal(stat(path, &found), 0);
    assert_int_equal(found.st_size, 4);
    path = svc_arena_printf(&setting->arena, "%s/20260130120000_a.sql", setting->folder);
    assert_int_equal(access(path, F_OK), -1);
    path = svc_arena_printf(&setting->arena, "%s/down/20260130120000_a.sql", setting->folder);
    assert_int_equal(access(path, F_OK), -1);
}

static void a_missing_folder_is_said(void **state)
{
    struct setting *setting = *state, gone = {.folder = "/nonexistent"};
    struct files none = {.count = 0};
    gone.arena = setting->arena;
    refused(&gone, "a", &none, SVC_FATAL, "unwritable");
    setting->arena = gone.arena;
}

static void texts_say_what_they_are(void **state)
{
    struct setting *setting = *state;
    for (int kind = FILE_UP; kind <= FILE_VERIFY; kind++)
        for (int alone = 0; alone < 2; alone++) {
            const char *text =
                new_text(&setting->arena, (enum file_kind)kind, "1_a.sql", alone != 0);
            struct directives found = lexer_directives(text, strlen(text));
            assert_non_null(strstr(text, "1_a.sql"));
            assert_int_equal(found.no_transaction, alone && kind != FILE_VERIFY);
            assert_false(found.contract);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(versions_are_times_and_grow),
        cmocka_unit_test_setup_teardown(three_files_are_written, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bad_names_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(names_are_not_used_twice, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_existing_file_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_missing_folder_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(texts_say_what_they_are, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
