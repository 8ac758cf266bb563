/* One table: defaults, ranges, secrets from files, all faults at once, the arguments of a service.
 */
#include "capture.h"

#include "svc/config.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct config {
    struct svc_cfg_service svc;
    const char *name, *prefix, *secret;
    uint32_t batch_max, mode;
    bool pooled;
};

static const struct svc_cfg_item items[] = {
    SVC_CFG_SERVICE(struct config, ":9101"),
    {"T_NAME", CFG_STR, offsetof(struct config, name), NULL, 0, 0, "who", NULL},
    {"T_PREFIX", CFG_STR, offsetof(struct config, prefix), "p.", 0, 0, "in front", NULL},
    {"T_SECRET", CFG_SECRET, offsetof(struct config, secret), "", 0, 0, "password", NULL},
    {"T_BATCH", CFG_U32, offsetof(struct config, batch_max), "64", 1, 1024, "messages", NULL},
    {"T_MODE", CFG_CHOICE, offsetof(struct config, mode), "two", 0, 0, "mode", "one|two|three"},
    {"T_POOLED", CFG_SWITCH, offsetof(struct config, pooled), "off", 0, 0, "pooler", NULL},
    {0},
};
static const struct svc_program program = {"tester", "Tests the table.", items};

static struct capture out, err;

static int clean_environment(void **state)
{
    (void)state;
    for (const struct svc_cfg_item *item = items; item->name; item++) {
        char file[64];
        snprintf(file, sizeof file, "%s_FILE", item->name);
        unsetenv(item->name);
        unsetenv(file);
    }
    return setenv("T_NAME", "alice", 1);
}

static enum svc_exit load(struct config *config)
{
    *config = (struct config){0};
    capture_begin(&err, STDERR_FILENO);
    enum svc_exit code = svc_config_load(&program, config);
    capture_end(&err);
    return code;
}

static void defaults_fill_what_is_not_set(void **state)
{
    (void)state;
    struct config config;
    setenv("T_PREFIX", "", 1); /* empty counts as not set */
    assert_int_equal(load(&config), SVC_EXIT_RUN);
    assert_string_equal(config.name, "alice");
    assert_string_equal(config.prefix, "p.");
    assert_string_equal(config.secret, "");
    assert_int_equal(config.batch_max, 64);
    assert_int_equal(config.mode, 1);
    assert_false(config.pooled);
    assert_string_equal(config.svc.admin_listen, ":9101");
    assert_int_equal(config.svc.drain_timeout_ms, 10000);
    assert_string_equal(err.text, "");
}

static void the_environment_wins(void **state)
{
    (void)state;
    struct config config;
    setenv("T_BATCH", "1024", 1);
    setenv("T_MODE", "three", 1);
    setenv("T_POOLED", "on", 1);
    setenv("T_SECRET", "s3cret", 1);
    assert_int_equal(load(&config), SVC_EXIT_RUN);
    assert_int_equal(config.batch_max, 1024);
    assert_int_equal(config.mode, 2);
    assert_true(config.pooled);
    assert_string_equal(config.secret, "s3cret");
}

static void all_faults_come_in_one_go(void **state)
{
    (void)state;
    struct config config;
    unsetenv("T_NAME");
    setenv("T_BATCH", "1025", 1);
    setenv("T_MODE", "thre", 1);
    setenv("T_POOLED", "yes", 1);
    setenv("LOG_LEVEL", "loud", 1);
    assert_int_equal(load(&config), SVC_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "tester: T_NAME: is required (who)\n"));
    assert_non_null(strstr(err.text, "tester: T_BATCH: must be 1 to 1024, not \"1025\"\n"));
    assert_non_null(strstr(err.text, "tester: T_MODE: must be one|two|three, not \"thre\"\n"));
    assert_non_null(strstr(err.text, "tester: T_POOLED: must be on or off, not \"yes\"\n"));
    assert_non_null(strstr(err.text, "LOG_LEVEL: must be debug|info|warn|error, not \"loud\"\n"));
}

/* Put bytes into a file and its name into T_SECRET_FILE; the caller removes it. */
static void secret_file(char path[32], const char *bytes, size_t len)
{
    (void)snprintf(path, 32, "/tmp/test_config_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
    setenv("T_SECRET_FILE", path, 1);
}

static void a_secret_may_come_from_a_file(void **state)
{
    (void)state;
    struct config config;
    char path[32];
    secret_file(path, "two\nlines\r\n", 11);
    assert_int_equal(load(&config), SVC_EXIT_RUN);
    assert_string_equal(config.secret, "two\nlines"); /* one line end is cut */
    unlink(path);
    assert_int_equal(load(&config), SVC_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "T_SECRET_FILE"));
    assert_non_null(strstr(err.text, "No such file"));
}

