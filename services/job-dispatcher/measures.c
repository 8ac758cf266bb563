/* Names and help texts; the README lists them. */
#include "measures.h"

static const char *const consumed_values[] = {"job",    "discarded",   "duplicate",
                                              "replay", "dead_letter", NULL};
static const char *const verdict_values[] = {"applied", "repeated",  "conflict", "stale",
                                             "foreign", "unmatched", "dropped",  NULL};

void measures_init(struct measures *measures, struct svc_metrics *metrics)
{
    measures->consumed =
        svc_counter_new(metrics, "tradewire_consumed_total", "Signals by what became of them.",
                        "outcome", consumed_values);
    measures->results =
        svc_counter_new(metrics, "tradewire_results_total", "Results by the database's verdict.",
                        "verdict", verdict_values);
    measures->dead_letters =
        svc_counter_new(metrics, "tradewire_dead_letters_total",
                        "Records put aside in a dead-letter topic.", NULL, NULL);
    measures->rejoins =
        svc_counter_new(metrics, "tradewire_rejoins_total",
                        "Batches given up because somebody else moved a position.", NULL, NULL);
    measures->expired = svc_counter_new(metrics, "tradewire_jobs_expired_total",
                                        "Jobs that ended before they were claimed.", NULL, NULL);
    measures->unknown = svc_counter_new(metrics, "tradewire_jobs_unknown_total",
                                        "Effects whose outcome became unknown.", NULL, NULL);
    measures->forgotten = svc_counter_new(
        metrics, "tradewire_results_forgotten_total",
        "Kept results deleted because their job did not come in 7 days.", NULL, NULL);
    measures->transaction =
        svc_histogram_new(metrics, "tradewire_db_tx_seconds", "Time of one batch's transaction.");
    measures->signal_age = svc_histogram_new(metrics, "tradewire_signal_age_seconds",
                                             "From the alert's arrival to its row's commit.");
}
