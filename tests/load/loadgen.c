/* loadgen: options → alerts → run → outcomes → report. */
#include "figures.h"
#include "report.h"

#include <string.h>
#include <sys/resource.h>

static volatile sig_atomic_t stop;

static void on_interrupt(int number)
{
    (void)number;
    stop = 1;
}

/* A connection is a descriptor, and the usual soft limit is 1024. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* refused: connections fail, and that is counted */
    }
}

/* A second interrupt ends the program at once. */
static void catch_interrupts(void)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

static enum svc_exit complain(const struct svc_error *err)
{
    (void)fprintf(stderr, "loadgen: %s: %s\n", err->code, err->text);
    return SVC_EXIT_UNAVAILABLE;
}

static struct summary times_to_202(const struct alerts *alerts)
{
    struct figures figures = {.us = NULL};
    for (uint64_t i = 0; i < alerts->count; i++)
        if (alerts->all[i].status == 202)
            figures_add(&figures, alerts->all[i].answered_us - alerts_due_us(alerts, i));
    const struct summary summary = figures_sum_up(&figures);
    figures_done(&figures);
    return summary;
}

static enum svc_exit judge(const struct report *report)
{
    const struct outcomes *o = report->outcomes;
    if (report->run->interrupted)
        return SVC_EXIT_DEADLINE;
    if (report->run->accepted == 0 || (o != NULL && o->missing + o->doubled + o->open > 0))
        return SVC_EXIT_FAILED;
    return SVC_EXIT_OK;
}

static enum svc_exit run_and_report(const struct options *options, struct alerts *alerts,
                                    FILE **ledger, struct outcomes *outcomes)
{
    struct svc_error err = {.rc = SVC_OK};
    struct run_result run;
    if (ledger_open(options->ledger_path, ledger, &err) != SVC_OK ||
        run_alerts(options, alerts, *ledger, &stop, &run, &err) != SVC_OK)
        return complain(&err);
    if (!ledger_close(ledger)) {
        (void)svc_fail(&err, SVC_FATAL, "ledger_file", "could not be written");
        return complain(&err);
    }
    const bool asked = options->database != NULL;
    if (asked && outcomes_read(options, alerts, &stop, outcomes, &err) != SVC_OK)
        return complain(&err);
    const struct report report = {.alerts = alerts,
                                  .run = &run,
                                  .outcomes = asked ? outcomes : NULL,
                                  .to_202 = times_to_202(alerts),
                                  .to_order = figures_sum_up(&outcomes->to_order),
                                  .to_fill = figures_sum_up(&outcomes->to_fill)};
    report_print(&report, options->json);
    return judge(&report);
}

int main(int argc, char **argv)
{
    struct options options = {.wait_s = 60};
    struct alerts alerts = {.all = NULL};
    struct outcomes outcomes = {.executed = 0};
    struct svc_error err = {.rc = SVC_OK};
    FILE *ledger = NULL;
    enum svc_exit code = options_read(argc, argv, &options);
    if (code != SVC_EXIT_RUN)
        return code;
    catch_interrupts();
    allow_descriptors();
    if (alerts_open(&options, &alerts, &err) != SVC_OK)
        code = complain(&err);
    else if (options.check_only)
        code = SVC_EXIT_OK;
    else
        code = run_and_report(&options, &alerts, &ledger, &outcomes);
    (void)ledger_close(&ledger);
    outcomes_done(&outcomes);
    alerts_close(&alerts);
    return code;
}
