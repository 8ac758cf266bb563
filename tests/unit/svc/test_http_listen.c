/* Addresses to listen on, and peers as text. */
#include "cmocka_all.h"

#include "svc/http_listen.h"

#include <arpa/inet.h>
#include <string.h>

static struct sockaddr_storage address;
static socklen_t len;
static struct svc_error err;

static void ipv4_ipv6_and_all_addresses(void **state)
{
    (void)state;
    char text[HTTP_ADDRESS_TEXT];
    assert_int_equal(http_parse_listen("127.0.0.1:8080", &address, &len, &err), SVC_OK);
    const struct sockaddr_in *ipv4 = (const void *)&address;
    assert_int_equal(ipv4->sin_family, AF_INET);
    assert_int_equal(ntohs(ipv4->sin_port), 8080);
    http_address_text((const void *)&address, text);
    assert_string_equal(text, "127.0.0.1");

    assert_int_equal(http_parse_listen("[::1]:80", &address, &len, &err), SVC_OK);
    const struct sockaddr_in6 *ipv6 = (const void *)&address;
    assert_int_equal(ipv6->sin6_family, AF_INET6);
    assert_int_equal(ntohs(ipv6->sin6_port), 80);
    http_address_text((const void *)&address, text);
    assert_string_equal(text, "::1");

    assert_int_equal(http_parse_listen(":9101", &address, &len, &err), SVC_OK);
    assert_int_equal(ipv6->sin6_family, AF_INET6);
    assert_true(IN6_IS_ADDR_UNSPECIFIED(&ipv6->sin6_addr));
}

static void a_mapped_peer_is_an_ipv4_peer(void **state)
{
    (void)state;
    char text[HTTP_ADDRESS_TEXT];
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6};
    inet_pton(AF_INET6, "::ffff:10.1.2.3", &mapped.sin6_addr);
    http_address_text((const void *)&mapped, text);
    assert_string_equal(text, "10.1.2.3");
}

static void bad_addresses_are_named(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "8080",
                                      "localhost:80",
                                      "1.2.3:80",
                                      "1.2.3.4:",
                                      "1.2.3.4:65536",
                                      "1.2.3.4:x",
                                      "::1:80",
                                      "[::1:80",
                                      "[]:80",
                                      "[1.2.3.4]:80",
                                      "1.2.3.4:-1",
                                      "1234567890123456789012345678901234567890123456789012345"
                                      "67890123456789:80"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (http_parse_listen(bad[i], &address, &len, &err) != SVC_FATAL)
            fail_msg("accepted \"%s\"", bad[i]);
        assert_string_equal(err.code, "listen_failed");
        assert_memory_equal(err.text, bad[i], strlen(bad[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_ipv6_and_all_addresses),
        cmocka_unit_test(a_mapped_peer_is_an_ipv4_peer),
        cmocka_unit_test(bad_addresses_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
