/* The guard over header lists: what two readers could read in two ways is refused. */
#include "cmocka_all.h"

#include "svc/http_guard.h"

#include <string.h>

struct header {
    const char *name, *value;
};

static const char *verdict(const char *method, const char *target, const char *version,
                           const struct header *headers)
{
    struct http_guard guard = {0};
    http_guard_target(&guard, target);
    for (; headers->name; headers++)
        http_guard_header(&guard, headers->name, strlen(headers->name), headers->value,
                          strlen(headers->value));
    return http_guard_verdict(&guard, method, version);
}

#define HEADERS(...) ((const struct header[]){{"Host", "x"}, __VA_ARGS__, {NULL, NULL}})
static const struct header host_only[] = {{"Host", "x"}, {NULL, NULL}};

static void good_requests_pass(void **state)
{
    (void)state;
    assert_null(verdict("POST", "/a?b=%00", "HTTP/1.1", HEADERS({"Content-Length", "0"})));
    assert_null(verdict("POST", "/", "HTTP/1.1", HEADERS({"content-length", "65536"})));
    assert_null(verdict("POST", "/", "HTTP/1.1", HEADERS({"TRANSFER-ENCODING", "Chunked"})));
    assert_null(
        verdict("GET", "*", "HTTP/1.1", HEADERS({"X-A", "tab\tand \xc3\xa9"}, {"X-A", ""})));
    assert_null(verdict("GET", "/", "HTTP/1.0", (const struct header[]){{NULL, NULL}}));
}

static void ambiguous_framing_is_refused(void **state)
{
    (void)state;
    static const struct {
        struct header one, two;
        const char *why;
    } cases[] = {
        {{"Content-Length", "4"}, {"Transfer-Encoding", "chunked"}, "together"},
        {{"Transfer-Encoding", "chunked"}, {"content-length", "4"}, "together"},
        {{"Content-Length", "3"}, {"Content-Length", "5"}, "more than one Content-Length"},
        {{"Content-Length", "3"}, {"CONTENT-LENGTH", "3"}, "more than one Content-Length"},
        {{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}, "more than one Tr"},
        {{"Host", "y"}, {"X", ""}, "more than one Host"},
        {{"Content-Length ", "3"}, {"X", ""}, "bad header name"},
        {{"", "3"}, {"X", ""}, "bad header name"},
        {{"X\x01", "3"}, {"X", ""}, "bad header name"},
        {{"X:Y", "3"}, {"X", ""}, "bad header name"},
        {{"X", "a\rb"}, {"X", ""}, "control byte"},
        {{"X", "a\x7f"}, {"X", ""}, "control byte"},
        {{"Transfer-Encoding", "xchunked"}, {"X", ""}, "not chunked"},
        {{"Transfer-Encoding", "chunked, identity"}, {"X", ""}, "not chunked"},
        {{"Transfer-Encoding", "identity"}, {"X", ""}, "not chunked"},
        {{"Transfer-Encoding", ""}, {"X", ""}, "not chunked"},
        {{"Content-Length", "+3"}, {"X", ""}, "not a number"},
        {{"Content-Length", "-3"}, {"X", ""}, "not a number"},
        {{"Content-Length", "3, 3"}, {"X", ""}, "not a number"},
        {{"Content-Length", "0x3"}, {"X", ""}, "not a number"},
        {{"Content-Length", ""}, {"X", ""}, "not a number"},
        {{"Content-Length", "9223372036854775808"}, {"X", ""}, "not a number"},
        {{"Content-Length", "00000000000000000000000000000003"}, {"X", ""}, "not a number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *why = verdict("POST", "/", "HTTP/1.1", HEADERS(cases[i].one, cases[i].two));
        if (!why || !strstr(why, cases[i].why))
            fail_msg("%s: %s gave %s", cases[i].one.name, cases[i].one.value, why ? why : "ok");
    }
}

static void a_nul_byte_inside_is_seen_where_lengths_are_told(void **state)
{
    (void)state;
    struct http_guard guard = {.hosts = 1};
    http_guard_header(&guard, "X", 1, "a\0b", 3);
    assert_non_null(http_guard_verdict(&guard, "GET", "HTTP/1.1"));
}

static void the_request_line_is_checked(void **state)
{
    (void)state;
    assert_non_null(verdict("G T", "/", "HTTP/1.1", host_only));
    assert_non_null(verdict("", "/", "HTTP/1.1", host_only));
    assert_non_null(verdict("GET", "/a b", "HTTP/1.1", host_only));
    assert_non_null(verdict("GET", "/a\x01", "HTTP/1.1", host_only));
    assert_non_null(verdict("GET", "/a\x7f", "HTTP/1.1", host_only));
    assert_non_null(verdict("GET", "/", "HTTP/1.2", host_only));
    assert_non_null(verdict("GET", "/", "http/1.1", host_only));
    assert_non_null(verdict("GET", "/", "", host_only));
    assert_non_null(verdict("GET", "/", "HTTP/1.1", (const struct header[]){{NULL, NULL}}));
    assert_non_null(verdict("POST", "/", "HTTP/1.0", HEADERS({"Transfer-Encoding", "chunked"})));
}

static void the_length_is_told(void **state)
{
    (void)state;
    struct http_guard guard = {0};
    http_guard_header(&guard, "Content-Length", 14, "70000", 5);
    assert_int_equal(guard.lengths, 1);
    assert_int_equal(guard.content_length, 70000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests_pass),
        cmocka_unit_test(ambiguous_framing_is_refused),
        cmocka_unit_test(a_nul_byte_inside_is_seen_where_lengths_are_told),
        cmocka_unit_test(the_request_line_is_checked),
        cmocka_unit_test(the_length_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
