/* Faults on purpose: which lines are rules, and when they strike. */
#include "script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void add(struct script *script, const char *line)
{
    struct svc_error err = {.rc = SVC_OK};
    if (script_add(script, line, strlen(line), &err) != SVC_OK)
        fail_msg("%s: %s", line, err.text);
}

/* One letter per order: what strikes. */
static void expect(struct script *script, const char *faults)
{
    static const char letters[] = "-nbadlrqmpsxX";
    for (size_t i = 0; faults[i] != '\0'; i++) {
        char got = letters[script_next(script, false, "EURUSD").kind];
        if (got != faults[i])
            fail_msg("order %zu: %c, not %c", i + 1, got, faults[i]);
    }
}

static void at_every_times(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, 1);
    expect(&script, "----");
    add(&script, "{\"fault\":\"no_reply\",\"at\":3}");
    expect(&script, "--n---");
    script_init(&script, 1);
    add(&script, "{\"fault\":\"drop_after\",\"every\":2,\"times\":2}");
    expect(&script, "-a-a----");
    script_init(&script, 1);
    add(&script, "{\"fault\":\"drop_before\",\"times\":2}");
    add(&script, "{\"fault\":\"requote\",\"every\":3}");
    expect(&script, "bbq--q"); /* the second rule counts orders that the first decided, too */
    script_init(&script, 1);
    add(&script, "{\"fault\":\"none\",\"at\":2}");
    add(&script, "{\"fault\":\"no_reply\"}");
    expect(&script, "n-nn");
}

static void filters(void **state)
{
    (void)state;
    struct script script;
    script_init(&script, 1);
    add(&script, "{\"fault\":\"reject\",\"retcode\":10019,\"on\":\"close\",\"symbol\":\"EURUSD\","
                 "\"at\":2}");
    assert_int_equal(script_next(&script, false, "EURUSD").kind, FAULT_NONE);
    assert_int_equal(script_next(&script, true, "USDJPY").kind, FAULT_NONE);
    assert_int_equal(script_next(&script, true, "EURUSD").kind, FAULT_NONE);
    struct fault fault = script_next(&script, true, "EURUSD");
    assert_int_equal(fault.kind, FAULT_REJECT);
    assert_int_equal(fault.retcode, 10019);
}

static void chance_comes_from_the_seed(void **state)
{
    (void)state;
    struct script a, b, c;
    int struck = 0, differs = 0;
    script_init(&a, 1);
    script_init(&b, 1);
    script_init(&c, 2);
    struct script *all[] = {&a, &b, &c};
    for (int i = 0; i < 3; i++)
        add(all[i], "{\"fault\":\"delay\",\"ms\":5,\"chance\":0.25}");
    for (int i = 0; i < 10000; i++) {
        enum fault_kind x = script_next(&a, false, "EURUSD").kind;
        assert_int_equal(x, script_next(&b, false, "EURUSD").kind);
        differs += x != script_next(&c, false, "EURUSD").kind;
        struck += x == FAULT_DELAY;
    }
    assert_in_range(struck, 2300, 2700);
    assert_true(differs > 2000);
}

static void every_fault_has_a_line(void **state)
{
    (void)state;
    for (int kind = 0; kind < FAULT_COUNT; kind++) {
        struct script script;
        struct svc_error err;
        char line[128];
        const char *member = script_names[kind].member;
        script_init(&script, 1);
        (void)snprintf(line, sizeof line, "{\"fault\":\"%s\"}", script_names[kind].name);
        assert_int_equal(script_add(&script, line, strlen(line), &err),
                         member == NULL ? SVC_OK : SVC_REJECT);
        if (member == NULL)
            continue;
        (void)snprintf(line, sizeof line, "{\"fault\":\"%s\",\"%s\":7}", script_names[kind].name,
                       member);
        add(&script, line);
        assert_int_equal(script_next(&script, false, "EURUSD").kind, kind);
    }
}

static void bad_lines(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "",
        "x",
        "[]",
        "{}",
        "{\"fault\":\"explode\"}",
        "{\"fault\":7}",
        "{\"fault\":\"no_reply\",\"at\":0}",
        "{\"fault\":\"no_reply\",\"at\":\"3\"}",
        "{\"fault\":\"no_reply\",\"at\":1,\"every\":2}",
        "{\"fault\":\"no_reply\",\"chance\":1.5}",
        "{\"fault\":\"no_reply\",\"chance\":\"1\"}",
        "{\"fault\":\"no_reply\",\"on\":\"both\"}",
        "{\"fault\":\"no_reply\",\"when\":3}",
        "{\"fault\":\"partial\",\"percent\":101}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct script script;
        struct svc_error err = {.rc = SVC_OK};
        script_init(&script, 1);
        if (script_add(&script, lines[i], strlen(lines[i]), &err) != SVC_REJECT)
            fail_msg("taken: %s", lines[i]);
        assert_string_equal(err.code, "bad_script");
        assert_int_equal(script.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_every_times),
        cmocka_unit_test(filters),
        cmocka_unit_test(chance_comes_from_the_seed),
        cmocka_unit_test(every_fault_has_a_line),
        cmocka_unit_test(bad_lines),
    };
    return cmocka_run_group_tests_name("script", tests, NULL, NULL);
}
