/* Logging to stderr. The level, the format and the service's name are the only globals of this
 * library; they are set once, before there is a second thread. */
#include "svc/log.h"

#include "log_line.h"

#include "svc/clock.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

static struct {
    const char *service;
    enum svc_log_level level;
    enum svc_log_format format;
    atomic_uint_fast64_t dropped;
} settings = {.service = "-", .level = SVC_LOG_INFO};

enum { REPEAT_US = 30 * 1000 * 1000 };

void svc_log_setup(const char *service, enum svc_log_level level, enum svc_log_format format)
{
    settings.service = service;
    settings.level = level;
    settings.format = format;
}

uint64_t svc_log_dropped(void)
{
    return atomic_load_explicit(&settings.dropped, memory_order_relaxed);
}

/* One write, never repeated: a reader that is slow (EAGAIN) or gone (EPIPE) must not stop the
 * service. */
static void write_line(const struct svc_log_line *line)
{
    ssize_t written;
    do
        written = write(STDERR_FILENO, line->bytes, line->len);
    while (written < 0 && errno == EINTR);
    if (written != (ssize_t)line->len)
        atomic_fetch_add_explicit(&settings.dropped, 1, memory_order_relaxed);
}

static void put_head(struct svc_log_line *line, enum svc_log_level level, const char *event)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    char now[SVC_TIME_TEXT];
    svc_log_line_text(line, "ts", svc_time_text(svc_unix_us(), now));
    svc_log_line_text(line, "level", names[level]);
    svc_log_line_text(line, "service", settings.service);
    svc_log_line_text(line, "event", event);
}

static void put_fields(struct svc_log_line *line, const struct svc_log_field *field)
{
    for (; field->key; field++) {
        if (field->kind == SVC_FIELD_I64)
            svc_log_line_number(line, field->key, field->number);
        else if (field->text)
            svc_log_line_text(line, field->key, field->text);
    }
}

void svc_log(enum svc_log_level level, const char *event, const struct svc_log_field *fields)
{
    int saved = errno; /* a log line between a failed call and its errno changes nothing */
    if (level < settings.level)
        return;
    struct svc_log_line line;
    svc_log_line_begin(&line, settings.format);
    put_head(&line, level, event);
    put_fields(&line, fields);
    svc_log_line_end(&line);
    write_line(&line);
    errno = saved;
}

void svc_log_limited(struct svc_log_limit *limit, const char *event,
                     const struct svc_log_field *fields)
{
    int64_t now = svc_mono_us();
    int64_t printed = __atomic_load_n(&limit->printed_mono_us, __ATOMIC_RELAXED);
    bool due = !printed || now - printed >= REPEAT_US;
    /* Of several threads that find it due, the one that moves the time prints. */
    if (!due || !__atomic_compare_exchange_n(&limit->printed_mono_us, &printed, now, false,
                                             __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
        (void)__atomic_add_fetch(&limit->left_out, 1, __ATOMIC_RELAXED);
        return;
    }
    uint64_t left_out = __atomic_exchange_n(&limit->left_out, 0, __ATOMIC_RELAXED);
    struct svc_log_field all[16];
    size_t count = 0;
    if (left_out)
        all[count++] = SVC_N("left_out", left_out); /* in front: `err` stays last */
    while (fields->key && count < sizeof all / sizeof all[0] - 1)
        all[count++] = *fields++;
    all[count] = (struct svc_log_field){.key = NULL};
    svc_log(SVC_LOG_WARN, event, all);
}
