/* Logging: one event per line on stderr, logfmt or JSON, the same fields in both, one write(2) per
 * line.
 *
 * Head: ts level service event, then ids, then facts, `err` last. `event` is a stable noun_verb
 * constant, listed in the service's README. Never a secret, a payload or an account number.
 * Thread-safe. */
#pragma once

#include "svc/error.h"

#include <stdint.h>

enum svc_log_level { SVC_LOG_DEBUG, SVC_LOG_INFO, SVC_LOG_WARN, SVC_LOG_ERROR };
enum svc_log_format { SVC_LOG_LOGFMT, SVC_LOG_JSON };

struct svc_log_field {
    const char *key; /* NULL ends the list */
    enum { SVC_FIELD_TEXT, SVC_FIELD_I64 } kind;
    const char *text; /* NULL: the field is left out */
    int64_t number;
};
#define SVC_T(k, v) ((struct svc_log_field){.key = (k), .kind = SVC_FIELD_TEXT, .text = (v)})
#define SVC_N(k, v)                                                                                \
    ((struct svc_log_field){.key = (k), .kind = SVC_FIELD_I64, .number = (int64_t)(v)})
/* An error's code and text as `code` and `err`. */
#define SVC_ERR(e) SVC_T("code", (e)->code), SVC_T("err", (e)->text)

void svc_log_setup(const char *service, enum svc_log_level level, enum svc_log_format format);
void svc_log(enum svc_log_level level, const char *event, const struct svc_log_field *fields);
/* Lines lost because the reader of stderr was slow or gone; svc_metrics_print shows it. */
uint64_t svc_log_dropped(void);

#define SVC_LOG_(level, event, ...)                                                                \
    svc_log((level), (event),                                                                      \
            (const struct svc_log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})
#define svc_debug(event, ...) SVC_LOG_(SVC_LOG_DEBUG, event, __VA_ARGS__)
#define svc_info(event, ...) SVC_LOG_(SVC_LOG_INFO, event, __VA_ARGS__)
#define svc_warn(event, ...) SVC_LOG_(SVC_LOG_WARN, event, __VA_ARGS__)
#define svc_alert(event, ...) SVC_LOG_(SVC_LOG_ERROR, event, __VA_ARGS__) /* someone must act */

/* A repeating warning: at most one line every 30 s, with `left_out`, the number not printed.
 *     static struct svc_log_limit limit;
 *     svc_warn_limited(&limit, "kafka_unreachable", SVC_ERR(&err)); */
struct svc_log_limit {
    int64_t printed_mono_us;
    uint64_t left_out;
};
void svc_log_limited(struct svc_log_limit *limit, const char *event,
                     const struct svc_log_field *fields);
#define svc_warn_limited(limit, event, ...)                                                        \
    svc_log_limited((limit), (event),                                                              \
                    (const struct svc_log_field[]){__VA_ARGS__ __VA_OPT__(, ){.key = NULL}})
