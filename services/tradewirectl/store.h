/* The database, as an operator sees it: named statements (sql/), rows as JSON. Decimals stay text.
 */
#pragma once

#include "operator_sql.h"

#include "svc/config.h"
#include "svc/error.h"

#include <jansson.h>

/* Run one statement on a connection of its own. ret_rows: array of objects, owned by the caller.
 * Errors have a code of the table, never an SQLSTATE. */
enum svc_rc store_run(const struct svc_cfg_pg *pg, enum operator_sql statement, int value_count,
                      const char *const *values, json_t **ret_rows,
                      struct svc_error *err) SVC_CHECK;
