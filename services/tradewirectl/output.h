/* What a command says: one JSON document on stdout with --json, else lines for people; errors on
 * stderr. */
#pragma once

#include "contracts/codes.h"

#include "svc/config.h"
#include "svc/error.h"

#include <stdbool.h>

#include <jansson.h>

/* An object is printed as `name: value` lines, an array as a table. Steals document. */
enum svc_exit output_print(json_t *document, bool json);
/* Fill *err with one of the table's codes; returns rc. */
enum svc_rc output_fail(struct svc_error *err, enum svc_rc rc, enum code code, const char *fmt, ...)
    SVC_PRINTF(4, 5);
/* Print "code: text" and choose the exit code: AGAIN 69, bad_config 78, else 1. */
enum svc_exit output_error(const struct svc_error *err);
