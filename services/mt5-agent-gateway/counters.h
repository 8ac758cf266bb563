/* The gateway's metrics. Each list of label values is an enum here and its words in counters.c. */
#pragma once

#include "svc/metrics.h"

enum agents_state { AGENTS_CONNECTING, AGENTS_LIVE };
enum hello_result { HELLO_WELCOMED, HELLO_REFUSED, HELLO_LOST, HELLO_TURNED_AWAY };
enum auth_failure {
    AUTH_NO_USER_ID,
    AUTH_CHOSEN_ROUTING_ID,
    AUTH_KEY_CHANGED,
    AUTH_NOT_PAIRED,
    AUTH_AGENT_REVOKED,
    AUTH_KEY_MISMATCH,
    AUTH_JOURNAL_CHANGED,
    AUTH_OTHER,
};
enum frame_dropped {
    FRAME_PARTS,
    FRAME_EMPTY,
    FRAME_LONG_BEFORE_HELLO,
    FRAME_UNDECODABLE,
    FRAME_BAD_MESSAGE,
    FRAME_BEFORE_WELCOME,
    FRAME_HELD,
    FRAME_WRONG_WAY,
};
enum hint_dropped { HINT_UNDECODABLE, HINT_BAD_MESSAGE };
enum claim_result { CLAIM_JOBS, CLAIM_NONE, CLAIM_LOST, CLAIM_FAILED };
enum offer_result { OFFER_JOB, OFFER_QUESTION, OFFER_UNSUPPORTED, OFFER_NO_SESSION };
enum result_result { RESULT_DURABLE, RESULT_NOT_DURABLE, RESULT_REPEATED, RESULT_NO_ROOM };
enum event_kind { EVENT_ACCOUNT, EVENT_SYMBOLS, EVENT_SESSION_ENDED, EVENT_KINDS };
enum session_end_reason {
    END_SILENT,
    END_UNREACHABLE,
    END_OUTCOME_LOST,
    END_OUT_OF_FORCE,
    END_DRAIN
};

struct counters {
    struct svc_metrics *metrics;
    struct svc_gauge *agents;
    struct svc_counter *hellos, *auth_failures, *frames_dropped, *hints_dropped, *claims, *offers,
        *results, *sessions_ended, *send_again, *heartbeat_missed, *zap_requests;
    struct svc_counter *events[EVENT_KINDS]; /* each by enum result_result */
    struct svc_histogram *claim_seconds, *result_seconds;
};

void counters_init(struct counters *counters, struct svc_metrics *metrics);
/* Of a refusal's code. */
enum auth_failure counters_auth_failure(const char *code);
