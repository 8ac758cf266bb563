/* What a run ends with: for people or as one JSON document. */
#pragma once

#include "outcomes.h"
#include "run.h"

struct report {
    const struct alerts *alerts;
    const struct run_result *run;
    const struct outcomes *outcomes; /* NULL: not asked for */
    struct summary to_202, to_order, to_fill;
};

void report_print(const struct report *report, bool json);
