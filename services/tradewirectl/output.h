/* What a command says: one JSON document on stdout with --json, else lines for people; errors on
 * stderr. */
#pragma once

#include "svc/config.h"
#include "svc/error.h"

#include <stdbool.h>

#include <jansson.h>

/* An object is printed as `name: value` lines, an array as a table. Steals document. */
enum svc_exit output_print(json_t *document, bool json);
/* Print the error and choose the exit code: AGAIN 69, else 1. */
enum svc_exit output_error(const struct svc_error *err);
