/* What a sender reads. Bodies without a signal are empty: nothing is said about what was wrong with
 * a secret. */
#pragma once

#include "alert.h"

#include "svc/buffer.h"
#include "svc/http.h"
#include "svc/text.h"

enum { ANSWER_RETRY_AFTER_S = 5 }; /* when TradingView sends again */

/* 202 {"signal_id": "…", "status": "accepted"}
 * 413, 422 {"signal_id": "…", "status": "discarded", "error": "code: text"}; body: reused memory,
 * which the reply borrows. */
struct svc_http_reply answer_signal(unsigned status, const char *signal_id,
                                    const struct refusal *refusal, struct svc_buffer *body);
/* 401, 404, 405, 429, 503. */
struct svc_http_reply answer_plain(unsigned status);
