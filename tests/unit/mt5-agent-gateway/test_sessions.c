/* Sessions: who a peer is, what replaces what, when silence ends one, and what Postgres is told. */
#include "agents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { TIMEOUT_MS = 15000, BEAT_MS = 5000, AGENTS = 8 };
#define SECOND INT64_C(1000000)

static struct sessions sessions;

static int set_up(void **state)
{
    (void)state;
    assert_true(sessions_init(&sessions, AGENTS, TIMEOUT_MS, BEAT_MS));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sessions_done(&sessions);
    return 0;
}

static void a_peer_is_its_key_and_its_address(void **state)
{
    struct session *session = start_session(&sessions, 1, 1, 0), *found = NULL;
    const struct peer same = peer_of(1, 1), elsewhere = peer_of(1, 2);
    (void)state;
    assert_int_equal(sessions_by_peer(&sessions, &same, &found), PEER_LIVE);
    assert_ptr_equal(found, session);
    assert_int_equal(sessions_by_peer(&sessions, &elsewhere, &found), PEER_UNKNOWN);
}

/* An address under another key: whoever has it now must not get what was meant for the session. */
static void an_address_under_another_key_ends_the_session(void **state)
{
    struct session *found = NULL;
    struct session_name name;
    const struct peer thief = peer_of(2, 1);
    (void)state;
    assert_non_null(start_session(&sessions, 1, 5, 0));
    assert_int_equal(sessions_by_peer(&sessions, &thief, &found), PEER_CHANGED);
    assert_null(found);
    assert_null(sessions_by_agent(&sessions, agent_name(1)));
    assert_int_equal(sessions_by_peer(&sessions, &thief, &found), PEER_UNKNOWN);
    assert_int_equal(sessions_ended(&sessions, 1, &name), 1);
    assert_string_equal(name.agent_id, agent_name(1));
    assert_int_equal(name.session_no, 5);
}

static void a_second_hello_replaces_the_session(void **state)
{
    const struct peer old = peer_of(1, 1), new = peer_of(1, 77);
    struct session *found = NULL;
    struct session_name name;
    (void)state;
    assert_non_null(start_session(&sessions, 1, 1, 0));
    const struct session_start start = {.agent_id = agent_name(1),
                                        .user_id = agent_name(900000),
                                        .peer = &new,
                                        .session_no = 2,
                                        .now_mono_us = 1};
    struct session *session = sessions_start(&sessions, &start);
    assert_non_null(session);
    assert_int_equal(sessions_count(&sessions), 1);
    assert_int_equal(sessions_by_peer(&sessions, &old, &found), PEER_UNKNOWN);
    assert_int_equal(sessions_by_peer(&sessions, &new, &found), PEER_LIVE);
    assert_null(sessions_named(&sessions, agent_name(1), 1));
    assert_ptr_equal(sessions_named(&sessions, agent_name(1), 2), session);
    /* agent_hello() ended the old one already: to end it again would be to end the new one's
     * presence. */
    assert_int_equal(sessions_ended(&sessions, 1, &name), 0);
}

static void another_agent_behind_the_same_peer_ends_the_first(void **state)
{
    const struct peer peer = peer_of(1, 1);
    struct session_name name;
    (void)state;
    assert_non_null(start_session(&sessions, 1, 4, 0));
    const struct session_start start = {
        .agent_id = agent_name(2), .user_id = agent_name(900000), .peer = &peer, .session_no = 1};
    assert_non_null(sessions_start(&sessions, &start));
    assert_null(sessions_by_agent(&sessions, agent_name(1)));
    assert_int_equal(sessions_ended(&sessions, 1, &name), 1);
    assert_string_equal(name.agent_id, agent_name(1));
}

static void silence_ends_the_oldest_first(void **state)
{
    struct session *one = start_session(&sessions, 1, 1, 0);
    struct session *two = start_session(&sessions, 2, 1, SECOND);
    (void)state;
    assert_null(sessions_silent(&sessions, 15 * SECOND - 1));
    assert_ptr_equal(sessions_silent(&sessions, 15 * SECOND), one);
    sessions_heard(&sessions, one, 14 * SECOND);
    assert_null(sessions_silent(&sessions, 15 * SECOND));
    assert_ptr_equal(sessions_silent(&sessions, 16 * SECOND), two);
    sessions_end(&sessions, two);
    assert_null(sessions_silent(&sessions, 29 * SECOND - 1));
    assert_ptr_equal(sessions_silent(&sessions, 29 * SECOND), one);
}

