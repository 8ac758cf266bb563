/* The cache: find, rotate, reload, and many of them. */
#include "strategies.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char user[] = "22222222-2222-4222-8222-222222222222";

static void id_of(unsigned n, char ret[SVC_UUID_TEXT])
{
    (void)snprintf(ret, SVC_UUID_TEXT, "%08x-0000-4000-8000-000000000000", n);
}

static void hash_of(unsigned n, uint8_t ret[SECRET_HASH_BYTES])
{
    char secret[16];
    const int len = snprintf(secret, sizeof secret, "%x", n);
    strategies_hash_secret(secret, (size_t)len, ret);
}

static void put(struct strategies *strategies, unsigned id, unsigned secret)
{
    char text[SVC_UUID_TEXT];
    uint8_t hash[SECRET_HASH_BYTES];
    id_of(id, text);
    hash_of(secret, hash);
    assert_string_equal(strategies_put(strategies, text, user, hash)->id, text);
}

/* Is the secret known, and as this strategy's? */
static bool has(const struct strategies *strategies, unsigned id, unsigned secret)
{
    char text[SVC_UUID_TEXT];
    uint8_t hash[SECRET_HASH_BYTES];
    id_of(id, text);
    hash_of(secret, hash);
    const struct strategy *found = strategies_find(strategies, hash);
    return found != NULL && strcmp(found->id, text) == 0 && strcmp(found->user_id, user) == 0;
}

static void sha256(void **state)
{
    static const uint8_t of_abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    uint8_t hash[SECRET_HASH_BYTES];
    (void)state;
    strategies_hash_secret("abc", 3, hash);
    assert_memory_equal(hash, of_abc, sizeof of_abc);
}

static void rotation_forgets_the_old_secret(void **state)
{
    struct strategies *strategies = strategies_new();
    (void)state;
    put(strategies, 1, 100);
    put(strategies, 2, 200);
    assert_true(has(strategies, 1, 100));
    assert_false(has(strategies, 1, 200));
    put(strategies, 1, 101);
    assert_true(has(strategies, 1, 101));
    assert_false(has(strategies, 1, 100));
    assert_int_equal(strategies_count(strategies), 2);
    strategies_free(&strategies);
    assert_null(strategies);
}

static void reload_forgets_what_is_gone(void **state)
{
    struct strategies *strategies = strategies_new();
    (void)state;
    strategies_load_begin(strategies);
    for (unsigned i = 0; i < 10; i++)
        put(strategies, i, i);
    strategies_load_end(strategies);
    assert_int_equal(strategies_count(strategies), 10);
    strategies_load_begin(strategies);
    for (unsigned i = 0; i < 10; i += 2)
        put(strategies, i, i);
    put(strategies, 50, 50);            /* looked up meanwhile */
    assert_true(has(strategies, 3, 3)); /* until the load is over */
    strategies_load_end(strategies);
    assert_int_equal(strategies_count(strategies), 6);
    assert_false(has(strategies, 3, 3));
    assert_true(has(strategies, 4, 4));
    assert_true(has(strategies, 50, 50));
    /* A load that broke off forgets nothing. */
    strategies_load_begin(strategies);
    put(strategies, 4, 4);
    strategies_load_begin(strategies);
    assert_int_equal(strategies_count(strategies), 6);
    strategies_free(&strategies);
}

static void many(void **state)
{
    enum { COUNT = 20000 };
    struct strategies *strategies = strategies_new();
    (void)state;
    strategies_load_begin(strategies);
    for (unsigned i = 0; i < COUNT; i++)
        put(strategies, i, i);
    strategies_load_end(strategies);
    for (unsigned i = 0; i < COUNT; i++) {
        put(strategies, i, i + COUNT);
        assert_false(has(strategies, i, i));
    }
    for (unsigned i = 0; i < COUNT; i++)
        assert_true(has(strategies, i, i + COUNT));
    assert_int_equal(strategies_count(strategies), COUNT);
    strategies_free(&strategies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256),
        cmocka_unit_test(rotation_forgets_the_old_secret),
        cmocka_unit_test(reload_forgets_what_is_gone),
        cmocka_unit_test(many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
