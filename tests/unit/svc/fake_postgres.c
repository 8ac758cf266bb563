#include "fake_postgres.h"

#include "cmocka_all.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t put_message(unsigned char *out, char type, const void *body, size_t len)
{
    const uint32_t length = htonl((uint32_t)len + 4);
    out[0] = (unsigned char)type;
    memcpy(out + 1, &length, sizeof length);
    memcpy(out + 5, body, len);
    return len + 5;
}

static size_t put_setting(unsigned char *out, const char *name, const char *value)
{
    char body[128];
    const int len = snprintf(body, sizeof body, "%s%c%s", name, '\0', value);
    return put_message(out, 'S', body, (size_t)len + 1);
}

/* AuthenticationOk, and the two settings by which libpq sees that writing is allowed. */
static size_t put_welcome(unsigned char *out)
{
    static const unsigned char ok[4] = {0};
    size_t len = put_message(out, 'R', ok, sizeof ok);
    len += put_setting(out + len, "server_version", "15.0");
    len += put_setting(out + len, "in_hot_standby", "off");
    len += put_setting(out + len, "default_transaction_read_only", "off");
    return len;
}

static size_t put_error(unsigned char *out, const struct fake_answer *answer)
{
    char body[512];
    int len = snprintf(body, sizeof body, "SFATAL%cVFATAL%cC%s%cM%s%c", 0, 0, answer->sqlstate, 0,
                       answer->message, 0);
    if (answer->constraint != NULL)
        len += snprintf(body + len, sizeof body - (size_t)len, "n%s%c", answer->constraint, 0);
    body[len++] = '\0';
    return put_message(out, 'E', body, (size_t)len);
}

/* ParseComplete, BindComplete, RowDescription of one int8, DataRow "7", CommandComplete. */
static size_t put_seven(unsigned char *out)
{
    static const unsigned char column[] = {0, 1, 'n', 0, 0, 0,    0,    0,    0,    0, 0,
                                           0, 0, 20,  0, 8, 0xff, 0xff, 0xff, 0xff, 0, 0};
    static const unsigned char row[] = {0, 1, 0, 0, 0, 1, '7'};
    size_t len = put_message(out, '1', "", 0);
    len += put_message(out + len, '2', "", 0);
    len += put_message(out + len, 'T', column, sizeof column);
    len += put_message(out + len, 'D', row, sizeof row);
    return len + put_message(out + len, 'C', "SELECT 1", sizeof "SELECT 1");
}

static size_t put_answer(unsigned char *out, const struct fake_answer *answer)
{
    size_t len = 0;
    for (int i = 0; i < 4 && answer->steps[i] != FAKE_END; i++) {
        if (answer->steps[i] == FAKE_WELCOME)
            len += put_welcome(out + len);
        else if (answer->steps[i] == FAKE_PARSED)
            len += put_message(out + len, '1', "", 0);
        else if (answer->steps[i] == FAKE_SEVEN)
            len += put_seven(out + len);
        else if (answer->steps[i] == FAKE_ERROR)
            len += put_error(out + len, answer);
        else if (answer->steps[i] == FAKE_READY)
            len += put_message(out + len, 'Z', "I", 1);
    }
    return len;
}

static void serve(const struct fake_postgres *fake, int client)
{
    unsigned char in[8192], out[2048];
    for (const struct fake_answer *answer = fake->answers; answer->steps[0] != FAKE_END; answer++) {
        if (recv(client, in, sizeof in, 0) <= 0)
            return;
        if (answer->steps[0] == FAKE_SILENT)
            continue;
        const size_t len = put_answer(out, answer);
        if (send(client, out, len, MSG_NOSIGNAL) < 0)
            return;
    }
}

static void *run(void *arg)
{
    const struct fake_postgres *fake = arg;
    int client;
    while ((client = accept(fake->listener, NULL, NULL)) >= 0) {
        serve(fake, client);
        close(client);
    }
    return NULL;
}

void fake_postgres_open(struct fake_postgres *fake, const struct fake_answer *answers)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    fake->answers = answers;
    fake->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fake->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fake->listener, 8), 0);
    assert_int_equal(getsockname(fake->listener, (struct sockaddr *)&at, &size), 0);
    fake->port = ntohs(at.sin_port);
    snprintf(fake->url, sizeof fake->url,
             "postgresql://me:hush@127.0.0.1:%d/db?sslmode=disable&gssencmode=disable"
             "&connect_timeout=1",
             fake->port);
    assert_int_equal(pthread_create(&fake->thread, NULL, run, fake), 0);
}

void fake_postgres_close(struct fake_postgres *fake)
{
    shutdown(fake->listener, SHUT_RDWR);
    pthread_join(fake->thread, NULL);
    close(fake->listener);
}