static void heartbeats_come_once_a_period_and_do_not_catch_up(void **state)
{
    struct session *one = start_session(&sessions, 1, 1, 0);
    struct session *two = start_session(&sessions, 2, 1, SECOND);
    (void)state;
    assert_null(sessions_heartbeat(&sessions, 5 * SECOND - 1));
    assert_ptr_equal(sessions_heartbeat(&sessions, 5 * SECOND), one);
    assert_null(sessions_heartbeat(&sessions, 5 * SECOND));
    assert_ptr_equal(sessions_heartbeat(&sessions, 60 * SECOND), two);
    assert_ptr_equal(sessions_heartbeat(&sessions, 60 * SECOND), one);
    assert_null(sessions_heartbeat(&sessions, 60 * SECOND));
}

static void there_is_room_for_so_many(void **state)
{
    struct session_name name;
    (void)state;
    for (unsigned i = 0; i < AGENTS; i++)
        assert_non_null(start_session(&sessions, i, 1, 0));
    assert_null(start_session(&sessions, AGENTS, 9, 0));
    /* Postgres has welcomed it, and must be told. */
    assert_int_equal(sessions_ended(&sessions, 1, &name), 1);
    assert_int_equal(name.session_no, 9);
    assert_non_null(start_session(&sessions, 3, 2, 0)); /* who is here already, has a place */
}

static void ended_sessions_wait_until_they_are_told(void **state)
{
    struct session_name names[AGENTS];
    (void)state;
    for (unsigned round = 0; round < 3; round++) { /* the ring turns */
        for (unsigned i = 0; i < 5; i++)
            sessions_end(&sessions, start_session(&sessions, i, round, 0));
        assert_int_equal(sessions_ended(&sessions, 2, names), 2);
        assert_string_equal(names[1].agent_id, agent_name(1));
        sessions_ended_told(&sessions, 2);
        assert_int_equal(sessions_ended(&sessions, AGENTS, names), 3);
        assert_string_equal(names[0].agent_id, agent_name(2));
        assert_int_equal(names[2].session_no, round);
        sessions_ended_told(&sessions, 3);
    }
    for (unsigned i = 0; i < AGENTS + 2; i++) /* full: the oldest are forgotten */
        sessions_end(&sessions, start_session(&sessions, i, 1, 0));
    assert_int_equal(sessions_ended(&sessions, AGENTS, names), AGENTS);
    assert_string_equal(names[0].agent_id, agent_name(2));
}

static void note_over(void *arg, const struct session *session)
{
    uint64_t *over = arg;
    assert_string_equal(session->agent_id, agent_name(1));
    *over = *over * 10 + session->session_no;
}

/* Whatever ends a session, somebody is told once; closing down is no end of one. */
static void every_end_is_told(void **state)
{
    uint64_t over = 0;
    struct session *found = NULL;
    const struct peer thief = peer_of(2, 1);
    (void)state;
    sessions.on_over = note_over;
    sessions.over_arg = &over;
    assert_non_null(start_session(&sessions, 1, 1, 0));
    assert_non_null(start_session(&sessions, 1, 2, 0)); /* replaced */
    assert_int_equal(over, 1);
    assert_int_equal(sessions_by_peer(&sessions, &thief, &found), PEER_CHANGED);
    assert_int_equal(over, 12);
    sessions_end(&sessions, start_session(&sessions, 1, 3, 0));
    assert_int_equal(over, 123);
    assert_non_null(start_session(&sessions, 1, 4, 0));
    sessions_done(&sessions);
    assert_int_equal(over, 123);
    assert_true(sessions_init(&sessions, AGENTS, TIMEOUT_MS, BEAT_MS)); /* for the tear-down */
}

static void a_users_agents_are_found(void **state)
{
    (void)state;
    struct session *ten = start_session(&sessions, 10, 1, 0);
    struct session *eleven = start_session(&sessions, 11, 1, 0);
    assert_non_null(start_session(&sessions, 20, 1, 0));
    const char *user = agent_name(900001);
    struct session *first = sessions_of_user(&sessions, user, NULL);
    struct session *second = sessions_of_user(&sessions, user, first);
    assert_true((first == ten && second == eleven) || (first == eleven && second == ten));
    assert_null(sessions_of_user(&sessions, user, second));
    assert_null(sessions_of_user(&sessions, agent_name(900009), NULL));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_peer_is_its_key_and_its_address),
        TEST(an_address_under_another_key_ends_the_session),
        TEST(a_second_hello_replaces_the_session),
        TEST(another_agent_behind_the_same_peer_ends_the_first),
        TEST(silence_ends_the_oldest_first),
        TEST(heartbeats_come_once_a_period_and_do_not_catch_up),
        TEST(there_is_room_for_so_many),
        TEST(ended_sessions_wait_until_they_are_told),
        TEST(every_end_is_told),
        TEST(a_users_agents_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
