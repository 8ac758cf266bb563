/* Options of one command: given, missing, repeated, unknown. */
#include "arguments.h"
#include "commands.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct ctl_command command = {
    .noun = "thing",
    .verb = "make",
    .words = 2,
    .usage = "THING --name N [--set k=v]...",
    .options = {{"", true, false}, {"name", true, false}, {"set", false, true}},
};

static enum svc_exit parse(struct arguments *ret, int argc, const char *const *argv)
{
    *ret = (struct arguments){.json = false};
    return arguments_parse(&command, argc, (char **)(uintptr_t)argv, ret);
}
#define PARSE(ret, ...)                                                                            \
    parse((ret),                                                                                   \
          (int)(sizeof((const char *[]){"ctl", "thing", "make", __VA_ARGS__}) / sizeof(char *)),   \
          (const char *[]){"ctl", "thing", "make", __VA_ARGS__})

static void takes_what_the_command_knows(void **state)
{
    (void)state;
    struct arguments args;
    assert_int_equal(PARSE(&args, "id-1", "--set", "a=1", "--name", "n", "--json", "--set", "b=2"),
                     SVC_EXIT_RUN);
    assert_string_equal(arguments_get(&args, ""), "id-1");
    assert_string_equal(arguments_get(&args, "name"), "n");
    assert_true(args.json);
    assert_int_equal(args.repeat_count, 2);
    assert_string_equal(args.repeats[0], "a=1");
    assert_string_equal(args.repeats[1], "b=2");
}

static void refuses_everything_else(void **state)
{
    (void)state;
    struct arguments args;
    assert_int_equal(PARSE(&args, "--name", "n"), SVC_EXIT_USAGE);                 /* no THING */
    assert_int_equal(PARSE(&args, "id-1"), SVC_EXIT_USAGE);                        /* no name */
    assert_int_equal(PARSE(&args, "id-1", "--name"), SVC_EXIT_USAGE);              /* no value */
    assert_int_equal(PARSE(&args, "id-1", "--nam", "n"), SVC_EXIT_USAGE);          /* unknown */
    assert_int_equal(PARSE(&args, "id-1", "id-2", "--name", "n"), SVC_EXIT_USAGE); /* twice */
    assert_int_equal(PARSE(&args, "id", "--name", "n", "--name", "m"), SVC_EXIT_USAGE);
}

static void repeats_have_a_limit(void **state)
{
    (void)state;
    const char *argv[3 + 3 + 2 * (ARGUMENTS_REPEATS_MAX + 1)] = {"ctl", "thing",  "make",
                                                                 "id",  "--name", "n"};
    struct arguments args;
    for (int i = 0; i <= ARGUMENTS_REPEATS_MAX; i++) {
        argv[6 + 2 * i] = "--set";
        argv[7 + 2 * i] = "k=v";
    }
    assert_int_equal(parse(&args, 6 + 2 * ARGUMENTS_REPEATS_MAX, argv), SVC_EXIT_RUN);
    assert_int_equal(parse(&args, 8 + 2 * ARGUMENTS_REPEATS_MAX, argv), SVC_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_command_knows),
        cmocka_unit_test(refuses_everything_else),
        cmocka_unit_test(repeats_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
