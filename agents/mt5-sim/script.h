/* Faults on purpose. A script is JSON lines; each says which fault and when:
 *
 *     {"fault": "no_reply", "every": 10}
 *     {"fault": "reject", "retcode": 10019, "at": 3, "on": "open"}
 *     {"fault": "delay", "ms": 1500, "chance": 0.05, "times": 20, "symbol": "EURUSD"}
 *
 * When: "at": N (the Nth order since the start, from 1), "every": N, "chance": 0…1 (dice thrown
 * from SIM_SEED), or none of them: always. "times" ends a rule after so many faults, "on" (open,
 * close) and "symbol" narrow it; the orders that at and every count are those that fit both. The
 * first rule that fits an order decides. Empty lines and lines that begin with # are left out.
 * Core, but for script_load. */
#pragma once

#include "market.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_NO_REPLY,      /* executed, never answered */
    FAULT_DROP_BEFORE,   /* connection closed, not executed */
    FAULT_DROP_AFTER,    /* executed, connection closed instead of an answer */
    FAULT_DELAY,         /* ms pass before the order is looked at (the terminal hangs) */
    FAULT_LATE_REPLY,    /* executed, ms pass before the answer */
    FAULT_REJECT,        /* refused with retcode */
    FAULT_REQUOTE,       /* refused with 10004 */
    FAULT_MARKET_CLOSED, /* refused with 10018; the next session begins in next_session_s */
    FAULT_PARTIAL,       /* percent of the volume fills */
    FAULT_SERVER_AWAY,   /* refused with 10031; no trade server for ms */
    FAULT_CRASH_BEFORE,  /* the simulator ends at once, nothing executed */
    FAULT_CRASH_AFTER,   /* executed, then the simulator ends at once */
    FAULT_COUNT,
};

struct fault {
    enum fault_kind kind;
    uint32_t ms, retcode, next_session_s, percent;
};

enum { SCRIPT_RULES_MAX = 64, SCRIPT_BYTES_MAX = 64 * 1024 };

struct script_rule {
    struct fault fault;
    uint32_t at, every, times; /* 0: not given */
    double chance;             /* < 0: not given */
    int closing;               /* -1 both, 0 open, 1 close */
    char symbol[MARKET_NAME_TEXT];
    uint32_t seen, done;
};

struct script {
    struct script_rule rules[SCRIPT_RULES_MAX];
    size_t count;
    uint64_t dice;
};

struct script_name {
    const char *name, *member, *help; /* member: what it needs besides "fault"; NULL: nothing */
};
extern const struct script_name script_names[FAULT_COUNT];

void script_init(struct script *script, uint32_t seed);
/* Add one line. SVC_REJECT code bad_script: what is wrong with it. */
enum svc_rc script_add(struct script *script, const char *line, size_t len,
                       struct svc_error *err) SVC_CHECK;
/* Read a file of lines; path "" = no faults. SVC_FATAL: cannot be read. */
enum svc_rc script_load(struct script *script, const char *path, struct svc_error *err) SVC_CHECK;
/* The fault of this order, kind FAULT_NONE for none. Every rule that fits counts it. */
struct fault script_next(struct script *script, bool closing, const char *symbol);
