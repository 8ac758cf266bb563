/* Errors of Postgres: the table, what their text may say, and what a refused login or a silent
 * server means. The server is a fake one on loopback; statements and transactions are tested
 * against a real one by tests/integration. */
#include "cmocka_all.h"
#include "fake_postgres.h"

#include "svc/clock.h"
#include "svc/log.h"
#include "svc/pg.h"
#include "svc/pg_internal.h"

#include <stdio.h>
#include <string.h>

static void states_say_what_to_do_next(void **state)
{
    (void)state;
    static const char *const again[] = {"08006", "08000", "40001", "40P01", "53300",
                                        "53100", "57014", "57P01", "57P03", "55P03",
                                        "25006", "26000", "25P02", "25P03"};
    static const char *const reject[] = {"22P02", "22003", "22012", "23505",
                                         "23503", "23514", "P0001"};
    static const char *const fatal[] = {"28P01", "28000", "42P01", "42883", "42501", "3D000",
                                        "0A000", "25001", "55000", "P0002", "XX001", "F0000"};
    for (size_t i = 0; i < sizeof again / sizeof again[0]; i++)
        assert_int_equal(svc_pg_sqlstate_rc(again[i]), SVC_AGAIN);
    for (size_t i = 0; i < sizeof reject / sizeof reject[0]; i++)
        assert_int_equal(svc_pg_sqlstate_rc(reject[i]), SVC_REJECT);
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++)
        assert_int_equal(svc_pg_sqlstate_rc(fatal[i]), SVC_FATAL);
}

static const struct svc_statement statements[] = {{"first", "SELECT 1"}, {"second", "SELECT 2"}};

static struct svc_pg *open_pg(const char *url, int statement_count)
{
    struct svc_pg *pg = NULL;
    struct svc_error err = {.rc = SVC_OK};
    const struct svc_pg_options options = {.server = {.url = url},
                                           .application_name = "test",
                                           .statements = statements,
                                           .statement_count = statement_count,
                                           .deadline_ms = 300};
    assert_int_equal(svc_pg_new(&options, &pg, &err), SVC_OK);
    return pg;
}

/* Connect to a server that answers so; the error ends up in *err. */
static enum svc_rc ready_against(const struct fake_answer *answers, int statement_count,
                                 struct svc_error *err)
{
    struct fake_postgres fake;
    fake_postgres_open(&fake, answers);
    struct svc_pg *pg = open_pg(fake.url, statement_count);
    const enum svc_rc rc = svc_pg_ready(pg, err);
    assert_int_equal(svc_pg_connected(pg), rc == SVC_OK);
    svc_pg_close(&pg);
    fake_postgres_close(&fake);
    assert_null(strstr(err->text, "hush"));
    return rc;
}

static void a_refused_login_is_fatal(void **state)
{
    (void)state;
    const struct fake_answer answers[] = {
        FAKE_REFUSES_AND_ENDS("28P01", "password authentication failed for user \"me\""),
        FAKE_LAST};
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(ready_against(answers, 0, &err), SVC_FATAL);
    assert_string_equal(err.code, "28P01");
    assert_non_null(strstr(err.text, "password authentication failed"));
}

static void a_starting_server_is_tried_again(void **state)
{
    (void)state;
    const struct fake_answer answers[] = {
        FAKE_REFUSES_AND_ENDS("57P03", "the database system is starting up"), FAKE_LAST};
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(ready_against(answers, 0, &err), SVC_AGAIN);
    assert_string_equal(err.code, "57P03");
}

static void a_silent_server_is_left_in_time(void **state)
{
    (void)state;
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_SILENT), FAKE_SAYS(FAKE_SILENT),
                                          FAKE_LAST};
    struct svc_error err = {.rc = SVC_OK};
    const int64_t began = svc_mono_us();
    assert_int_equal(ready_against(answers, 0, &err), SVC_AGAIN);
    assert_string_equal(err.code, "connect_timeout");
    assert_true(svc_mono_us() - began >= 900000);
}

static void nobody_there_is_tried_again(void **state)
{
    (void)state;
    struct svc_error err = {.rc = SVC_OK};
    struct svc_pg *pg = open_pg("postgresql://me:hush@127.0.0.1:1/db", 0);
    assert_int_equal(svc_pg_ready(pg, &err), SVC_AGAIN);
    assert_string_equal(err.code, "connection_lost");
    assert_int_equal(svc_pg_run_text(pg, "SELECT 1", NULL, &err), SVC_AGAIN);
    assert_int_equal(svc_pg_send(pg, 0, 0, NULL, &err), SVC_AGAIN);
    assert_int_equal(svc_pg_finish(pg, &err), SVC_AGAIN);
    svc_pg_close(&pg);
    assert_null(pg);
}

