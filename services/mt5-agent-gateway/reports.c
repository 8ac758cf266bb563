/* Collapsing reports. */
#include "reports.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct report_key) == 2 * REPORT_ID_BYTES + 8, "the key has padding");

struct report {
    struct keymap_node node;
    struct list all;
    struct report_key key;
    uint8_t digest[REPORT_DIGEST_BYTES]; /* of the newest */
    unsigned newest, in_flight;          /* number of the newest; how many are not over */
    bool newest_over;
};

bool reports_init(struct reports *reports, size_t count_expected, size_t bytes_max)
{
    *reports = (struct reports){.bytes_max = bytes_max};
    list_init(&reports->all);
    list_init(&reports->flights);
    return keymap_init(&reports->keys, sizeof(struct report_key), count_expected);
}

static void forget(struct reports *reports, struct report *report)
{
    keymap_remove(&reports->keys, &report->node);
    list_remove(&report->all);
    free(report);
}

static void land(struct reports *reports, struct flight *flight)
{
    reports->bytes -= flight->bytes;
    list_remove(&flight->all);
    free(flight);
}

void reports_done(struct reports *reports)
{
    if (reports->all.next == NULL)
        return;
    while (!list_alone(&reports->flights))
        land(reports, list_owner(reports->flights.next, struct flight, all));
    while (!list_alone(&reports->all))
        forget(reports, list_owner(reports->all.next, struct report, all));
    keymap_done(&reports->keys);
}

size_t reports_count(const struct reports *reports)
{
    return reports->keys.count;
}

static struct report *find(const struct reports *reports, const struct report_key *key)
{
    struct keymap_node *node = keymap_find(&reports->keys, key);
    return node != NULL ? list_owner(node, struct report, node) : NULL;
}

static struct report *make(struct reports *reports, const struct report_key *key)
{
    struct report *report = calloc(1, sizeof *report);
    if (report == NULL)
        return NULL;
    report->key = *key;
    keymap_add(&reports->keys, &report->node, &report->key);
    list_init(&report->all);
    list_append(&reports->all, &report->all);
    return report;
}

static struct flight *depart(struct reports *reports, struct report *report, size_t bytes)
{
    struct flight *flight = calloc(1, sizeof *flight);
    if (flight == NULL)
        return NULL;
    *flight = (struct flight){
        .report = report, .number = ++report->newest, .bytes = bytes, .key = report->key};
    list_init(&flight->all);
    list_append(&reports->flights, &flight->all);
    reports->bytes += bytes;
    report->in_flight++;
    report->newest_over = false;
    return flight;
}

enum report_verdict reports_begin(struct reports *reports, const struct report_key *key,
                                  const uint8_t digest[REPORT_DIGEST_BYTES], size_t bytes,
                                  struct flight **ret_flight)
{
    struct report *report = find(reports, key);
    if (report != NULL && !report->newest_over &&
        memcmp(report->digest, digest, REPORT_DIGEST_BYTES) == 0)
        return REPORT_COLLAPSED;
    if (reports->bytes + bytes > reports->bytes_max)
        return REPORT_FULL;
    if (report == NULL)
        report = make(reports, key);
    struct flight *flight = report != NULL ? depart(reports, report, bytes) : NULL;
    if (flight == NULL)
        return REPORT_FULL;
    memcpy(report->digest, digest, REPORT_DIGEST_BYTES);
    *ret_flight = flight;
    return REPORT_SEND;
}

bool reports_delivered(struct reports *reports, struct flight *flight, bool durable)
{
    struct report *report = flight->report;
    const bool newest = flight->number == report->newest;
    land(reports, flight);
    report->in_flight--;
    if (newest)
        report->newest_over = true;
    if (report->in_flight == 0)
        forget(reports, report);
    return newest && durable;
}
