/* Which fault, and when. */
#include "script.h"

#include "svc/cleanup.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

const struct script_name script_names[FAULT_COUNT] = {
    [FAULT_NONE] = {"none", NULL, "nothing happens: keeps an order from the rules behind it"},
    [FAULT_NO_REPLY] = {"no_reply", NULL, "the order is executed and never answered"},
    [FAULT_DROP_BEFORE] = {"drop_before", NULL, "the connection is closed, nothing is executed"},
    [FAULT_DROP_AFTER] = {"drop_after", NULL, "the order is executed, then the connection closed"},
    [FAULT_DELAY] = {"delay", "ms", "so many ms pass before the order is looked at"},
    [FAULT_LATE_REPLY] = {"late_reply", "ms", "executed; so many ms pass before the answer"},
    [FAULT_REJECT] = {"reject", "retcode", "refused with this return code"},
    [FAULT_REQUOTE] = {"requote", NULL, "refused with 10004: the price moved"},
    [FAULT_MARKET_CLOSED] = {"market_closed", "next_session_s",
                             "refused with 10018; the next session begins in so many seconds"},
    [FAULT_PARTIAL] = {"partial", "percent", "only so many percent of the volume fill"},
    [FAULT_SERVER_AWAY] = {"server_away", "ms", "refused with 10031; no trade server for so long"},
    [FAULT_CRASH_BEFORE] = {"crash_before", NULL, "mt5-sim ends at once, nothing is executed"},
    [FAULT_CRASH_AFTER] = {"crash_after", NULL, "the order is executed, then mt5-sim ends at once"},
};

void script_init(struct script *script, uint32_t seed)
{
    *script = (struct script){.dice = UINT64_C(0xd1ce) << 32 | seed};
}

static enum svc_rc bad(struct svc_error *err, const char *what, const char *why)
{
    return svc_fail(err, SVC_REJECT, "bad_script", "\"%s\" %s", what, why);
}

static enum svc_rc read_number(const json_t *object, const char *name, json_int_t max,
                               uint32_t *ret, struct svc_error *err)
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL)
        return SVC_OK;
    if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > max)
        return svc_fail(err, SVC_REJECT, "bad_script", "\"%s\" must be 1 to %lld", name,
                        (long long)max);
    *ret = (uint32_t)json_integer_value(value);
    return SVC_OK;
}

static enum svc_rc read_kind(const json_t *object, struct script_rule *rule, struct svc_error *err)
{
    const char *name = json_string_value(json_object_get(object, "fault"));
    if (name == NULL)
        return bad(err, "fault", "is missing");
    for (int kind = 0; kind < FAULT_COUNT; kind++) {
        if (strcmp(name, script_names[kind].name) != 0)
            continue;
        rule->fault.kind = (enum fault_kind)kind;
        const char *member = script_names[kind].member;
        return member == NULL || json_object_get(object, member) != NULL
                   ? SVC_OK
                   : bad(err, member, "is missing");
    }
    return bad(err, name, "is no fault; see --list-faults");
}

static enum svc_rc read_filter(const json_t *object, struct script_rule *rule,
                               struct svc_error *err)
{
    const char *on = json_string_value(json_object_get(object, "on"));
    const char *symbol = json_string_value(json_object_get(object, "symbol"));
    const json_t *chance = json_object_get(object, "chance");
    rule->closing = -1;
    if (on != NULL && strcmp(on, "open") != 0 && strcmp(on, "close") != 0)
        return bad(err, "on", "must be open or close");
    if (on != NULL)
        rule->closing = strcmp(on, "close") == 0;
    if (symbol != NULL && strlen(symbol) >= sizeof rule->symbol)
        return bad(err, "symbol", "is too long");
    if (symbol != NULL)
        (void)snprintf(rule->symbol, sizeof rule->symbol, "%s", symbol);
    rule->chance = -1;
    if (chance == NULL)
        return SVC_OK;
    rule->chance = json_number_value(chance);
    return json_is_number(chance) && rule->chance >= 0 && rule->chance <= 1
               ? SVC_OK
               : bad(err, "chance", "must be 0 to 1");
}

static enum svc_rc check_members(const json_t *object, struct svc_error *err)
{
    static const char *const names[] = {"fault",   "at",     "every", "chance",  "times",
                                        "on",      "symbol", "ms",    "retcode", "next_session_s",
                                        "percent", NULL};
    for (void *at = json_object_iter((json_t *)(uintptr_t)object); at != NULL;
         at = json_object_iter_next((json_t *)(uintptr_t)object, at)) {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, json_object_iter_key(at)) != 0)
            name++;
        if (*name == NULL)
            return bad(err, json_object_iter_key(at), "is no member of a rule");
    }
    return SVC_OK;
}