static void the_second_host_is_tried(void **state)
{
    (void)state;
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_SAYS(FAKE_READY), FAKE_SAYS(FAKE_SILENT), FAKE_LAST};
    struct svc_error err = {.rc = SVC_OK};
    struct fake_postgres fake;
    char url[200];
    fake_postgres_open(&fake, answers);
    snprintf(url, sizeof url,
             "postgresql://me:hush@127.0.0.1:1,127.0.0.1:%d/db?sslmode=disable&gssencmode=disable",
             fake.port);
    struct svc_pg *pg = open_pg(url, 0);
    assert_int_equal(svc_pg_ready(pg, &err), SVC_OK);
    svc_pg_close(&pg);
    fake_postgres_close(&fake);
}

static void a_statement_that_does_not_fit_names_its_file(void **state)
{
    (void)state;
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_REFUSES("42P01", "relation \"jobs\" does not exist"),
                                          FAKE_LAST};
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(ready_against(answers, 2, &err), SVC_FATAL);
    assert_string_equal(err.code, "schema_mismatch");
    assert_non_null(strstr(err.text, "sql/first.sql: 42P01 relation \"jobs\" does not exist"));
}

static void a_shutdown_while_checking_is_no_mismatch(void **state)
{
    (void)state;
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_REFUSES_AND_ENDS("57P01", "terminating"), FAKE_LAST};
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(ready_against(answers, 1, &err), SVC_AGAIN);
    assert_string_equal(err.code, "57P01");
}

static enum svc_rc wants_eight(void *arg, const PGresult *result, struct svc_error *err)
{
    *(int *)arg += 1;
    if (result == NULL)
        return svc_fail(err, SVC_AGAIN, "no_number", "not asked: %.100s", err->code);
    return svc_pg_i64(result, 0, 0) == 8
               ? SVC_OK
               : svc_fail(err, SVC_AGAIN, "wrong_number", "%d", (int)svc_pg_i64(result, 0, 0));
}

static enum svc_rc wants_seven(void *arg, const PGresult *result, struct svc_error *err)
{
    return svc_pg_i64(result, 0, 0) == 7 ? SVC_OK : wants_eight(arg, result, err);
}

/* Connect through a gate to a server that answers so. */
static enum svc_rc pass_gate(const struct fake_answer *answers, struct svc_pg_gate gate,
                             struct svc_error *err)
{
    struct fake_postgres fake;
    struct svc_pg *pg = NULL;
    fake_postgres_open(&fake, answers);
    const struct svc_pg_options options = {.server = {.url = fake.url},
                                           .application_name = "test",
                                           .gate = gate,
                                           .statements = statements,
                                           .statement_count = 1,
                                           .deadline_ms = 300};
    assert_int_equal(svc_pg_new(&options, &pg, err), SVC_OK);
    const enum svc_rc rc = svc_pg_ready(pg, err);
    assert_int_equal(svc_pg_connected(pg), rc == SVC_OK);
    svc_pg_close(&pg);
    fake_postgres_close(&fake);
    return rc;
}

static void the_gate_comes_before_the_statements(void **state)
{
    (void)state;
    int asked = 0;
    struct svc_error err = {.rc = SVC_OK};
    /* The statement does not fit either: with the gate shut, that is not what is said. */
    const struct fake_answer shut[] = {
        FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
        {{FAKE_SEVEN, FAKE_ERROR, FAKE_READY}, "42P01", "no such table", NULL},
        FAKE_SAYS(FAKE_SILENT),
        FAKE_LAST};
    assert_int_equal(pass_gate(shut, (struct svc_pg_gate){"SELECT 7", wants_eight, &asked}, &err),
                     SVC_AGAIN);
    assert_string_equal(err.code, "wrong_number");
    assert_int_equal(pass_gate(shut, (struct svc_pg_gate){"SELECT 7", wants_seven, &asked}, &err),
                     SVC_FATAL);
    assert_string_equal(err.code, "schema_mismatch");
    const struct fake_answer open[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                       FAKE_SAYS(FAKE_SEVEN, FAKE_PARSED, FAKE_READY),
                                       FAKE_SAYS(FAKE_SILENT), FAKE_LAST};
    assert_int_equal(pass_gate(open, (struct svc_pg_gate){"SELECT 7", wants_seven, &asked}, &err),
                     SVC_OK);
    assert_int_equal(asked, 1);
}

static void a_gate_that_cannot_be_asked_is_judged(void **state)
{
    (void)state;
    int asked = 0;
    struct svc_error err = {.rc = SVC_OK};
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_REFUSES("42P01", "no such table"), FAKE_LAST};
    const struct svc_pg_gate gate = {"SELECT 7", wants_eight, &asked};
    assert_int_equal(pass_gate(answers, gate, &err), SVC_AGAIN);
    assert_string_equal(err.code, "no_number");
    assert_string_equal(err.text, "not asked: 42P01");
    assert_int_equal(asked, 1);
}

