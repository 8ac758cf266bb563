/* Commas, quotes and nulls. */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void commas_come_between_and_nowhere_else(void **state)
{
    (void)state;
    struct svc_buffer json = {0};
    json_begin_object(&json, NULL);
    json_text(&json, "a", "x\"{");
    json_begin_array(&json, "b");
    json_begin_object(&json, NULL);
    json_end_object(&json);
    json_begin_object(&json, NULL);
    json_number(&json, "n", UINT64_MAX);
    json_bool(&json, "t", true);
    json_end_object(&json);
    json_text(&json, NULL, "[");
    json_text(&json, NULL, NULL);
    json_end_array(&json);
    json_begin_array(&json, "c");
    json_end_array(&json);
    json_raw(&json, "d", "1.5");
    json_end_object(&json);
    assert_string_equal(json.bytes,
                        "{\"a\":\"x\\\"{\",\"b\":[{},{\"n\":18446744073709551615,\"t\":true},"
                        "\"[\",null],\"c\":[],\"d\":1.5}");
    svc_buffer_done(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(commas_come_between_and_nowhere_else)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
