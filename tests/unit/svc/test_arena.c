/* Alignment, zeroes, block changes, reset. */
#include "cmocka_all.h"

#include "svc/arena.h"

#include <string.h>

static void allocations_are_aligned_zeroed_and_apart(void **state)
{
    (void)state;
    struct svc_arena arena;
    unsigned char *taken[200];
    svc_arena_init(&arena, 256);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < 200; i++) {
            taken[i] = svc_arena_alloc(&arena, i);
            assert_int_equal((uintptr_t)taken[i] % _Alignof(max_align_t), 0);
            for (size_t at = 0; at < i; at++)
                assert_int_equal(taken[i][at], 0);
            memset(taken[i], (int)i, i);
        }
        for (size_t i = 0; i < 200; i++)
            for (size_t at = 0; at < i; at++)
                assert_int_equal(taken[i][at], (unsigned char)i);
        svc_arena_reset(&arena);
    }
    svc_arena_done(&arena);
    svc_arena_done(&arena); /* may be called again */
}

static void reset_gives_the_first_block_again(void **state)
{
    (void)state;
    struct svc_arena arena;
    svc_arena_init(&arena, 1024);
    svc_arena_reset(&arena); /* before anything was taken */
    const void *first = svc_arena_alloc(&arena, 100);
    assert_non_null(svc_arena_alloc(&arena, 5000));
    svc_arena_reset(&arena);
    assert_ptr_equal(svc_arena_alloc(&arena, 100), first);
    svc_arena_done(&arena);
}

static void a_huge_first_block_does_not_stay(void **state)
{
    (void)state;
    struct svc_arena arena;
    svc_arena_init(&arena, 64);
    memset(svc_arena_alloc(&arena, 100000), 1, 100000);
    svc_arena_reset(&arena);
    assert_null(arena.first);
    svc_arena_done(&arena);
}

static void texts_are_copied(void **state)
{
    (void)state;
    struct svc_arena arena;
    svc_arena_init(&arena, 32);
    char text[] = "signal";
    char *copy = svc_arena_text(&arena, text), *bytes = svc_arena_copy(&arena, "a\0b", 3);
    text[0] = 'S';
    assert_string_equal(copy, "signal");
    assert_memory_equal(bytes, "a\0b\0", 4);
    assert_null(svc_arena_text(&arena, NULL));
    assert_string_equal(svc_arena_copy(&arena, NULL, 0), "");
    assert_string_equal(svc_arena_printf(&arena, "%s-%0100d", copy, 7) + 105, "07");
    svc_arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_aligned_zeroed_and_apart),
        cmocka_unit_test(reset_gives_the_first_block_again),
        cmocka_unit_test(a_huge_first_block_does_not_stay),
        cmocka_unit_test(texts_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