/* Run one statement that is answered so. */
static enum svc_rc run_against(struct fake_answer answer, struct svc_error *err,
                               bool *ret_connected)
{
    const struct fake_answer answers[] = {FAKE_SAYS(FAKE_WELCOME, FAKE_READY),
                                          FAKE_SAYS(FAKE_READY), answer, FAKE_SAYS(FAKE_SILENT),
                                          FAKE_LAST};
    struct fake_postgres fake;
    fake_postgres_open(&fake, answers);
    struct svc_pg *pg = open_pg(fake.url, 0);
    assert_int_equal(svc_pg_ready(pg, err), SVC_OK);
    const enum svc_rc rc = svc_pg_run_text(pg, "SELECT 1", NULL, err);
    *ret_connected = svc_pg_connected(pg);
    svc_pg_close(&pg);
    fake_postgres_close(&fake);
    return rc;
}

static void data_errors_do_not_repeat_the_data(void **state)
{
    (void)state;
    bool connected;
    struct svc_error err = {.rc = SVC_OK};
    const struct fake_answer answer =
        FAKE_REFUSES("22P02", "invalid input syntax for type uuid: \"s3c\"r3t\"");
    assert_int_equal(run_against(answer, &err, &connected), SVC_REJECT);
    assert_string_equal(err.code, "22P02");
    assert_string_equal(err.text, "invalid input syntax for type uuid: \"…\"");
    assert_true(connected);
}

static void constraints_are_named(void **state)
{
    (void)state;
    bool connected;
    struct svc_error err = {.rc = SVC_OK};
    const struct fake_answer answer = {
        {FAKE_ERROR, FAKE_READY}, "23514", "new row violates a check", "jobs_lots"};
    assert_int_equal(run_against(answer, &err, &connected), SVC_REJECT);
    assert_string_equal(err.text, "new row violates a check (constraint jobs_lots)");
}

static void a_standby_is_left(void **state)
{
    (void)state;
    bool connected;
    struct svc_error err = {.rc = SVC_OK};
    const struct fake_answer answer = FAKE_REFUSES("25006", "read-only transaction");
    assert_int_equal(run_against(answer, &err, &connected), SVC_AGAIN);
    assert_false(connected);
}

static void silence_ends_at_the_deadline(void **state)
{
    (void)state;
    bool connected;
    struct svc_error err = {.rc = SVC_OK};
    const struct fake_answer answer = {.steps = {FAKE_SILENT}};
    assert_int_equal(run_against(answer, &err, &connected), SVC_AGAIN);
    assert_string_equal(err.code, "connection_lost");
    assert_non_null(strstr(err.text, "300 ms"));
    assert_false(connected);
}

static void a_bad_url_is_refused_without_repeating_it(void **state)
{
    (void)state;
    static const char *const bad[] = {"postgresql://me:x@hush@host/db",
                                      "postgresql://me:x@h:hush/db",
                                      "host='hush",
                                      "postgresql://me:hush@h/db?hush=1",
                                      "postgresql://me:hush@h/db?connect_timeout=0",
                                      "postgresql://me:hush@h/db?connect_timeout=3s"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct svc_pg *pg = NULL;
        struct svc_error err = {.rc = SVC_OK};
        const struct svc_pg_options options = {.server = {.url = bad[i]},
                                               .application_name = "test"};
        assert_int_equal(svc_pg_new(&options, &pg, &err), SVC_FATAL);
        assert_string_equal(err.code, "database_url");
        assert_null(strstr(err.text, "hush"));
        assert_null(pg);
    }
}

int main(void)
{
    svc_log_setup("test", SVC_LOG_ERROR, SVC_LOG_LOGFMT);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_say_what_to_do_next),
        cmocka_unit_test(a_refused_login_is_fatal),
        cmocka_unit_test(a_starting_server_is_tried_again),
        cmocka_unit_test(a_silent_server_is_left_in_time),
        cmocka_unit_test(nobody_there_is_tried_again),
        cmocka_unit_test(the_second_host_is_tried),
        cmocka_unit_test(a_statement_that_does_not_fit_names_its_file),
        cmocka_unit_test(a_shutdown_while_checking_is_no_mismatch),
        cmocka_unit_test(the_gate_comes_before_the_statements),
        cmocka_unit_test(a_gate_that_cannot_be_asked_is_judged),
        cmocka_unit_test(data_errors_do_not_repeat_the_data),
        cmocka_unit_test(constraints_are_named),
        cmocka_unit_test(a_standby_is_left),
        cmocka_unit_test(silence_ends_at_the_deadline),
        cmocka_unit_test(a_bad_url_is_refused_without_repeating_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
