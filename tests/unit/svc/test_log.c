/* One event, one line, both formats; nothing breaks the line. */
#include "capture.h"

#include "svc/log.h"
#include "svc/log_line.h"

#include <errno.h>
#include <fcntl.h>

static const char *rendered(enum svc_log_format format, const char *text)
{
    static struct svc_log_line line;
    svc_log_line_begin(&line, format);
    svc_log_line_text(&line, "k", text);
    svc_log_line_end(&line);
    line.bytes[line.len] = '\0';
    return line.bytes;
}

static void logfmt_quotes_only_where_needed(void **state)
{
    (void)state;
    assert_string_equal(rendered(SVC_LOG_LOGFMT, "plain-1.5:x/y"), "k=plain-1.5:x/y\n");
    assert_string_equal(rendered(SVC_LOG_LOGFMT, ""), "k=\"\"\n");
    assert_string_equal(rendered(SVC_LOG_LOGFMT, "a b"), "k=\"a b\"\n");
    assert_string_equal(rendered(SVC_LOG_LOGFMT, "a=b"), "k=\"a=b\"\n");
    assert_string_equal(rendered(SVC_LOG_LOGFMT, "say \"x\\y\""), "k=\"say \\\"x\\\\y\\\"\"\n");
    assert_string_equal(rendered(SVC_LOG_LOGFMT, "two\nlines\r\t"), "k=\"two\\nlines\\r\\t\"\n");
    assert_string_equal(rendered(SVC_LOG_LOGFMT, "\x1b[31m\x7f"), "k=\"\\u001b[31m\\u007f\"\n");
}

static void json_is_json(void **state)
{
    (void)state;
    assert_string_equal(rendered(SVC_LOG_JSON, "plain"), "{\"k\":\"plain\"}\n");
    assert_string_equal(rendered(SVC_LOG_JSON, "a\"\\\n\x01"), "{\"k\":\"a\\\"\\\\\\n\\u0001\"}\n");
    assert_string_equal(rendered(SVC_LOG_JSON, "5 € 😀"), "{\"k\":\"5 € 😀\"}\n");
}

static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    assert_string_equal(rendered(SVC_LOG_JSON, "a\xff\xe2\x82z"),
                        "{\"k\":\"a\uFFFD\uFFFD\uFFFDz\"}\n");
    assert_string_equal(rendered(SVC_LOG_LOGFMT, "\xc0\xaf"), "k=\"\uFFFD\uFFFD\"\n");
}

static void long_values_are_cut_and_long_lines_lose_fields(void **state)
{
    (void)state;
    static char text[SVC_LOG_VALUE_MAX + 2];
    memset(text, 'x', SVC_LOG_VALUE_MAX + 1);
    const char *cut = rendered(SVC_LOG_JSON, text);
    assert_int_equal(strlen(cut), strlen("{\"k\":\"") + SVC_LOG_VALUE_MAX + strlen("…\"}\n"));
    assert_string_equal(cut + strlen(cut) - 6, "…\"}\n");

    struct svc_log_line line;
    svc_log_line_begin(&line, SVC_LOG_JSON);
    memset(text, '\x01', SVC_LOG_VALUE_MAX); /* six bytes each: does not fit */
    svc_log_line_text(&line, "big", text);
    svc_log_line_number(&line, "n", -7);
    for (int i = 0; i < 1000; i++)
        svc_log_line_text(&line, "more", "123456789");
    svc_log_line_end(&line);
    assert_true(line.len <= SVC_LOG_LINE_MAX);
    assert_memory_equal(line.bytes, "{\"n\":-7,\"more\":\"123456789\",", 27);
    assert_memory_equal(line.bytes + line.len - 12, "123456789\"}\n", 12);
}

static struct capture err;

static void a_line_has_its_head_and_fields_in_order(void **state)
{
    (void)state;
    const struct svc_error error = {SVC_AGAIN, "40001", "could not serialize"};
    svc_log_setup("tester", SVC_LOG_INFO, SVC_LOG_LOGFMT);
    capture_begin(&err, STDERR_FILENO);
    svc_debug("not_printed");
    svc_warn("job_again", SVC_T("job_id", "j1"), SVC_T("left", NULL), SVC_N("attempt", 3),
             SVC_ERR(&error));
    svc_log_setup("tester", SVC_LOG_ERROR, SVC_LOG_JSON);
    svc_warn("not_printed");
    svc_alert("someone_must_act");
    const char *text = capture_end(&err);
    assert_memory_equal(text, "ts=2", 4);
    static const char first[] = "Z level=warn service=tester event=job_again job_id=j1 attempt=3 "
                                "code=40001 err=\"could not serialize\"\n{\"ts\":\"2";
    assert_memory_equal(text + strlen("ts=2026-01-30T12:34:56.123456"), first, sizeof first - 1);
    assert_non_null(strstr(text, "\",\"level\":\"error\",\"service\":\"tester\","
                                 "\"event\":\"someone_must_act\"}\n"));
    assert_null(strstr(text, "not_printed"));
}

static void a_repeating_warning_is_counted(void **state)
{
    (void)state;
    static struct svc_log_limit limit;
    svc_log_setup("tester", SVC_LOG_INFO, SVC_LOG_LOGFMT);
    capture_begin(&err, STDERR_FILENO);
    for (int i = 0; i < 10; i++)
        svc_warn_limited(&limit, "kafka_unreachable", SVC_N("turn", i), SVC_T("err", "x"));
    assert_int_equal(limit.left_out, 9);
    limit.printed_mono_us -= 31 * 1000 * 1000;
    svc_warn_limited(&limit, "kafka_unreachable", SVC_N("turn", 10), SVC_T("err", "x"));
    const char *text = capture_end(&err);
    const char *first = strstr(text, "event=kafka_unreachable turn=0 err=x\n");
    assert_non_null(first);
    assert_null(strstr(text, "turn=1 "));
    assert_non_null(strstr(first, "event=kafka_unreachable left_out=9 turn=10 err=x\n"));
    assert_int_equal(limit.left_out, 0);
}

static void a_full_pipe_costs_lines_not_time(void **state)
{
    (void)state;
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    svc_log_setup("tester", SVC_LOG_INFO, SVC_LOG_LOGFMT);
    uint64_t before = svc_log_dropped();
    dup2(ends[1], STDERR_FILENO);
    errno = ENOENT;
    for (int i = 0; i < 5000; i++)
        svc_info("line", SVC_N("n", i));
    int kept = errno;
    dup2(saved, STDERR_FILENO);
    assert_int_equal(kept, ENOENT);
    assert_true(svc_log_dropped() - before > 1000);
    close(ends[0]);
    close(ends[1]);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_quotes_only_where_needed),
        cmocka_unit_test(json_is_json),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(long_values_are_cut_and_long_lines_lose_fields),
        cmocka_unit_test(a_line_has_its_head_and_fields_in_order),
        cmocka_unit_test(a_repeating_warning_is_counted),
        cmocka_unit_test(a_full_pipe_costs_lines_not_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
