/* The table from keys to nodes: what was added is found, what was removed is not, equal keys stay
 * apart. */
#include "keymap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { COUNT = 5000 };

struct thing {
    struct keymap_node node;
    uint32_t key;
};

static void finds_exactly_what_is_in_it(void **state)
{
    static struct thing things[COUNT];
    struct keymap map;
    (void)state;
    assert_true(keymap_init(&map, sizeof(uint32_t), 100)); /* far fewer buckets than nodes */
    for (uint32_t i = 0; i < COUNT; i++) {
        things[i].key = i;
        keymap_add(&map, &things[i].node, &things[i].key);
    }
    for (uint32_t i = 0; i < COUNT; i += 2)
        keymap_remove(&map, &things[i].node);
    assert_int_equal(map.count, COUNT / 2);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_ptr_equal(keymap_find(&map, &i), i % 2 ? &things[i].node : NULL);
    keymap_done(&map);
}

static void equal_keys_are_all_there(void **state)
{
    struct thing things[] = {{.key = 7}, {.key = 8}, {.key = 7}, {.key = 7}};
    static struct thing others[COUNT]; /* in the same few buckets */
    struct keymap map;
    uint32_t key = 7;
    unsigned seen = 0, count = 0;
    (void)state;
    assert_true(keymap_init(&map, sizeof key, 1));
    for (unsigned i = 0; i < COUNT; i++) {
        others[i].key = 100 + i;
        keymap_add(&map, &others[i].node, &others[i].key);
        if (i % 1000 == 0 && i / 1000 < 4)
            keymap_add(&map, &things[i / 1000].node, &things[i / 1000].key);
    }
    for (struct keymap_node *n = keymap_find(&map, &key); n; n = keymap_next(&map, n)) {
        seen |= 1u << (n == &things[0].node ? 0 : n == &things[2].node ? 2 : 3);
        assert_ptr_not_equal(n, &things[1].node);
        count++;
    }
    assert_int_equal(count, 3);
    assert_int_equal(seen, 1 | 4 | 8);
    keymap_done(&map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_exactly_what_is_in_it),
        cmocka_unit_test(equal_keys_are_all_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
