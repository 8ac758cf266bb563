/* The clocks. Waiting and timeouts use the monotonic clock; wall time is only for storing and
 * comparing with other machines' times. Core modules take the time as an argument and never call
 * these. */
#pragma once

#include <stddef.h>
#include <stdint.h>

int64_t svc_mono_us(void); /* CLOCK_MONOTONIC */
int64_t svc_boot_us(void); /* CLOCK_BOOTTIME: goes on while the machine sleeps */
int64_t svc_unix_us(void); /* CLOCK_REALTIME, UTC */

/* "2026-01-30T12:34:56.123456Z"; buf holds at least SVC_TIME_TEXT bytes. Returns buf. */
enum { SVC_TIME_TEXT = 28 };
const char *svc_time_text(int64_t unix_us, char buf[SVC_TIME_TEXT]);

/* Parse ISO 8601 UTC or with offset ("2026-01-30T12:34:56Z", with up to 6 decimals, "+02:00"). 0 or
 * -1. */
int svc_time_parse(const char *text, size_t len, int64_t *ret_unix_us);
