/* The one door: what becomes of a request for a job. Signals pass here first; the API,
 * jobs.requested and the runner will. Core: what it needs was read once for the batch, the time
 * comes in, the decision goes out; store_signals_commit() writes it.
 *
 * The order of the decisions is that of domain-trading.md section 3. */
#pragma once

#include "contracts/messages.h"
#include "rate.h"

#include "svc/arena.h"
#include "svc/text.h"

#include <stdbool.h>

enum {
    PLAN_MAX_AGE_S = 30,              /* entries, where the strategy sets none */
    PLAN_CLOSE_MAX_AGE_S = 72 * 3600, /* closes wait for the market to open */
    PLAN_DEVIATION_POINTS = 20,
    PLAN_BODY_WINDOW_S = 40, /* an equal body within it is the same alert */
};
/* What tv_signals.volume NUMERIC(10,2) can show. */
#define PLAN_VOLUME_MAX "99999999.99"

struct plan_strategy {
    const char *id, *user_id, *name;
    bool is_enabled;
    const char *allowed_pairs; /* one per line; NULL: all; "": none */
    const char *stop_kind;     /* NULL: not set */
    const char *max_volume;    /* decimal; NULL: no limit of its own */
    uint32_t max_age_s, close_max_age_s;
    uint32_t magic_tag;
    bool names_connection;      /* else: the user's only one */
    int64_t active_connections; /* to choose from: of those it could mean */
    const char *connection_id;  /* set when that is one */
    const char *agent_id;       /* its agent; NULL: none, or revoked */
    struct rate rate;           /* of entries; the caller moves it on within a batch */
};

struct plan_facts {
    struct plan_strategy *strategy; /* NULL: there is none of this id and user */
    bool is_row;                    /* the signal_id is a row of tv_signals already */
    int64_t row_received_unix_us;   /* of that row */
    const char
        *holder; /* signal that has the dedup_key, be it this one, when it is not new; else NULL */
};

enum plan_kind {
    PLAN_NOTHING, /* a replay */
    PLAN_COUNT,   /* the same alert once more: raise the counter of its row */
    PLAN_DISCARD, /* a row with the reason */
    PLAN_JOB,     /* a row and a job */
};

struct plan { /* texts borrowed from signal, strategy and arena */
    enum plan_kind kind;
    const char *signal_id, *user_id;
    const char *strategy_id;     /* NULL: the strategy is gone */
    const char *symbol, *action; /* NULL: not known */
    const char *volume;          /* decimal for display; NULL: none, or not to be shown */
    const char *error;           /* PLAN_DISCARD: "code: text" */
    bool is_duplicate;           /* PLAN_DISCARD, because of another signal */
    const char *raw_payload;     /* JSON text */
    int64_t received_unix_us;    /* min(ingester's clock, broker's append time) */
    int64_t durable_unix_us;     /* broker's append time, 0: unknown */
    const char *traceparent;     /* W3C trace of its record; the caller of plan_job sets it */
    /* PLAN_JOB */
    char job_id[SVC_UUID_TEXT];
    const char *job_type, *agent_id, *connection_id, *input;
    int64_t expires_unix_us;
    bool is_entry;
    /* PLAN_JOB and PLAN_DISCARD: strategy->rate.full_unix_us from now on; 0: as it was */
    int64_t rate_full_unix_us;
};

/* min(ingester's clock, broker's append time): two clocks, and the earlier one is the safe one. */
int64_t plan_received(const Tradewire__V1__Signal *signal, int64_t append_unix_us);
/* Does its dedup_key have to be asked for? (Refused alerts have none.) */
bool plan_takes_key(const Tradewire__V1__Signal *signal);

void plan_job(const Tradewire__V1__Signal *signal, const struct plan_facts *facts,
              int64_t append_unix_us, int64_t now_unix_us, struct svc_arena *arena,
              struct plan *ret);