static void bad_secret_files_are_refused(void **state)
{
    (void)state;
    struct config config;
    char path[32];
    secret_file(path, "a\0b", 3);
    assert_int_equal(load(&config), SVC_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "NUL"));
    unlink(path);

    static char big[65537];
    memset(big, 'x', sizeof big);
    secret_file(path, big, sizeof big);
    assert_int_equal(load(&config), SVC_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "more than 65536 bytes"));
    unlink(path);
    secret_file(path, big, sizeof big - 1);
    assert_int_equal(load(&config), SVC_EXIT_RUN);
    assert_int_equal(strlen(config.secret), 65536);

    setenv("T_SECRET", "topsecret", 1); /* both */
    assert_int_equal(load(&config), SVC_EXIT_CONFIG);
    assert_non_null(strstr(err.text, "T_SECRET: is set, and so is its _FILE form"));
    assert_null(strstr(err.text, "topsecret"));
    unlink(path);
}

static enum svc_exit start(const char *one, const char *two)
{
    struct config config = {0};
    char name[] = "tester", first[32] = "", second[32] = "";
    char *argv[] = {name, one ? first : NULL, two ? second : NULL, NULL};
    (void)snprintf(first, sizeof first, "%s", one ? one : "");
    (void)snprintf(second, sizeof second, "%s", two ? two : "");
    capture_begin(&out, STDOUT_FILENO);
    capture_begin(&err, STDERR_FILENO);
    enum svc_exit code = svc_start(1 + (one != NULL) + (two != NULL), argv, &program, &config);
    capture_end(&err);
    capture_end(&out);
    return code;
}

static void version_and_help_need_no_configuration(void **state)
{
    (void)state;
    unsetenv("T_NAME");
    assert_int_equal(start("--version", NULL), SVC_EXIT_OK);
    assert_string_equal(out.text, "tester " TRADEWIRE_VERSION "\n");
    assert_int_equal(start("--help", NULL), SVC_EXIT_OK);
    assert_non_null(strstr(out.text, "Tests the table."));
    assert_non_null(strstr(out.text, "messages; 1 to 1024 (default: 64)\n"));
    assert_non_null(strstr(out.text, "mode; one|two|three (default: two)\n"));
    assert_non_null(strstr(out.text, "from the file T_SECRET_FILE (default: empty)\n"));
    assert_non_null(strstr(out.text, "who (required)\n"));
}

static void check_config_says_by_exit_code(void **state)
{
    (void)state;
    assert_int_equal(start("--check-config", NULL), SVC_EXIT_OK);
    assert_string_equal(err.text, "");
    unsetenv("T_NAME");
    assert_int_equal(start("--check-config", NULL), SVC_EXIT_CONFIG);
    assert_int_equal(start(NULL, NULL), SVC_EXIT_CONFIG);
}

static void unknown_arguments_are_usage(void **state)
{
    (void)state;
    assert_int_equal(start("--verbose", NULL), SVC_EXIT_USAGE);
    assert_non_null(strstr(err.text, "--verbose"));
    assert_int_equal(start("--help", "more"), SVC_EXIT_USAGE);
    assert_int_equal(start("", NULL), SVC_EXIT_USAGE);
}

static void a_start_logs_values_but_no_secret(void **state)
{
    (void)state;
    setenv("T_SECRET", "topsecret", 1);
    setenv("LOG_LEVEL", "debug", 1);
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_int_equal(start(NULL, NULL), SVC_EXIT_RUN);
    assert_non_null(strstr(err.text, "level=info service=tester event=service_starting version="));
    assert_non_null(strstr(err.text, "event=config_value name=T_BATCH value=64\n"));
    assert_non_null(strstr(err.text, "event=config_value name=T_MODE value=two\n"));
    assert_non_null(strstr(err.text, "event=config_value name=T_SECRET value=***\n"));
    assert_null(strstr(err.text, "topsecret"));
    pthread_sigmask(SIG_SETMASK, &before, &after);
    assert_true(sigismember(&after, SIGTERM) && sigismember(&after, SIGINT));
}

#define CASE(test) cmocka_unit_test_setup(test, clean_environment)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(defaults_fill_what_is_not_set),     CASE(the_environment_wins),
        CASE(all_faults_come_in_one_go),         CASE(a_secret_may_come_from_a_file),
        CASE(bad_secret_files_are_refused),      CASE(version_and_help_need_no_configuration),
        CASE(check_config_says_by_exit_code),    CASE(unknown_arguments_are_usage),
        CASE(a_start_logs_values_but_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
