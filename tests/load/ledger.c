#include "ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum svc_rc ledger_open(const char *path, FILE **ret, struct svc_error *err)
{
    *ret = NULL;
    if (path == NULL)
        return SVC_OK;
    *ret = fopen(path, "we");
    if (*ret == NULL)
        return svc_fail(err, SVC_REJECT, "ledger_file", "%s: %s", path, strerrordesc_np(errno));
    /* Whole lines, as they come: who kills this program can still read what it knew. */
    (void)setvbuf(*ret, NULL, _IOLBF, 0);
    return SVC_OK;
}

void ledger_write(FILE *ledger, const struct alerts *alerts, uint64_t index)
{
    const struct alert *alert = &alerts->all[index];
    char id[ALERT_ID_MAX];
    if (ledger == NULL)
        return;
    alerts_id(alerts, index, id);
    (void)fprintf(ledger,
                  "{\"alert_id\": \"%s\", \"strategy\": %u, \"t_send_us\": %" PRId64
                  ", \"http_status\": %u, \"signal_id\": %s%s%s, \"t_answer_us\": %" PRId64
                  ", \"attempts\": %u}\n",
                  id, alerts_strategy(alerts, index),
                  alerts->begin_unix_us + alerts_due_us(alerts, index), alert->status,
                  alert->signal_id[0] != '\0' ? "\"" : "",
                  alert->signal_id[0] != '\0' ? alert->signal_id : "null",
                  alert->signal_id[0] != '\0' ? "\"" : "",
                  alerts->begin_unix_us + alert->answered_us, alert->attempts);
}

bool ledger_close(FILE **ledger)
{
    bool good = true;
    if (*ledger != NULL) {
        good = ferror(*ledger) == 0;
        good = fclose(*ledger) == 0 && good;
    }
    *ledger = NULL;
    return good;
}
