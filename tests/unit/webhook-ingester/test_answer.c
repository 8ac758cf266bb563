/* The bodies and headers that senders see, byte for byte. */
#include "answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const char id[] = "11111111-1111-4111-8111-111111111111";

static void signals(void **state)
{
    struct svc_buffer body = {.bytes = NULL};
    const struct refusal refusal = {.code = CODE_BAD_JSON, .text = "say \"what\", at byte 7"};
    (void)state;
    struct svc_http_reply reply = answer_signal(202, id, NULL, &body);
    assert_int_equal(reply.status, 202);
    assert_string_equal(reply.content_type, "application/json");
    assert_string_equal(reply.body, "{\"signal_id\": \"11111111-1111-4111-8111-111111111111\", "
                                    "\"status\": \"accepted\"}");
    assert_int_equal(reply.len, strlen(reply.body));
    reply = answer_signal(422, id, &refusal, &body);
    assert_int_equal(reply.status, 422);
    assert_string_equal(reply.body, "{\"signal_id\": \"11111111-1111-4111-8111-111111111111\", "
                                    "\"status\": \"discarded\", \"error\": "
                                    "\"bad_json: say \\\"what\\\", at byte 7\"}");
    assert_int_equal(reply.len, strlen(reply.body));
    svc_buffer_done(&body);
}

static void plain(void **state)
{
    (void)state;
    assert_null(answer_plain(401).body);
    assert_int_equal(answer_plain(401).retry_after_s, 0);
    assert_string_equal(answer_plain(405).allow, "POST");
    assert_null(answer_plain(404).allow);
    assert_true(answer_plain(503).retry_after_s > 0);
    assert_true(answer_plain(429).retry_after_s > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(signals), cmocka_unit_test(plain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
