/* Look-ups of unknown secrets: shared, bounded, limited in time, and "nobody's" remembered. The
 * store is a fake that keeps the questions until the test answers them. */
#include "lookup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { WAIT_MS = 40 };

/* --- a store that answers when the test says so ----------------------------------------------- */

static struct {
    store_answer_fn *done[LOOKUP_SECRETS];
    void *arg[LOOKUP_SECRETS];
    unsigned asked, answered;
    bool away;
} fake;

enum svc_rc store_ask_secret(struct store *store, const char *secret, store_answer_fn *done,
                             void *arg, struct svc_error *err)
{
    (void)store;
    (void)secret;
    if (fake.away)
        return svc_fail(err, SVC_AGAIN, "connection_lost", "away");
    fake.done[fake.asked % LOOKUP_SECRETS] = done;
    fake.arg[fake.asked++ % LOOKUP_SECRETS] = arg;
    return SVC_OK;
}

static void answer_oldest(enum store_answer answer)
{
    const unsigned i = fake.answered++ % LOOKUP_SECRETS;
    assert_true(fake.answered <= fake.asked);
    fake.done[i](fake.arg[i], answer);
}

/* --- requests that wait ----------------------------------------------------------------------- */

struct waiting {
    struct lookup_waiter waiter;
    unsigned told;
    enum store_answer answer;
};

static void told(void *arg, enum store_answer answer)
{
    struct waiting *waiting = arg;
    waiting->told++;
    waiting->answer = answer;
}

static enum lookup_state ask(struct lookup *lookup, unsigned secret, struct waiting *waiting)
{
    char text[16];
    uint8_t hash[SECRET_HASH_BYTES];
    const int len = snprintf(text, sizeof text, "%08x", secret);
    strategies_hash_secret(text, (size_t)len, hash);
    *waiting = (struct waiting){.waiter = {.done = told, .arg = waiting}};
    return lookup_ask(lookup, text, hash, &waiting->waiter);
}

struct world {
    struct svc_loop *loop;
    struct lookup *lookup;
    struct svc_timer stop;
};

static int begin(void **state)
{
    static struct world world;
    struct svc_error err;
    memset(&fake, 0, sizeof fake);
    world = (struct world){.loop = NULL};
    if (svc_loop_open(&world.loop, &err) != SVC_OK)
        return -1;
    world.lookup = lookup_new(world.loop, NULL, WAIT_MS);
    *state = &world;
    return world.lookup == NULL;
}

static int end(void **state)
{
    struct world *world = *state;
    lookup_free(&world->lookup);
    svc_loop_close(&world->loop);
    return 0;
}

static void stop(void *arg)
{
    svc_loop_fail(arg, SVC_EXIT_OK);
}

/* Once per loop. */
static void run_for_ms(struct world *world, uint32_t ms)
{
    const struct svc_lifecycle life = {.catch_signals = false};
    world->stop = (struct svc_timer){.run = stop, .arg = world->loop};
    svc_timer_after_ms(world->loop, &world->stop, ms);
    assert_int_equal(svc_run(world->loop, &life, 0), SVC_EXIT_OK);
}

/* --- tests ------------------------------------------------------------------------------------ */

static void one_question_for_all(void **state)
{
    struct world *world = *state;
    struct waiting w[3], other;
    for (int i = 0; i < 3; i++)
        assert_int_equal(ask(world->lookup, 1, &w[i]), LOOKUP_WAITS);
    assert_int_equal(ask(world->lookup, 2, &other), LOOKUP_WAITS);
    assert_int_equal(fake.asked, 2);
    answer_oldest(STORE_FOUND);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(w[i].told, 1);
        assert_int_equal(w[i].answer, STORE_FOUND);
    }
    assert_int_equal(other.told, 0);
    answer_oldest(STORE_CANNOT_ASK);
    assert_int_equal(other.answer, STORE_CANNOT_ASK);
    assert_int_equal(ask(world->lookup, 2, &other), LOOKUP_WAITS); /* not remembered */
    assert_int_equal(fake.asked, 3);
}

static void nobodys_is_remembered(void **state)
{
    struct world *world = *state;
    struct waiting w;
    assert_int_equal(ask(world->lookup, 1, &w), LOOKUP_WAITS);
    answer_oldest(STORE_NOT_FOUND);
    assert_int_equal(w.answer, STORE_NOT_FOUND);
    assert_int_equal(ask(world->lookup, 1, &w), LOOKUP_UNKNOWN);
    assert_int_equal(fake.asked, 1);
    run_for_ms(world, LOOKUP_REMEMBERED_US / 1000 + 20);
    assert_int_equal(ask(world->lookup, 1, &w), LOOKUP_WAITS);
}

static void bounded(void **state)
{
    struct world *world = *state;
    static struct waiting w[LOOKUP_WAITERS + 1];
    for (unsigned i = 0; i < LOOKUP_SECRETS; i++)
        assert_int_equal(ask(world->lookup, i, &w[i]), LOOKUP_WAITS);
    assert_int_equal(ask(world->lookup, LOOKUP_SECRETS, &w[LOOKUP_WAITERS]), LOOKUP_CANNOT_ASK);
    for (unsigned i = LOOKUP_SECRETS; i < LOOKUP_WAITERS; i++)
        assert_int_equal(ask(world->lookup, 0, &w[i]), LOOKUP_WAITS);
    assert_int_equal(ask(world->lookup, 0, &w[LOOKUP_WAITERS]), LOOKUP_CANNOT_ASK);
    assert_int_equal(fake.asked, LOOKUP_SECRETS);
    answer_oldest(STORE_FOUND);
    assert_int_equal(ask(world->lookup, 1, &w[LOOKUP_WAITERS]), LOOKUP_WAITS); /* room again */
}

static void postgres_is_away(void **state)
{
    struct world *world = *state;
    struct waiting w;
    fake.away = true;
    assert_int_equal(ask(world->lookup, 1, &w), LOOKUP_CANNOT_ASK);
    fake.away = false;
    assert_int_equal(ask(world->lookup, 1, &w), LOOKUP_WAITS);
}

/* Who waited long enough is told so, once; a question without an answer is not asked a second time.
 */
static void limited_in_time(void **state)
{
    struct world *world = *state;
    struct waiting w, late;
    assert_int_equal(ask(world->lookup, 1, &w), LOOKUP_WAITS);
    run_for_ms(world, 2 * WAIT_MS + 20);
    assert_int_equal(w.told, 1);
    assert_int_equal(w.answer, STORE_CANNOT_ASK);
    assert_int_equal(ask(world->lookup, 1, &late), LOOKUP_CANNOT_ASK);
    assert_int_equal(fake.asked, 1);
    answer_oldest(STORE_FOUND);
    assert_int_equal(w.told, 1);
    assert_int_equal(ask(world->lookup, 1, &late), LOOKUP_WAITS);
    assert_int_equal(fake.asked, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_question_for_all, begin, end),
        cmocka_unit_test_setup_teardown(nobodys_is_remembered, begin, end),
        cmocka_unit_test_setup_teardown(bounded, begin, end),
        cmocka_unit_test_setup_teardown(postgres_is_away, begin, end),
        cmocka_unit_test_setup_teardown(limited_in_time, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
