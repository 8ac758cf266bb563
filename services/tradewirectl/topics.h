/* topics apply: make the topics of contracts/topics.h, set their settings, refuse to change a
 * partition count (a key would move to another partition, and with it the order of a user's
 * signals). */
#pragma once

#include "svc/config.h"
#include "svc/error.h"

#include <jansson.h>

/* ret_rows: one object per topic {topic, partitions, state: created | settings applied}. */
enum svc_rc topics_apply(const struct svc_cfg_kafka *kafka, json_t **ret_rows,
                         struct svc_error *err) SVC_CHECK;
