/* What cannot be processed goes to <topic>.dlq and its partition moves on: original key and bytes,
 * the headers traceparent and schema that it came with, and the reason in further headers. The
 * position may move only after the delivery was reported. */
#pragma once

#include "svc/consumer.h"
#include "svc/producer.h"

/* code: of codes.h; text: for people, no secret. done is called as svc_producer_send says. */
enum svc_rc dead_letter_send(struct svc_producer *producer, const struct svc_record *record,
                             const char *service, const char *code, const char *text,
                             svc_delivery_fn *done, void *arg, struct svc_error *err) SVC_CHECK;