static enum svc_rc read_rule(const json_t *object, struct script_rule *rule, struct svc_error *err)
{
    if (!json_is_object(object))
        return svc_fail(err, SVC_REJECT, "bad_script", "not a JSON object");
    if (check_members(object, err) != SVC_OK || read_kind(object, rule, err) != SVC_OK ||
        read_filter(object, rule, err) != SVC_OK ||
        read_number(object, "at", UINT32_MAX, &rule->at, err) != SVC_OK ||
        read_number(object, "every", UINT32_MAX, &rule->every, err) != SVC_OK ||
        read_number(object, "times", UINT32_MAX, &rule->times, err) != SVC_OK ||
        read_number(object, "ms", 3600000, &rule->fault.ms, err) != SVC_OK ||
        read_number(object, "retcode", 65535, &rule->fault.retcode, err) != SVC_OK ||
        read_number(object, "next_session_s", 604800, &rule->fault.next_session_s, err) != SVC_OK ||
        read_number(object, "percent", 100, &rule->fault.percent, err) != SVC_OK)
        return err->rc;
    if ((rule->at > 0) + (rule->every > 0) + (rule->chance >= 0) > 1)
        return svc_fail(err, SVC_REJECT, "bad_script", "only one of at, every and chance");
    return SVC_OK;
}

enum svc_rc script_add(struct script *script, const char *line, size_t len, struct svc_error *err)
{
    if (script->count == SCRIPT_RULES_MAX)
        return svc_fail(err, SVC_REJECT, "bad_script", "more than %d rules", SCRIPT_RULES_MAX);
    struct script_rule rule = {.closing = -1};
    json_error_t fault;
    json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &fault);
    enum svc_rc rc = object == NULL
                         ? svc_fail(err, SVC_REJECT, "bad_script", "not JSON: %s", fault.text)
                         : read_rule(object, &rule, err);
    json_decref(object);
    if (rc == SVC_OK)
        script->rules[script->count++] = rule;
    return rc;
}

static enum svc_rc add_lines(struct script *script, const char *text, struct svc_error *err)
{
    for (unsigned number = 1; *text != '\0'; number++) {
        size_t len = strcspn(text, "\n");
        bool skip = strspn(text, " \t\r") >= len || text[0] == '#';
        if (!skip && script_add(script, text, len, err) != SVC_OK) {
            char prefix[40];
            (void)snprintf(prefix, sizeof prefix, "SIM_SCRIPT line %u", number);
            return svc_fail_prefix(err, prefix);
        }
        text += len + (text[len] == '\n');
    }
    return SVC_OK;
}

enum svc_rc script_load(struct script *script, const char *path, struct svc_error *err)
{
    if (path[0] == '\0')
        return SVC_OK;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return svc_fail(err, SVC_FATAL, "bad_script", "SIM_SCRIPT %.120s: %s", path,
                        strerrordesc_np(errno));
    static char text[SCRIPT_BYTES_MAX + 1];
    size_t len = fread(text, 1, sizeof text, file);
    (void)fclose(file);
    if (len > SCRIPT_BYTES_MAX)
        return svc_fail(err, SVC_REJECT, "bad_script", "SIM_SCRIPT: more than %d bytes",
                        SCRIPT_BYTES_MAX);
    text[len] = '\0';
    return add_lines(script, text, err);
}

static bool fits(const struct script_rule *rule, bool closing, const char *symbol)
{
    return (rule->closing < 0 || rule->closing == (int)closing) &&
           (rule->symbol[0] == '\0' || strcmp(rule->symbol, symbol) == 0);
}

/* Has this rule's time come? Dice are thrown for every order that fits, so that one rule's outcome
 * does not change another's. */
static bool is_due(struct script *script, struct script_rule *rule)
{
    rule->seen++;
    bool due = true;
    if (rule->at > 0)
        due = rule->seen == rule->at;
    else if (rule->every > 0)
        due = rule->seen % rule->every == 0;
    else if (rule->chance >= 0)
        due = (double)(market_random(&script->dice) >> 11) * 0x1p-53 < rule->chance;
    return due && (rule->times == 0 || rule->done < rule->times);
}

struct fault script_next(struct script *script, bool closing, const char *symbol)
{
    struct fault fault = {.kind = FAULT_NONE};
    bool decided = false;
    for (size_t i = 0; i < script->count; i++) {
        struct script_rule *rule = &script->rules[i];
        if (!fits(rule, closing, symbol) || !is_due(script, rule) || decided)
            continue;
        rule->done++;
        fault = rule->fault;
        decided = true;
    }
    return fault;
}
