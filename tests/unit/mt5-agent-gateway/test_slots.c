/* Slots: 8, 4 and 1; questions beside them; a lease's end frees a slot whatever the agent says. */
#include "agents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sessions sessions;
static struct session *session;

static int set_up(void **state)
{
    (void)state;
    assert_true(sessions_init(&sessions, 4, 15000, 5000));
    session = start_session(&sessions, 1, 1, 0);
    return session != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    sessions_done(&sessions);
    return 0;
}

static bool hold(unsigned job, enum lane lane, uint64_t epoch, bool question, int64_t now)
{
    struct held_job held = {.lane = lane, .lease_epoch = epoch, .until_mono_us = now + 1000};
    memcpy(held.job_id, agent_name(job), SVC_UUID_TEXT);
    return session_hold(session, &held, question, now);
}

static void each_lane_has_its_own_slots(void **state)
{
    (void)state;
    assert_int_equal(session_free_slots(session, LANE_EFFECTS, 0), 8);
    assert_int_equal(session_free_slots(session, LANE_READS, 0), 4);
    assert_int_equal(session_free_slots(session, LANE_BUILDS, 0), 1);
    for (unsigned i = 0; i < 8; i++)
        assert_true(hold(i, LANE_EFFECTS, 1, false, 0));
    assert_false(hold(8, LANE_EFFECTS, 1, false, 0));
    assert_int_equal(session_free_slots(session, LANE_EFFECTS, 0), 0);
    assert_int_equal(session_free_slots(session, LANE_READS, 0), 4);
    assert_true(hold(9, LANE_BUILDS, 1, false, 0));
    assert_false(hold(10, LANE_BUILDS, 1, false, 0));
}

static void a_report_frees_the_slot_of_its_epoch(void **state)
{
    enum lane lane = LANE_EFFECTS;
    (void)state;
    assert_true(hold(1, LANE_READS, 3, false, 0));
    assert_false(
        session_release(session, agent_name(1), 2, false, &lane)); /* an older offer's answer */
    assert_false(session_release(session, agent_name(2), 3, false, &lane)); /* of another job */
    assert_int_equal(session_free_slots(session, LANE_READS, 0), 3);
    assert_true(session_release(session, agent_name(1), 3, false, &lane));
    assert_int_equal(lane, LANE_READS);
    assert_int_equal(session_free_slots(session, LANE_READS, 0), 4);
    assert_false(session_release(session, agent_name(1), 3, false, &lane)); /* once */
}

static void a_fact_frees_it_at_any_epoch(void **state)
{
    enum lane lane = LANE_BUILDS;
    (void)state;
    assert_true(hold(1, LANE_EFFECTS, 3, false, 0));
    assert_true(session_release(session, agent_name(1), 2, true, &lane));
    assert_int_equal(lane, LANE_EFFECTS);
}

static void a_slot_ends_with_its_lease(void **state)
{
    (void)state;
    assert_true(hold(1, LANE_BUILDS, 1, false, 0));
    assert_int_equal(session_free_slots(session, LANE_BUILDS, 999), 0);
    assert_int_equal(session_free_slots(session, LANE_BUILDS, 1000), 1);
    assert_true(hold(2, LANE_BUILDS, 1, false, 1000));
    assert_null(session_held(session, agent_name(1)));
    assert_non_null(session_held(session, agent_name(2)));
}

static void questions_take_no_slot(void **state)
{
    enum lane lane = LANE_READS;
    (void)state;
    for (unsigned i = 0; i < 20; i++) /* more than are kept */
        assert_true(hold(i, LANE_EFFECTS, 2, true, 0));
    assert_int_equal(session_free_slots(session, LANE_EFFECTS, 0), 8);
    assert_non_null(session_held(session, agent_name(19)));
    assert_null(session_held(session, agent_name(0)));
    assert_false(
        session_release(session, agent_name(19), 2, false, &lane)); /* no slot became free */
    assert_null(session_held(session, agent_name(19)));
}

/* It became unknown in this session, and is asked about: the slot stays its own, under the new
 * epoch. */
static void a_held_job_that_is_asked_about_keeps_its_slot(void **state)
{
    enum lane lane = LANE_READS;
    (void)state;
    assert_true(hold(1, LANE_EFFECTS, 1, false, 0));
    assert_true(hold(1, LANE_EFFECTS, 2, true, 0));
    assert_int_equal(session_free_slots(session, LANE_EFFECTS, 0), 7);
    assert_int_equal(session_held(session, agent_name(1))->lease_epoch, 2);
    assert_true(session_release(session, agent_name(1), 2, false, &lane));
    assert_int_equal(session_free_slots(session, LANE_EFFECTS, 0), 8);
}

/* Voided after a question, and claimed again: it takes a slot like any other. */
static void an_asked_job_that_is_claimed_takes_a_slot(void **state)
{
    (void)state;
    assert_true(hold(1, LANE_EFFECTS, 2, true, 0));
    assert_true(hold(1, LANE_EFFECTS, 3, false, 0));
    assert_int_equal(session_free_slots(session, LANE_EFFECTS, 0), 7);
    assert_int_equal(session_held(session, agent_name(1))->lease_epoch, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_lane_has_its_own_slots),
        TEST(a_report_frees_the_slot_of_its_epoch),
        TEST(a_fact_frees_it_at_any_epoch),
        TEST(a_slot_ends_with_its_lease),
        TEST(questions_take_no_slot),
        TEST(a_held_job_that_is_asked_about_keeps_its_slot),
        TEST(an_asked_job_that_is_claimed_takes_a_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
