#include "options.h"

#include "svc/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
    "loadgen: sends alerts at a fixed rate, as TradingView does, and proves what became of each\n"
    "\n"
    "Usage: loadgen --url URL --secrets FILE --rate N (--count N | --seconds S) [options]\n"
    "\n"
    "  --url URL          the ingester: http://host:port\n"
    "  --secrets FILE     one webhook secret per line; alerts take turns over them\n"
    "  --rate N           alerts per second, 1 to 100000\n"
    "  --count N          how many alerts, 1 to 5000000; or\n"
    "  --seconds S        for how long, 1 to 86400\n"
    "  --pattern P        steady    evenly spaced (default)\n"
    "                     burst     all of a second at its beginning\n"
    "                     barclose  all of every 5 s within the first of them, most of them early\n"
    "                     ramp      from 0 up to N; with --seconds half as many alerts\n"
    "  --closes PERCENT   how many of the alerts are closes, 0 to 100 (default 0)\n"
    "  --seed N           repeats a run's symbols, sides and closes; printed (default: from the "
    "clock)\n"
    "  --ledger FILE      one JSON line per alert, when it is answered for good:\n"
    "                     alert_id, strategy (line of the secrets file, from 0), t_send_us (when "
    "it was\n"
    "                     due, UTC), http_status (0: no answer), signal_id, t_answer_us, attempts\n"
    "  --database URL     wait until every accepted alert has ended, and read what became of it; a "
    "role that\n"
    "                     may read tv_signals and jobs (tradewire_operator)\n"
    "  --wait S           with --database: give up after S seconds in which nothing ended (default "
    "60)\n"
    "  --connections N    open at most, 1 to 20000 (default: what 5 s of alerts without an answer "
    "need, 512 to\n"
    "                     10000); with all of them busy alerts go out late, and their latency says "
    "so\n"
    "  --json             one JSON document on stdout instead of text\n"
    "  --check-config     read the options and the secrets file, send nothing: 0 when they are "
    "good\n"
    "  --help, --version\n"
    "\n"
    "Alerts: buy or sell 0.01 lots of EURUSD, GBPUSD, USDJPY or XAUUSD, or close what the strategy "
    "holds of it,\n"
    "with timenow and a unique alert_id.\n"
    "The times are fixed beforehand (open loop), and latencies count from when an alert was due, "
    "not from when\n"
    "it was sent. After a 5xx, a lost connection, or no answer in 3 s an alert is sent again 5 s "
    "later, at most\n"
    "3 times. Progress and faults are printed to stderr.\n"
    "\n"
    "  sent         alerts due            executed, failed, discarded   how the accepted ones "
    "ended\n"
    "  closes       of them closes        nothing_to_do                 closes that found no "
    "position: as right an\n"
    "                                                                   end as executed, and not "
    "counted as failed\n"
    "  accepted     answered 202          open       neither, when the waiting was over\n"
    "  refused      answered otherwise    missing    accepted, and no row in tv_signals\n"
    "  unanswered   no answer at all      doubled    more than one row of the same alert_id that "
    "is not a\n"
    "                                                recognised duplicate, or more than one job of "
    "a signal\n"
    "\n"
    "Exit codes: 0; 1 when anything is missing or doubled, or open, or nothing was accepted; 64 "
    "usage;\n"
    "69 a file or the database cannot be used; 75 interrupted: SIGINT or SIGTERM ends the sending, "
    "what was begun\n"
    "is brought to its end, resends included; a second one leaves at once.\n";

enum option_name {
    OPTION_URL = 256,
    OPTION_SECRETS,
    OPTION_RATE,
    OPTION_COUNT,
    OPTION_SECONDS,
    OPTION_PATTERN,
    OPTION_CLOSES,
    OPTION_SEED,
    OPTION_LEDGER,
    OPTION_DATABASE,
    OPTION_WAIT,
    OPTION_CONNECTIONS,
    OPTION_JSON,
    OPTION_CHECK_CONFIG,
    OPTION_HELP,
    OPTION_VERSION,
};

static const struct option long_options[] = {
    {"url", required_argument, NULL, OPTION_URL},
    {"secrets", required_argument, NULL, OPTION_SECRETS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"count", required_argument, NULL, OPTION_COUNT},
    {"seconds", required_argument, NULL, OPTION_SECONDS},
    {"pattern", required_argument, NULL, OPTION_PATTERN},
    {"closes", required_argument, NULL, OPTION_CLOSES},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"ledger", required_argument, NULL, OPTION_LEDGER},
    {"database", required_argument, NULL, OPTION_DATABASE},
    {"wait", required_argument, NULL, OPTION_WAIT},
    {"connections", required_argument, NULL, OPTION_CONNECTIONS},
    {"json", no_argument, NULL, OPTION_JSON},
    {"check-config", no_argument, NULL, OPTION_CHECK_CONFIG},
    {"help", no_argument, NULL, OPTION_HELP},
    {"version", no_argument, NULL, OPTION_VERSION},
    {0},
};

