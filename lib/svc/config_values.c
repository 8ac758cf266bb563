/* One setting: parse, check the range, show. */
#include "config_values.h"

#include "svc/text.h"

#include <stdio.h>
#include <string.h>

/* The index of `word` among "a|b|c", or -1. */
static int choice_index(const char *choices, const char *word)
{
    size_t len = strlen(word);
    for (int index = 0;; index++) {
        size_t span = strcspn(choices, "|");
        if (span == len && memcmp(choices, word, len) == 0)
            return index;
        if (!choices[span])
            return -1;
        choices += span + 1;
    }
}

static const char *choice_text(const char *choices, uint32_t index, char buf[CFG_TEXT_MAX])
{
    for (; index > 0; index--)
        choices += strcspn(choices, "|") + 1;
    (void)snprintf(buf, CFG_TEXT_MAX, "%.*s", (int)strcspn(choices, "|"), choices);
    return buf;
}

const char *cfg_accepts(const struct svc_cfg_item *item, char buf[CFG_TEXT_MAX])
{
    buf[0] = '\0';
    if (item->type == CFG_U32)
        (void)snprintf(buf, CFG_TEXT_MAX, "%u to %u", item->min, item->max);
    else if (item->type == CFG_SWITCH)
        (void)snprintf(buf, CFG_TEXT_MAX, "on or off");
    else if (item->type == CFG_CHOICE)
        (void)snprintf(buf, CFG_TEXT_MAX, "%s", item->choices);
    return buf;
}

static int parse_value(const struct svc_cfg_item *item, const char *text, void *member)
{
    uint64_t number;
    int index;
    switch (item->type) {
    case CFG_STR:
    case CFG_SECRET:
        *(const char **)member = text;
        return 0;
    case CFG_U32:
        if (svc_parse_u64(text, item->min, item->max, &number) != 0)
            return -1;
        *(uint32_t *)member = (uint32_t)number;
        return 0;
    case CFG_SWITCH:
        index = choice_index("off|on", text);
        if (index >= 0)
            *(bool *)member = index == 1;
        return index < 0 ? -1 : 0;
    case CFG_CHOICE:
        index = choice_index(item->choices, text);
        if (index >= 0)
            *(uint32_t *)member = (uint32_t)index;
        return index < 0 ? -1 : 0;
    }
    return -1;
}

int cfg_parse(const struct svc_cfg_item *item, const char *text, void *config,
              char fault[CFG_TEXT_MAX])
{
    if (parse_value(item, text, (char *)config + item->offset) == 0)
        return 0;
    char accepted[CFG_TEXT_MAX];
    /* Only types without secrets get here, so the refused text may be shown. */
    (void)snprintf(fault, CFG_TEXT_MAX, "must be %.60s, not \"%.40s\"", cfg_accepts(item, accepted),
                   text);
    return -1;
}

const char *cfg_show(const struct svc_cfg_item *item, const void *config, char buf[CFG_TEXT_MAX])
{
    const void *member = (const char *)config + item->offset;
    switch (item->type) {
    case CFG_STR:
        return *(const char *const *)member;
    case CFG_SECRET:
        return **(const char *const *)member ? "***" : "";
    case CFG_U32:
        (void)snprintf(buf, CFG_TEXT_MAX, "%u", *(const uint32_t *)member);
        return buf;
    case CFG_SWITCH:
        return *(const bool *)member ? "on" : "off";
    case CFG_CHOICE:
        return choice_text(item->choices, *(const uint32_t *)member, buf);
    }
    return "";
}
