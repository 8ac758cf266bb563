#include "run.h"

#include "client.h"

#include "svc/clock.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    RESEND_US = 5000000,
    ATTEMPTS_MAX = 4, /* the alert, and three resends */
    PROGRESS_US = 1000000,
    LONGEST_WAIT_US = 100000, /* so that an interrupt is seen */
    BEGIN_IN_US = 50000,
};

struct run {
    const struct options *options;
    struct alerts *alerts;
    FILE *ledger;
    struct client *client;
    struct run_result *result;
    uint64_t next;   /* the first alert that was never sent */
    uint64_t *again; /* ring of alerts to be sent again; equally long waits, so it is in order */
    uint64_t again_head, again_count;
    int64_t next_progress_us;
};

static int64_t now_us(const struct run *run)
{
    return svc_mono_us() - run->alerts->begin_mono_us;
}

/* --- answers --------------------------------------------------------------------------------- */

static void settle(struct run *run, uint64_t index)
{
    struct alert *alert = &run->alerts->all[index];
    alert->state = ALERT_ANSWERED;
    if (alert->status == 202)
        run->result->accepted++;
    else if (alert->status != 0)
        run->result->refused++;
    else
        run->result->unanswered++;
    ledger_write(run->ledger, run->alerts, index);
}

static void answered(void *arg, uint64_t index, const struct response *response)
{
    struct run *run = arg;
    struct alert *alert = &run->alerts->all[index];
    alert->answered_us = now_us(run);
    alert->status = (uint16_t)response->status;
    if (response->signal_id[0] != '\0')
        memcpy(alert->signal_id, response->signal_id, sizeof alert->signal_id);
    const bool transient = response->status == 0 || response->status >= 500;
    if (!transient || alert->attempts == ATTEMPTS_MAX) {
        settle(run, index);
        return;
    }
    alert->state = ALERT_DUE;
    run->again[(run->again_head + run->again_count) % run->alerts->count] = index;
    run->again_count++;
}

/* --- sending --------------------------------------------------------------------------------- */

static bool send_alert(struct run *run, uint64_t index)
{
    char body[ALERT_BODY_MAX], request[CLIENT_REQUEST_MAX];
    struct alerts *alerts = run->alerts;
    struct alert *alert = &alerts->all[index];
    const size_t body_len = alerts_body(alerts, index, body);
    const int len =
        snprintf(request, sizeof request,
                 "POST /webhook/tradingview/%s HTTP/1.1\r\nHost: %s:%s\r\n"
                 "Content-Type: application/json; charset=utf-8\r\nContent-Length: %zu\r\n\r\n%s",
                 alerts->secrets[alerts_strategy(alerts, index)], run->options->host,
                 run->options->port, body_len, body);
    const enum alert_state before = alert->state;
    alert->state = ALERT_SENT;
    alert->attempts++;
    if (client_send(run->client, request, (size_t)len, index))
        return true;
    alert->state = before;
    alert->attempts--;
    return false;
}

/* Resends first: they have waited longest. False: all connections are busy. */
static bool send_due(struct run *run)
{
    while (run->again_count > 0) {
        const uint64_t index = run->again[run->again_head];
        if (run->alerts->all[index].answered_us + RESEND_US > now_us(run))
            break;
        run->again_head = (run->again_head + 1) % run->alerts->count;
        run->again_count--;
        run->result->resends++;
        if (!send_alert(run, index)) {
            run->again_head = (run->again_head + run->alerts->count - 1) % run->alerts->count;
            run->again_count++;
            run->result->resends--;
            return false;
        }
    }
    for (; run->next < run->alerts->count && alerts_due_us(run->alerts, run->next) <= now_us(run);
         run->next++) {
        if (!send_alert(run, run->next))
            return false;
        run->result->sent++;
    }
    return true;
}

static int64_t next_due_us(const struct run *run, bool connections_left)
{
    int64_t next = now_us(run) + LONGEST_WAIT_US;
    if (!connections_left)
        return next; /* an answer wakes us */
    if (run->next < run->alerts->count && alerts_due_us(run->alerts, run->next) < next)
        next = alerts_due_us(run->alerts, run->next);
    if (run->again_count > 0) {
        const int64_t again = run->alerts->all[run->again[run->again_head]].answered_us + RESEND_US;
        next = again < next ? again : next;
    }
    return next;
}

static void show_progress(struct run *run)
{
    const struct run_result *result = run->result;
    if (now_us(run) < run->next_progress_us)
        return;
    run->next_progress_us += PROGRESS_US;
    (void)fprintf(stderr,
                  "loadgen: %" PRIu64 " of %" PRIu64 " sent, %" PRIu64 " accepted, %" PRIu64
                  " refused, %u without an answer yet, %" PRIu64 " to be sent again\n",
                  result->sent, run->alerts->count, result->accepted, result->refused,
                  client_busy(run->client), run->again_count);
}

/* No more alerts are begun; those that were are brought to their end, resends included. */
static void interrupt(struct run *run)
{
    run->result->interrupted = true;
    run->next = run->alerts->count;
}

enum svc_rc run_alerts(const struct options *options, struct alerts *alerts, FILE *ledger,
                       const volatile sig_atomic_t *stop, struct run_result *ret,
                       struct svc_error *err)
{
    *ret = (struct run_result){.sent = 0};
    struct run run = {.options = options,
                      .alerts = alerts,
                      .ledger = ledger,
                      .result = ret,
                      .next_progress_us = PROGRESS_US,
                      .again = calloc(alerts->count, sizeof *run.again)};
    if (run.again == NULL)
        return svc_fail(err, SVC_FATAL, "memory_exhausted", "no memory for resends");
    const enum svc_rc rc = client_open(options->host, options->port, options->connections, answered,
                                       &run, &run.client, err);
    alerts->begin_mono_us = svc_mono_us() + BEGIN_IN_US;
    alerts->begin_unix_us = svc_unix_us() + BEGIN_IN_US;
    while (rc == SVC_OK &&
           (run.next < alerts->count || run.again_count > 0 || client_busy(run.client) > 0)) {
        if (*stop != 0 && !ret->interrupted)
            interrupt(&run);
        const bool connections_left = send_due(&run);
        client_wait(run.client, alerts->begin_mono_us + next_due_us(&run, connections_left));
        show_progress(&run);
    }
    client_close(&run.client);
    free(run.again);
    return rc;
}
