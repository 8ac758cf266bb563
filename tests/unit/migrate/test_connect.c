/* Which servers are accepted. */
#include "connect.h"

#include "svc/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void servers_from_15_on(void **state)
{
    (void)state;
    static const int accepted[] = {0, 150000, 150020, 160001, 170000, 180000};
    struct svc_arena arena;
    svc_arena_init(&arena, 1024);
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        struct fault fault = {0};
        assert_int_equal(connect_check_server(accepted[i], &arena, &fault), MIGRATE_OK);
        assert_null(fault.code);
    }
    svc_arena_done(&arena);
}

static void older_servers_are_named(void **state)
{
    (void)state;
    static const struct {
        int version;
        const char *message;
    } cases[] = {
        {149999, "the server is Postgres 14; the migrations need 15 or newer"},
        {140011, "the server is Postgres 14; the migrations need 15 or newer"},
        {90624, "the server is Postgres 9; the migrations need 15 or newer"},
    };
    struct svc_arena arena;
    svc_arena_init(&arena, 1024);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fault fault = {0};
        assert_int_equal(connect_check_server(cases[i].version, &arena, &fault),
                         MIGRATE_CONNECTION);
        assert_string_equal(fault.code, "old_server");
        assert_string_equal(fault.message, cases[i].message);
        assert_non_null(fault.hint);
    }
    svc_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers_from_15_on),
        cmocka_unit_test(older_servers_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
