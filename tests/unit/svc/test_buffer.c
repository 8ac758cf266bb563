/* Growth and JSON strings. */
#include "cmocka_all.h"

#include "svc/buffer.h"

#include <string.h>

static void it_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct svc_buffer buffer = {0};
    for (int i = 0; i < 1000; i++)
        svc_buffer_printf(&buffer, "%03d,", i);
    assert_int_equal(buffer.len, 4000);
    assert_int_equal(strlen(buffer.bytes), 4000);
    assert_memory_equal(buffer.bytes + 3996, "999,", 4);
    const char *memory = buffer.bytes;
    svc_buffer_reset(&buffer);
    assert_int_equal(buffer.len, 0);
    svc_buffer_add(&buffer, "a\0b", 3);
    svc_buffer_text(&buffer, "c");
    assert_ptr_equal(buffer.bytes, memory);
    assert_memory_equal(buffer.bytes, "a\0bc\0", 5);
    svc_buffer_done(&buffer);
    assert_null(buffer.bytes);
}

static void nothing_added_is_an_empty_text(void **state)
{
    (void)state;
    struct svc_buffer buffer = {0};
    svc_buffer_reset(&buffer);
    svc_buffer_add(&buffer, NULL, 0);
    assert_string_equal(buffer.bytes, "");
    svc_buffer_done(&buffer);
}

static void json_strings_escape_what_they_must(void **state)
{
    (void)state;
    struct svc_buffer buffer = {0};
    static const char text[] = "a\"b\\c\b\f\n\r\t\x01\x1f\x7f \0€/";
    svc_buffer_json(&buffer, text, sizeof text - 1);
    assert_string_equal(buffer.bytes, "\"a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0001\\u001f\x7f \\u0000€/\"");
    svc_buffer_reset(&buffer);
    svc_buffer_json(&buffer, "", 0);
    assert_string_equal(buffer.bytes, "\"\"");
    svc_buffer_done(&buffer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_grows_and_stays_terminated),
        cmocka_unit_test(nothing_added_is_an_empty_text),
        cmocka_unit_test(json_strings_escape_what_they_must),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
