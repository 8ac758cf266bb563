/* KAFKA_OPTIONS, and what Kafka's errors mean. */
#include "cmocka_all.h"

#include "svc/kafka.h"

#include <string.h>

static enum svc_rc apply(const char *options, rd_kafka_conf_t *conf, struct svc_error *err)
{
    const struct svc_cfg_kafka kafka = {
        .brokers = "127.0.0.1:9092", .options = options, .topic_prefix = "t.", .instance = ""};
    return svc_kafka_conf(conf, &kafka, err);
}

static void assert_property(const rd_kafka_conf_t *conf, const char *name, const char *expected)
{
    char value[256] = "";
    size_t size = sizeof value;
    assert_int_equal(rd_kafka_conf_get(conf, name, value, &size), RD_KAFKA_CONF_OK);
    assert_string_equal(value, expected);
}

static void options_are_applied(void **state)
{
    (void)state;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(apply(" security.protocol = sasl_ssl ,sasl.mechanisms=PLAIN,"
                           "sasl.username=a\\,b,sasl.password=p=w\\\\x,, client.id=me",
                           conf, &err),
                     SVC_OK);
    assert_property(conf, "security.protocol", "sasl_ssl");
    assert_property(conf, "sasl.username", "a,b");
    assert_property(conf, "sasl.password", "p=w\\x");
    assert_property(conf, "client.id", "me");
    assert_property(conf, "bootstrap.servers", "127.0.0.1:9092");
    rd_kafka_conf_destroy(conf);
}

static void pinned_properties_are_refused(void **state)
{
    (void)state;
    static const char *const pinned[] = {"acks=1",
                                         "request.required.acks=1",
                                         "enable.idempotence=false",
                                         "partitioner=random",
                                         "enable.auto.commit=true",
                                         "auto.commit.interval.ms=1",
                                         "enable.auto.offset.store=true",
                                         "auto.offset.reset=latest",
                                         "group.id=x",
                                         "group.instance.id=x",
                                         "Acks=1",
                                         "client.id=a,acks=1",
                                         "max.in.flight.requests.per.connection=9",
                                         "max.in.flight=9",
                                         "message.timeout.ms=1",
                                         "delivery.timeout.ms=1",
                                         "partition.assignment.strategy=x",
                                         "bootstrap.servers=x",
                                         "metadata.broker.list=x",
                                         "test.mock.num.brokers=1",
                                         "isolation.level=read_uncommitted",
                                         "linger.ms=1",
                                         "queue.buffering.max.ms=1",
                                         "plugin.library.paths=x",
                                         "transactional.id=x",
                                         "log.queue=false"};
    for (size_t i = 0; i < sizeof pinned / sizeof pinned[0]; i++) {
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        struct svc_error err = {.rc = SVC_OK};
        assert_int_equal(apply(pinned[i], conf, &err), SVC_FATAL);
        assert_string_equal(err.code, "kafka_options");
        assert_non_null(strstr(err.text, "may not set"));
        rd_kafka_conf_destroy(conf);
    }
}

static void bad_options_are_refused_without_their_values(void **state)
{
    (void)state;
    static const char *const bad[] = {"no.such.property=hush", "hush", "security.protocol=hush",
                                      "sasl.mechanism"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rd_kafka_conf_t *conf = rd_kafka_conf_new();
        struct svc_error err = {.rc = SVC_OK};
        assert_int_equal(apply(bad[i], conf, &err), SVC_FATAL);
        assert_string_equal(err.code, "kafka_options");
        assert_null(strstr(err.text, "hush"));
        rd_kafka_conf_destroy(conf);
    }
}

static void a_property_that_does_not_exist_is_our_bug(void **state)
{
    (void)state;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct svc_error err = {.rc = SVC_OK};
    assert_int_equal(svc_kafka_set(conf, "acks", "all", &err), SVC_OK);
    assert_int_equal(svc_kafka_set(conf, "no.such.property", "1", &err), SVC_FATAL);
    assert_string_equal(err.code, "kafka_conf");
    rd_kafka_conf_destroy(conf);
}

static void errors_say_what_to_do_next(void **state)
{
    (void)state;
    static const struct {
        rd_kafka_resp_err_t code;
        enum svc_rc rc;
        const char *name;
    } table[] = {
        {RD_KAFKA_RESP_ERR__QUEUE_FULL, SVC_AGAIN, "queue_full"},
        {RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, SVC_AGAIN, "_MSG_TIMED_OUT"},
        {RD_KAFKA_RESP_ERR__TRANSPORT, SVC_AGAIN, "_TRANSPORT"},
        {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, SVC_AGAIN, "_ALL_BROKERS_DOWN"},
        {RD_KAFKA_RESP_ERR__FATAL, SVC_AGAIN, "_FATAL"},
        {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, SVC_AGAIN, "NOT_ENOUGH_REPLICAS"},
        {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, SVC_AGAIN, "UNKNOWN_TOPIC_OR_PART"},
        {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, SVC_REJECT, "MSG_SIZE_TOO_LARGE"},
        {RD_KAFKA_RESP_ERR_INVALID_RECORD, SVC_REJECT, "INVALID_RECORD"},
        {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, SVC_FATAL, "TOPIC_AUTHORIZATION_FAILED"},
        {RD_KAFKA_RESP_ERR__AUTHENTICATION, SVC_FATAL, "_AUTHENTICATION"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct svc_error err = {.rc = SVC_OK};
        assert_int_equal(svc_kafka_classify(table[i].code, "publish", &err), table[i].rc);
        assert_int_equal(err.rc, table[i].rc);
        assert_string_equal(err.code, table[i].name);
        assert_memory_equal(err.text, "publish: ", 9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_are_applied),
        cmocka_unit_test(pinned_properties_are_refused),
        cmocka_unit_test(bad_options_are_refused_without_their_values),
        cmocka_unit_test(a_property_that_does_not_exist_is_our_bug),
        cmocka_unit_test(errors_say_what_to_do_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
