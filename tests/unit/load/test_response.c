/* Answers, whole and in pieces. */
#include "response.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char accepted[] =
    "HTTP/1.1 202 Accepted\r\nDate: now\r\nContent-Type: application/json\r\n"
    "content-length:  75\r\n\r\n"
    "{\"signal_id\": \"a5e2eb7d-f9f6-8ca5-b01b-449135b3018a\", \"status\": \"accepted\"}";

static enum response_state read_text(const char *text, struct response *ret)
{
    return response_read(text, strlen(text), ret);
}

static void whole(void **state)
{
    struct response response = {.status = 0};
    (void)state;
    assert_int_equal(read_text(accepted, &response), RESPONSE_COMPLETE);
    assert_int_equal(response.status, 202);
    assert_string_equal(response.signal_id, "a5e2eb7d-f9f6-8ca5-b01b-449135b3018a");
    assert_false(response.close);
    assert_int_equal(read_text("HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
                               "Retry-After: 5\r\nContent-Length: 0\r\n\r\n",
                               &response),
                     RESPONSE_COMPLETE);
    assert_int_equal(response.status, 503);
    assert_true(response.close);
    assert_string_equal(response.signal_id, "");
}

static void in_pieces(void **state)
{
    struct response response = {.status = 0};
    (void)state;
    for (size_t len = 0; len < strlen(accepted); len++) {
        char *copy = malloc(len + 1); /* nothing behind it to read */
        assert_non_null(copy);
        memcpy(copy, accepted, len);
        assert_int_equal(response_read(copy, len, &response), RESPONSE_INCOMPLETE);
        free(copy);
    }
}

static void bad(void **state)
{
    struct response response = {.status = 0};
    (void)state;
    assert_int_equal(read_text("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", &response),
                     RESPONSE_BAD);
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\n\r\n", &response), RESPONSE_BAD);
    assert_int_equal(read_text("\r\n\r\n", &response), RESPONSE_BAD);
    assert_int_equal(read_text("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", &response),
                     RESPONSE_BAD);
    assert_int_equal(read_text("HTTP/1.1 202 OK\r\nContent-Length: 20\r\n\r\n"
                               "{\"signal_id\": \"a5e2e\"",
                               &response),
                     RESPONSE_COMPLETE);
    assert_string_equal(response.signal_id, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(whole), cmocka_unit_test(in_pieces),
                                       cmocka_unit_test(bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
