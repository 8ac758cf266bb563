/* The wanting set: who is in the next statement, with how much room, and what an answer means. */
#include "agents.h"
#include "claims.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { AGENTS = 3000 };
static struct sessions sessions;
static struct claims claims;

static int set_up(void **state)
{
    (void)state;
    assert_true(sessions_init(&sessions, AGENTS, 15000, 5000));
    claims_init(&claims);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sessions_done(&sessions);
    return 0;
}

static struct session *asked_agent(unsigned number)
{
    struct session *session = start_session(&sessions, number, 1, 0);
    session->asked = true;
    return session;
}

static void hold(struct session *session, unsigned job, enum lane lane)
{
    struct held_job held = {.lane = lane, .lease_epoch = 1, .until_mono_us = INT64_MAX};
    memcpy(held.job_id, agent_name(job), SVC_UUID_TEXT);
    assert_true(session_hold(session, &held, false, 0));
}

static void take_answer(struct session *session, unsigned effects)
{
    for (unsigned i = 0; i < effects; i++) {
        claims_received(session, LANE_EFFECTS);
        hold(session, 100 + i, LANE_EFFECTS);
    }
    claims_finished(&claims, &sessions, &claims.claim, 0);
}

static void all_who_want_are_in_one_statement(void **state)
{
    (void)state;
    struct session *two = asked_agent(2);
    for (unsigned i = 3; i < 10; i++)
        claims_want(&claims, asked_agent(i));
    claims_want(&claims, two);
    claims_want(&claims, two); /* a hint and the poll: once */
    assert_true(claims_next_claim(&claims, 5, 6));
    assert_int_equal(claims.claim.count, 8);
    assert_int_equal(claims.claim.asked_unix_us, 5);
    const struct batch_entry *entry = &claims.claim.entries[7];
    assert_string_equal(entry->name.agent_id, agent_name(2));
    assert_int_equal(entry->slots[LANE_EFFECTS], 8);
    assert_int_equal(entry->slots[LANE_READS], 4);
    assert_int_equal(entry->slots[LANE_BUILDS], 1);
}

static void one_statement_at_a_time(void **state)
{
    (void)state;
    struct session *session = asked_agent(1);
    assert_false(claims_next_claim(&claims, 0, 0)); /* nobody wants */
    claims_want(&claims, session);
    assert_true(claims_next_claim(&claims, 0, 0));
    claims_want(&claims, session); /* a hint while it is in flight: its snapshot may be older */
    assert_false(claims_next_claim(&claims, 0, 0));
    take_answer(session, 0);
    assert_true(claims_next_claim(&claims, 0, 0));
    take_answer(session, 0);
    assert_false(claims_next_claim(&claims, 0, 0));
}

static void open_effects_are_asked_about_before_anything_is_claimed(void **state)
{
    (void)state;
    struct session *session = start_session(&sessions, 1, 1, 0);
    claims_want(&claims, session);
    claims_ask(&claims, session);
    assert_false(claims_next_claim(&claims, 0, 0));
    assert_true(claims_next_question(&claims, 0, 0));
    assert_int_equal(claims.question.count, 1);
    assert_true(
        claims_next_claim(&claims, 0, 0)); /* it still wants; the pipeline keeps the order */
    assert_int_equal(claims.claim.count, 1);
}

static void a_full_answer_means_more(void **state)
{
    (void)state;
    struct session *session = asked_agent(1);
    claims_want(&claims, session);
    assert_true(claims_next_claim(&claims, 0, 0));
    take_answer(session, 8);
    assert_false(claims_next_claim(&claims, 0, 0)); /* no slot is free yet */
    enum lane lane;
    assert_true(session_release(session, agent_name(100), 1, false, &lane));
    claims_slot_freed(&claims, session, lane);
    assert_true(claims_next_claim(&claims, 0, 0));
    assert_int_equal(claims.claim.entries[0].slots[LANE_EFFECTS], 1);
}

static void a_short_answer_means_no_more(void **state)
{
    (void)state;
    struct session *session = asked_agent(1);
    claims_want(&claims, session);
    assert_true(claims_next_claim(&claims, 0, 0));
    take_answer(session, 7);
    claims_slot_freed(&claims, session, LANE_EFFECTS);
    assert_false(claims_next_claim(&claims, 0, 0));
}

/* Otherwise the freed slot would stay empty until the next hint. */
static void a_slot_freed_while_the_claim_is_in_flight_is_used(void **state)
{
    (void)state;
    struct session *session = asked_agent(1);
    hold(session, 1, LANE_EFFECTS);
    claims_want(&claims, session);
    assert_true(claims_next_claim(&claims, 0, 0));
    assert_int_equal(claims.claim.entries[0].slots[LANE_EFFECTS], 7);
    enum lane lane;
    assert_true(session_release(session, agent_name(1), 1, false, &lane));
    claims_slot_freed(&claims, session, lane);
    take_answer(session, 7);
    assert_true(claims_next_claim(&claims, 0, 0));
    assert_int_equal(claims.claim.entries[0].slots[LANE_EFFECTS], 1);
}

