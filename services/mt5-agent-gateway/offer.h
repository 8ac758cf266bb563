/* A claimed or questioned row becomes a JobOffer. Core: no I/O.
 *
 * Numbers of the row's input reach this module as text, exactly as the row has them (sql/claim.sql
 * makes strings of them): a volume that passed through a double could be another volume. */
#pragma once

#include "contracts/messages.h"
#include "sessions.h"

/* One row of sql/claim.sql or sql/question.sql. Texts are borrowed. */
struct job_row {
    const char *job_id, *job_type, *agent_id, *user_id;
    enum lane lane;
    uint64_t lease_epoch, session_no;
    uint32_t lease_ms;       /* longest run of the type */
    int64_t expires_unix_us; /* 0: no limit */
    int64_t claimed_unix_us, created_unix_us;
    bool terminal_only; /* the journal was bound after the job was claimed for the first time */
    const char *server, *login, *currency,
        *margin_mode; /* of the bound account; server NULL: not bound */
    bool is_real;
    const char *input;       /* JSON object */
    const char *traceparent; /* W3C; NULL: the job was asked for without one */
    uint64_t seq;            /* the order in which jobs were planned */
};

struct offer_terms {
    bool question;
    int64_t asked_unix_us; /* gateway's clock before the statement was sent */
};

/* Fill *ret, whose texts live in row and arena. A question says what it can: the agent answers it
 * from its journal and its terminal, and nothing is ever sent for it, so it is never refused here.
 *
 * SVC_REJECT  code agent_unsupported: this version has no way to say this job to an agent. */
enum svc_rc offer_build(struct svc_arena *arena, const struct job_row *row,
                        const struct offer_terms *terms, Tradewire__V1__JobOffer *ret,
                        struct svc_error *err) SVC_CHECK;