static bool fault(const char *what)
{
    (void)fprintf(stderr, "loadgen: %s; see --help\n", what);
    return false;
}

static bool number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
    return svc_parse_u64(text, min, max, ret) == 0 || fault("a number is out of its range");
}

static bool number32(const char *text, uint32_t min, uint32_t max, uint32_t *ret)
{
    uint64_t wide;
    if (!number(text, min, max, &wide))
        return false;
    *ret = (uint32_t)wide;
    return true;
}

/* http://host:port, nothing behind it. */
static bool read_url(const char *url, struct options *ret)
{
    static const char scheme[] = "http://";
    uint64_t port;
    if (strncmp(url, scheme, strlen(scheme)) != 0)
        return fault("--url must begin with http://");
    url += strlen(scheme);
    const char *colon = strrchr(url, ':');
    if (colon == NULL || colon == url || (size_t)(colon - url) >= sizeof ret->host)
        return fault("--url must be http://host:port");
    size_t digits = strlen(colon + 1);
    if (digits > 0 && colon[digits] == '/')
        digits--;
    if (digits >= sizeof ret->port)
        return fault("--url must be http://host:port");
    (void)snprintf(ret->host, sizeof ret->host, "%.*s", (int)(colon - url), url);
    (void)snprintf(ret->port, sizeof ret->port, "%.*s", (int)digits, colon + 1);
    return svc_parse_u64(ret->port, 1, 65535, &port) == 0 ||
           fault("--url must be http://host:port");
}

static bool read_pattern(const char *word, enum pattern *ret)
{
    static const char *const words[] = {"steady", "burst", "barclose", "ramp"};
    for (int i = 0; i < 4; i++) {
        if (strcmp(word, words[i]) == 0) {
            *ret = (enum pattern)i;
            return true;
        }
    }
    return fault("--pattern is one of steady, burst, barclose, ramp");
}

static bool read_option(int option, struct options *ret)
{
    switch ((enum option_name)option) {
    case OPTION_URL:
        return read_url(optarg, ret);
    case OPTION_SECRETS:
        ret->secrets_path = optarg;
        return true;
    case OPTION_RATE:
        return number32(optarg, 1, 100000, &ret->rate);
    case OPTION_COUNT:
        return number(optarg, 1, 5000000, &ret->count);
    case OPTION_SECONDS:
        return number32(optarg, 1, 86400, &ret->seconds);
    case OPTION_PATTERN:
        return read_pattern(optarg, &ret->pattern);
    case OPTION_CLOSES:
        return number32(optarg, 0, 100, &ret->closes_percent);
    case OPTION_SEED:
        return number(optarg, 0, UINT64_MAX, &ret->seed);
    case OPTION_LEDGER:
        ret->ledger_path = optarg;
        return true;
    case OPTION_DATABASE:
        ret->database = optarg;
        return true;
    case OPTION_WAIT:
        return number32(optarg, 1, 86400, &ret->wait_s);
    case OPTION_CONNECTIONS:
        return number32(optarg, 1, 20000, &ret->connections);
    case OPTION_JSON:
        ret->json = true;
        return true;
    case OPTION_CHECK_CONFIG:
        ret->check_only = true;
        return true;
    case OPTION_HELP:
    case OPTION_VERSION:
        break;
    }
    return false; /* getopt printed what is wrong */
}

static uint32_t connections_for(uint32_t rate)
{
    const uint32_t needed = rate > 2000 ? 10000 : rate * 5;
    return needed > 512 ? needed : 512;
}

static bool complete(struct options *options)
{
    if (options->connections == 0)
        options->connections = connections_for(options->rate);
    if (options->host[0] == '\0' || options->secrets_path == NULL || options->rate == 0)
        return fault("--url, --secrets and --rate are required");
    if ((options->count == 0) == (options->seconds == 0))
        return fault("one of --count and --seconds is required");
    if (options->count == 0)
        options->count = schedule_count(options->pattern, options->rate, options->seconds);
    return options->count <= 5000000 || fault("that is more than 5000000 alerts");
}

enum svc_exit options_read(int argc, char **argv, struct options *ret)
{
    int option;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): one thread */
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (option == OPTION_HELP) {
            (void)fputs(help, stdout);
            return SVC_EXIT_OK;
        }
        if (option == OPTION_VERSION) {
            (void)puts("loadgen " TRADEWIRE_VERSION);
            return SVC_EXIT_OK;
        }
        if (!read_option(option, ret))
            return SVC_EXIT_USAGE;
    }
    if (optind < argc) {
        (void)fault("unknown argument");
        return SVC_EXIT_USAGE;
    }
    return complete(ret) ? SVC_EXIT_RUN : SVC_EXIT_USAGE;
}
