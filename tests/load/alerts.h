/* The alerts of a run: each one's text, and what became of it. */
#pragma once

#include "options.h"

#include "svc/error.h"
#include "svc/text.h"

enum { ALERT_BODY_MAX = 256, SECRET_TEXT_MAX = 128, ALERT_ID_MAX = 48 };

enum alert_state {
    ALERT_DUE,      /* not sent yet, or to be sent again */
    ALERT_SENT,     /* waiting for an answer */
    ALERT_ANSWERED, /* for good */
};

struct alert {
    int64_t answered_us; /* from the run's beginning; of the last attempt */
    enum alert_state state;
    uint16_t status; /* of the last answer; 0: none */
    uint16_t attempts;
    char signal_id[SVC_UUID_TEXT]; /* "" : none */
};

struct alerts {
    struct alert *all; /* a long run's memory is touched as it goes on */
    uint64_t count, seed;
    enum pattern pattern;
    uint32_t rate, closes_percent;
    char (*secrets)[SECRET_TEXT_MAX + 1];
    uint32_t secret_count;
    char run_id[24];       /* part of every alert_id */
    int64_t begin_unix_us; /* the run's beginning on both clocks */
    int64_t begin_mono_us;
};

enum svc_rc alerts_open(const struct options *options, struct alerts *ret,
                        struct svc_error *err) SVC_CHECK;
void alerts_close(struct alerts *alerts);

/* When it is due, µs from the run's beginning. */
int64_t alerts_due_us(const struct alerts *alerts, uint64_t index);
bool alerts_is_close(const struct alerts *alerts, uint64_t index);
uint32_t alerts_strategy(const struct alerts *alerts, uint64_t index);
void alerts_id(const struct alerts *alerts, uint64_t index, char ret[ALERT_ID_MAX]);
/* The JSON body; its length. */
size_t alerts_body(const struct alerts *alerts, uint64_t index, char ret[ALERT_BODY_MAX]);
