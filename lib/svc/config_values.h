/* Private to lib/svc: one setting's value from text and back. Core of config.c: no environment, no
 * files. */
#pragma once

#include "svc/config.h"

enum { CFG_TEXT_MAX = 128 };

/* Parse text into the item's member of config. 0, or -1 with the reason in fault ("must be …").
 * Texts are borrowed for the life of the process. */
int cfg_parse(const struct svc_cfg_item *item, const char *text, void *config,
              char fault[CFG_TEXT_MAX]);
/* The effective value for people: numbers and choices as text in buf, secrets as *** (or nothing).
 */
const char *cfg_show(const struct svc_cfg_item *item, const void *config, char buf[CFG_TEXT_MAX]);
/* What the setting accepts: "1 to 1024", "on or off", "debug|info|warn|error". */
const char *cfg_accepts(const struct svc_cfg_item *item, char buf[CFG_TEXT_MAX]);