static void without_a_terminal_no_effects(void **state)
{
    (void)state;
    struct session *session = asked_agent(1);
    session->terminal_ready = false;
    claims_want(&claims, session);
    assert_true(claims_next_claim(&claims, 0, 0));
    assert_int_equal(claims.claim.entries[0].slots[LANE_EFFECTS], 0);
    assert_int_equal(claims.claim.entries[0].slots[LANE_READS], 4);
    take_answer(session, 0);
    claims_terminal_ready(&claims, session, false);
    assert_false(claims_next_claim(&claims, 0, 0));
    claims_terminal_ready(&claims, session, true);
    assert_true(claims_next_claim(&claims, 0, 0));
    assert_int_equal(claims.claim.entries[0].slots[LANE_EFFECTS], 8);
    take_answer(session, 0);
    claims_terminal_ready(&claims, session, true); /* each heartbeat says so: no news */
    assert_false(claims_next_claim(&claims, 0, 0));
}

static void a_session_that_ends_leaves_every_queue(void **state)
{
    (void)state;
    struct session *one = asked_agent(1), *two = asked_agent(2);
    claims_want(&claims, one);
    claims_ask(&claims, one);
    claims_want(&claims, two);
    sessions_end(&sessions, one);
    assert_false(claims_next_question(&claims, 0, 0));
    assert_true(claims_next_claim(&claims, 0, 0));
    assert_int_equal(claims.claim.count, 1);
    sessions_end(&sessions, two); /* while its claim is in flight */
    claims_finished(&claims, &sessions, &claims.claim, 0);
    assert_false(claims_next_claim(&claims, 0, 0));
}

static void a_failing_statement_is_halved_until_the_culprit_is_alone(void **state)
{
    int64_t now = 0;
    unsigned served = 0, statements = 0;
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        claims_want(&claims, asked_agent(i));
    /* Agent 37's rows break every statement it is in. */
    for (; served < 63 && statements < 100; statements++) {
        now += 1000000;
        assert_true(claims_next_claim(&claims, 0, now));
        bool broken = false;
        for (size_t i = 0; i < claims.claim.count; i++)
            broken |= strcmp(claims.claim.entries[i].name.agent_id, agent_name(37)) == 0;
        if (broken) {
            claims_failed(&claims, &sessions, &claims.claim, now);
            assert_false(claims_next_claim(&claims, 0, now)); /* not at once */
        } else {
            served += (unsigned)claims.claim.count;
            claims_finished(&claims, &sessions, &claims.claim, now);
        }
    }
    assert_int_equal(served, 63);
    assert_true(statements < 30);
}

static void a_question_that_failed_keeps_its_agent_from_claiming(void **state)
{
    (void)state;
    struct session *session = start_session(&sessions, 1, 1, 0);
    claims_ask(&claims, session);
    claims_want(&claims, session);
    assert_true(claims_next_question(&claims, 0, 0));
    claims_failed(&claims, &sessions, &claims.question, 0);
    assert_false(claims_next_claim(&claims, 0, 1000000));
    claims_ask_all(&claims, &sessions); /* every 5 s */
    assert_true(claims_next_question(&claims, 0, 1000000));
    assert_true(claims_next_claim(&claims, 0, 1000000));
}

static void what_could_not_be_sent_is_in_the_next_one(void **state)
{
    (void)state;
    for (unsigned i = 0; i < AGENTS; i++)
        (void)asked_agent(i);
    claims_want_all(&claims, &sessions);
    assert_true(claims_next_claim(&claims, 0, 0));
    assert_int_equal(claims.claim.count, BATCH_AGENTS_MAX);
    claims_unsent(&claims, &sessions, &claims.claim, 0);
    unsigned count = 0;
    while (claims_next_claim(&claims, 0, 1000000)) {
        count += (unsigned)claims.claim.count;
        claims_finished(&claims, &sessions, &claims.claim, 1000000);
    }
    assert_int_equal(count, AGENTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(all_who_want_are_in_one_statement),
        TEST(one_statement_at_a_time),
        TEST(open_effects_are_asked_about_before_anything_is_claimed),
        TEST(a_full_answer_means_more),
        TEST(a_short_answer_means_no_more),
        TEST(a_slot_freed_while_the_claim_is_in_flight_is_used),
        TEST(without_a_terminal_no_effects),
        TEST(a_session_that_ends_leaves_every_queue),
        TEST(a_failing_statement_is_halved_until_the_culprit_is_alone),
        TEST(a_question_that_failed_keeps_its_agent_from_claiming),
        TEST(what_could_not_be_sent_is_in_the_next_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
