#include "alerts.h"

#include "svc/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECRETS_MAX = 100000 };
enum purpose { PURPOSE_SYMBOL, PURPOSE_SIDE, PURPOSE_CLOSE };

/* A line's secret: what our server makes is lower-case hex. */
static bool read_secret(char *line, char ret[SECRET_TEXT_MAX + 1])
{
    const size_t len = strcspn(line, "\r\n");
    line[len] = '\0';
    if (len == 0 || len > SECRET_TEXT_MAX || strspn(line, "0123456789abcdef") != len)
        return false;
    memcpy(ret, line, len + 1);
    return true;
}

static enum svc_rc read_secrets(FILE *file, struct alerts *alerts, struct svc_error *err)
{
    char line[SECRET_TEXT_MAX + 4];
    while (fgets(line, sizeof line, file) != NULL) {
        if (alerts->secret_count == SECRETS_MAX)
            return svc_fail(err, SVC_REJECT, "secrets_file", "more than %d secrets", SECRETS_MAX);
        if (!read_secret(line, alerts->secrets[alerts->secret_count]))
            return svc_fail(err, SVC_REJECT, "secrets_file", "line %u is no webhook secret",
                            alerts->secret_count + 1);
        alerts->secret_count++;
    }
    if (ferror(file) != 0 || alerts->secret_count == 0)
        return svc_fail(err, SVC_REJECT, "secrets_file",
                        "the secrets file cannot be read, or is empty");
    return SVC_OK;
}

static enum svc_rc open_secrets(const char *path, struct alerts *alerts, struct svc_error *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return svc_fail(err, SVC_REJECT, "secrets_file", "%s: %s", path, strerrordesc_np(errno));
    const enum svc_rc rc = read_secrets(file, alerts, err);
    (void)fclose(file);
    return rc;
}

static uint64_t seed_of(const struct options *options)
{
    return options->seed != 0 ? options->seed : (uint64_t)svc_unix_us() % 1000000000;
}

enum svc_rc alerts_open(const struct options *options, struct alerts *ret, struct svc_error *err)
{
    *ret = (struct alerts){.count = options->count,
                           .seed = seed_of(options),
                           .pattern = options->pattern,
                           .rate = options->rate,
                           .closes_percent = options->closes_percent};
    ret->all = calloc(options->count, sizeof *ret->all);
    ret->secrets = calloc(SECRETS_MAX, sizeof *ret->secrets);
    if (ret->all == NULL || ret->secrets == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for %" PRIu64 " alerts",
                        options->count);
    (void)snprintf(ret->run_id, sizeof ret->run_id, "%" PRIx64, (uint64_t)svc_unix_us());
    return open_secrets(options->secrets_path, ret, err);
}

void alerts_close(struct alerts *alerts)
{
    free(alerts->all);
    free(alerts->secrets);
    *alerts = (struct alerts){.all = NULL};
}

int64_t alerts_due_us(const struct alerts *alerts, uint64_t index)
{
    return schedule_due_us(alerts->pattern, alerts->rate, alerts->count, index);
}

uint32_t alerts_strategy(const struct alerts *alerts, uint64_t index)
{
    return (uint32_t)(index % alerts->secret_count);
}

void alerts_id(const struct alerts *alerts, uint64_t index, char ret[ALERT_ID_MAX])
{
    (void)snprintf(ret, ALERT_ID_MAX, "lg-%s-%" PRIu64, alerts->run_id, index);
}

bool alerts_is_close(const struct alerts *alerts, uint64_t index)
{
    return schedule_random(alerts->seed, index, PURPOSE_CLOSE) % 100 < alerts->closes_percent;
}

/* Its own dice for each: a run has the same entries with closes between them as without. */
static const char *action(const struct alerts *alerts, uint64_t index)
{
    if (alerts_is_close(alerts, index))
        return "\"close\"";
    return schedule_random(alerts->seed, index, PURPOSE_SIDE) % 2 == 0
               ? "\"buy\",\"volume\":\"0.01\""
               : "\"sell\",\"volume\":\"0.01\"";
}

size_t alerts_body(const struct alerts *alerts, uint64_t index, char ret[ALERT_BODY_MAX])
{
    static const char *const symbols[] = {"EURUSD", "GBPUSD", "USDJPY", "XAUUSD"};
    char id[ALERT_ID_MAX], now[SVC_TIME_TEXT];
    alerts_id(alerts, index, id);
    (void)svc_time_text(alerts->begin_unix_us + alerts_due_us(alerts, index), now);
    const int len =
        snprintf(ret, ALERT_BODY_MAX,
                 "{\"symbol\":\"%s\",\"action\":%s,\"alert_id\":\"%s\",\"timenow\":\"%s\"}",
                 symbols[schedule_random(alerts->seed, index, PURPOSE_SYMBOL) % 4],
                 action(alerts, index), id, now);
    return (size_t)len;
}
