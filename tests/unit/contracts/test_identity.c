/* Identities: fixed vectors, computed independently with Python's hashlib from domain-trading.md
 * section 7. */
#include "contracts/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void order_identity_is_the_documented_one(void **state)
{
    (void)state;
    struct order_identity id;
    order_identity("0B5C7A52-6f0e-4d0a-9a3f-2f6d1c0e9b11", 1, 777, &id);
    assert_string_equal(id.token, "HNE7QAJF70YQC");
    assert_int_equal(id.hash32, 1683135757);
    assert_true(id.magic == UINT64_C(3338872724749));
    assert_int_equal(magic_tag_of(id.magic), 777);
}

static void steps_and_jobs_differ(void **state)
{
    (void)state;
    struct order_identity one, two;
    order_identity("0b5c7a52-6f0e-4d0a-9a3f-2f6d1c0e9b11", 1, MAGIC_TAG_MAX, &one);
    order_identity("0b5c7a52-6f0e-4d0a-9a3f-2f6d1c0e9b11", 2, MAGIC_TAG_MAX, &two);
    assert_true(one.magic != two.magic);
    assert_string_not_equal(one.token, two.token);
    assert_true(one.magic < UINT64_C(1) << 53); /* survives tools that use doubles */
}

static void job_ids_follow_from_their_cause(void **state)
{
    (void)state;
    char a[SVC_UUID_TEXT], b[SVC_UUID_TEXT], c[SVC_UUID_TEXT];
    const char *signal = "11111111-1111-4111-8111-111111111111";
    const char *connection = "22222222-2222-4222-8222-222222222222";
    signal_job_id(signal, connection, 1, a);
    signal_job_id(signal, connection, 1, b);
    signal_job_id(signal, connection, 2, c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_true(svc_uuid_valid(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_identity_is_the_documented_one),
        cmocka_unit_test(steps_and_jobs_differ),
        cmocka_unit_test(job_ids_follow_from_their_cause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
