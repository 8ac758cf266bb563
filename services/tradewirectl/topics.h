/* topics apply: make the topics of contracts/topics.h, set their settings, refuse to change a
 * partition count (a key would move to another partition, and with it the order of a user's
 * signals). */
#pragma once

#include "svc/config.h"
#include "svc/error.h"

#include <jansson.h>

struct rd_kafka_metadata_topic;

/* ret_rows: one object per topic {topic, partitions, replicas, state: created | settings applied |
 * settings applied, too few replicas (it was made when there were fewer brokers, and keeps them)}.
 */
enum svc_rc topics_apply(const struct svc_cfg_kafka *kafka, json_t **ret_rows,
                         struct svc_error *err) SVC_CHECK;

/* How many copies must have a record before it counts: two where one of three may be lost. More
 * than a topic has would stop all writing to it. */
int topics_min_insync(int replicas);
/* Of the partition that has the fewest. */
int topics_replicas(const struct rd_kafka_metadata_topic *topic);
