/* A server that speaks just enough of Postgres' protocol to refuse: it says one thing after a
 * login, and one thing after each further message, on a loopback port of its own. */
#pragma once

#include <pthread.h>

enum fake_step {
    FAKE_END,    /* close */
    FAKE_SILENT, /* accept, and never answer */
    FAKE_WELCOME,
    FAKE_PARSED, /* a statement's check is good */
    FAKE_SEVEN,  /* a query's answer: one row of one number, 7 */
    FAKE_ERROR,  /* an ErrorResponse: sqlstate, message, constraint */
    FAKE_READY,
};

struct fake_answer {
    enum fake_step
        steps[4]; /* sent for one message of the client; ends at the first 0 after steps[0] */
    const char *sqlstate, *message, *constraint;
};

#define FAKE_SAYS(...)                                                                             \
    {                                                                                              \
        .steps = { __VA_ARGS__ }                                                                   \
    }
#define FAKE_REFUSES(state, text)                                                                  \
    {                                                                                              \
        .steps = {FAKE_ERROR, FAKE_READY}, .sqlstate = (state), .message = (text)                  \
    }
#define FAKE_REFUSES_AND_ENDS(state, text)                                                         \
    {                                                                                              \
        .steps = {FAKE_ERROR}, .sqlstate = (state), .message = (text)                              \
    }
#define FAKE_LAST                                                                                  \
    {                                                                                              \
        .steps = { FAKE_END }                                                                      \
    }

struct fake_postgres {
    const struct fake_answer
        *answers; /* one per message; a FAKE_END as steps[0] ends the connection */
    int listener, port;
    pthread_t thread;
    char url[160]; /* with the password "hush" */
};

void fake_postgres_open(struct fake_postgres *fake, const struct fake_answer *answers);
void fake_postgres_close(struct fake_postgres *fake);
