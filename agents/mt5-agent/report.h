/* JobReport messages from what the book says. Core. */
#pragma once

#include "book.h"
#include "contracts/messages.h"

/* What ret points to lives in the arena or is borrowed from the report. */
void report_build(struct svc_arena *arena, const struct book_report *report, int64_t now_unix_us,
                  Tradewire__V1__JobReport *ret);
