/* Writing JSON into a buffer. Commas are put where they belong: before whatever does not follow an
 * opening bracket. key NULL: an array's element. Texts are UTF-8. */
#pragma once

#include "svc/buffer.h"

#include <stdbool.h>
#include <stdint.h>

void json_begin_object(struct svc_buffer *json, const char *key);
void json_end_object(struct svc_buffer *json);
void json_begin_array(struct svc_buffer *json, const char *key);
void json_end_array(struct svc_buffer *json);
void json_text(struct svc_buffer *json, const char *key, const char *text); /* NULL: null */
void json_number(struct svc_buffer *json, const char *key, uint64_t number);
void json_bool(struct svc_buffer *json, const char *key, bool value);
void json_raw(struct svc_buffer *json, const char *key, const char *value); /* is JSON already */
