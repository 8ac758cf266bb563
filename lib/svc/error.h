/* Errors that say what to do next. The return value is the decision, struct svc_error the
 * explanation.
 *
 * A fallible function returns enum svc_rc and fills *err where the fault is seen; callers prefix it
 * on the way out. Library code returns, services log: one fault, one line, at the place that
 * decides. */
#pragma once

enum svc_rc {
    SVC_OK = 0,
    SVC_AGAIN,  /* not now:  the same input may succeed later; keep it, back off    */
    SVC_REJECT, /* never:    this input cannot succeed; dead-letter it, carry on    */
    SVC_FATAL,  /* not here: this process cannot go on; drain, exit, be restarted   */
};

struct svc_error {
    enum svc_rc rc;
    char code[32];  /* stable, for machines: an SQLSTATE, a librdkafka name, one of our codes */
    char text[256]; /* for people; never a secret */
};

#define SVC_CHECK __attribute__((warn_unused_result))
#define SVC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Fill *err (may be NULL) and return rc, so that `return svc_fail(…)` is the whole error path. */
enum svc_rc svc_fail(struct svc_error *err, enum svc_rc rc, const char *code, const char *fmt, ...)
    SVC_PRINTF(4, 5);

/* Put "prefix: " in front of err->text and return err->rc. err may be NULL only when rc is known.
 */
enum svc_rc svc_fail_prefix(struct svc_error *err, const char *prefix);
