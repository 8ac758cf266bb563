/* Shared by consumer and tail. */
#pragma once

#include "svc/consumer.h"

/* Everything is borrowed: from the message, and topic (without the prefix) from the caller. */
void svc_record_fill(const rd_kafka_message_t *message, const char *topic,
                     struct svc_record *ret_record);
