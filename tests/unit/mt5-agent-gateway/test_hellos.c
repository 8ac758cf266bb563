/* Hellos that wait: in order, one per peer, and the pairing key only as its hash. */
#include "agents.h"
#include "hellos.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct hellos hellos;

static int set_up(void **state)
{
    (void)state;
    assert_true(hellos_init(&hellos, 3));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    hellos_done(&hellos);
    return 0;
}

static enum hello_verdict say(unsigned number, uint64_t journal_seq, int64_t now)
{
    char agent[] = "ABCDEF00-0000-4000-8000-000000000000";
    char journal[SVC_UUID_TEXT];
    Tradewire__V1__Hello message = TRADEWIRE__V1__HELLO__INIT;
    const struct peer peer = peer_of(number, number);
    memcpy(journal, agent_name(500), sizeof journal);
    message.agent_id = agent;
    message.journal_id = journal;
    message.journal_seq = journal_seq;
    message.pairing_key.data = (uint8_t *)(uintptr_t) "abc";
    message.pairing_key.len = 3;
    return hellos_take(&hellos, &peer, &message, now);
}

static void the_key_is_kept_as_its_hash(void **state)
{
    (void)state;
    assert_int_equal(say(1, 4, 0), HELLO_WAITS);
    const struct hello *hello = hellos_next(&hellos);
    /* SHA-256 of "abc", FIPS 180-2 appendix B.1 */
    assert_string_equal(hello->key_hash,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(hello->agent_id, "abcdef00-0000-4000-8000-000000000000");
    assert_int_equal(hello->journal_seq, 4);
    assert_false(hello->account.present);
}

static void an_account_is_copied_whole(void **state)
{
    (void)state;
    Tradewire__V1__Account m = TRADEWIRE__V1__ACCOUNT__INIT;
    struct account account;
    char hedging[] = "hedging", currency[] = "USD", balance[] = "1000000.00";
    m.server = (ProtobufCBinaryData){.len = 8, .data = (uint8_t *)(uintptr_t) "Sim-Demo"};
    m.login = (ProtobufCBinaryData){.len = 6, .data = (uint8_t *)(uintptr_t) "104200"};
    m.currency = currency;
    m.margin_mode = hedging;
    m.is_real = 1;
    account_copy(&m, &account);
    assert_string_equal(account.balance, "");
    m.balance = balance;
    m.leverage = 100;
    account_copy(&m, &account);
    assert_true(account.present && account.is_real);
    assert_string_equal(account.server, "Sim-Demo");
    assert_string_equal(account.login, "104200");
    assert_string_equal(account.currency, "USD");
    assert_string_equal(account.margin_mode, "hedging");
    assert_string_equal(account.balance, "1000000.00");
    assert_int_equal(account.leverage, 100);
}

static void first_come_first_asked(void **state)
{
    (void)state;
    assert_int_equal(say(1, 1, 0), HELLO_WAITS);
    assert_int_equal(say(2, 2, 0), HELLO_WAITS);
    struct hello *one = hellos_next(&hellos);
    assert_int_equal(one->journal_seq, 1);
    hellos_asked(&hellos, one);
    assert_int_equal(hellos_next(&hellos)->journal_seq, 2);
    hellos_again(&hellos, one); /* its answer was lost: before all others */
    assert_ptr_equal(hellos_next(&hellos), one);
    assert_false(one->asked);
}

static void a_repeat_counts_only_while_it_waits(void **state)
{
    const struct peer peer = peer_of(1, 1), thief = peer_of(2, 1);
    (void)state;
    assert_int_equal(say(1, 1, 0), HELLO_WAITS);
    assert_int_equal(say(1, 5, 1), HELLO_WAITS);
    assert_int_equal(hellos_count(&hellos), 1);
    struct hello *hello = hellos_next(&hellos);
    assert_int_equal(hello->journal_seq, 5);
    assert_true(hellos_of_peer(&hellos, &peer));
    assert_false(hellos_of_peer(&hellos, &thief));
    hellos_asked(&hellos, hello);
    assert_int_equal(say(1, 6, 2), HELLO_REPEATED);
    assert_int_equal(hello->journal_seq, 5);
    hellos_drop(&hellos, hello);
    assert_int_equal(say(1, 6, 3), HELLO_WAITS);
}

static void there_is_room_for_so_many(void **state)
{
    (void)state;
    for (unsigned i = 1; i <= 3; i++)
        assert_int_equal(say(i, 1, 0), HELLO_WAITS);
    assert_int_equal(say(4, 1, 0), HELLO_FULL);
    hellos_drop(&hellos, hellos_next(&hellos));
    assert_int_equal(say(4, 1, 0), HELLO_WAITS);
}

static void who_waits_too_long_is_forgotten(void **state)
{
    const int64_t limit = (int64_t)HELLO_WAIT_MS * 1000;
    (void)state;
    assert_int_equal(say(1, 1, 0), HELLO_WAITS);
    assert_int_equal(say(2, 2, 10), HELLO_WAITS);
    hellos_expire(&hellos, limit - 1);
    assert_int_equal(hellos_count(&hellos), 2);
    hellos_expire(&hellos, limit);
    assert_int_equal(hellos_count(&hellos), 1);
    assert_int_equal(hellos_next(&hellos)->journal_seq, 2);
    hellos_asked(&hellos, hellos_next(&hellos)); /* Postgres has it: its answer will come */
    hellos_expire(&hellos, 10 * limit);
    assert_int_equal(hellos_count(&hellos), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_key_is_kept_as_its_hash), TEST(an_account_is_copied_whole),
        TEST(first_come_first_asked),      TEST(a_repeat_counts_only_while_it_waits),
        TEST(there_is_room_for_so_many),   TEST(who_waits_too_long_is_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
