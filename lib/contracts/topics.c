/* Topic settings; design.md section 3. */
#include "contracts/topics.h"

#define MINUTES(n) ((n)*INT64_C(60000))
#define DAYS(n) ((n)*INT64_C(86400000))
enum { LARGE = 2 * 1024 * 1024 };

const struct topic_spec topic_specs[] = {
    {TOPIC_SIGNALS, 24, DAYS(7), 0, true, true},
    {TOPIC_RESULTS, 24, DAYS(7), LARGE, false, true},
    {TOPIC_JOBS_REQUESTED, 24, DAYS(7), 0, false, true},
    {TOPIC_AGENTS_EVENTS, 24, DAYS(1), LARGE, false, true},
    {TOPIC_SYNC_REQUESTED, 24, DAYS(1), 0, false, true},
    {TOPIC_JOBS_READY, 12, MINUTES(10), 0, false, false},
    {TOPIC_JOBS_FINISHED, 12, MINUTES(10), 0, false, false},
};
const int topic_spec_count = sizeof topic_specs / sizeof topic_specs[0];
