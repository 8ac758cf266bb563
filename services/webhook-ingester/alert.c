/* Members to fields; one function per kind of member. */
#include "alert.h"

#include "svc/clock.h"

#include <stdio.h>
#include <string.h>

/* check_signal() in contracts takes times until 2100. */
#define TIME_UNIX_US_MAX INT64_C(4102444800000000)
/* In seconds this is the year 5138; in milliseconds March 1973. */
#define EPOCH_SECONDS_MAX "100000000000"

enum member { SYMBOL, ACTION, VOLUME, SL, TP, TIMENOW, ALERT_ID, MEMBER_COUNT };
static const char *const member_names[MEMBER_COUNT] = {"symbol", "action",  "volume",  "sl",
                                                       "tp",     "timenow", "alert_id"};

struct members {
    const struct json_node *values[MEMBER_COUNT]; /* NULL: not given, or null */
    struct refusal *refusal;
};

static bool refuse(struct refusal *refusal, enum code code, const char *name, const char *why)
{
    refusal->code = code;
    (void)snprintf(refusal->text, sizeof refusal->text, "%s %s", name, why);
    return false;
}

/* JSON's own names are case-sensitive, so "Symbol" and "symbol" may both be there; guessing which
 * one is meant could trade the wrong one. */
static bool find_members(const struct json *json, struct members *members)
{
    bool seen[MEMBER_COUNT] = {false};
    for (uint32_t key = json_first(0); json_has(json, 0, key); key = json_next(json, key)) {
        for (int m = 0; m < MEMBER_COUNT; m++) {
            if (!json_is_word(&json->nodes[key], member_names[m]))
                continue;
            if (seen[m])
                return refuse(members->refusal, CODE_BAD_JSON, member_names[m],
                              "is given twice, in different case");
            seen[m] = true;
            if (json->nodes[key + 1].type != JSON_IS_NULL)
                members->values[m] = &json->nodes[key + 1];
        }
    }
    return true;
}

/* A value that still holds {{…}} was never filled in; whatever it is for, it says nothing. */
static bool no_placeholders(const struct members *members)
{
    for (int m = 0; m < MEMBER_COUNT; m++) {
        const struct json_node *value = members->values[m];
        if (value != NULL && value->type == JSON_IS_STRING &&
            memmem(value->text, value->len, "{{", 2) != NULL)
            return refuse(members->refusal, CODE_UNRESOLVED_PLACEHOLDER, member_names[m],
                          "still holds {{…}}");
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **text, size_t *len)
{
    for (; *len > 0 && is_blank(**text); ++*text)
        --*len;
    while (*len > 0 && is_blank((*text)[*len - 1]))
        --*len;
}

/* --- symbol and action ----------------------------------------------------------------------- */

static char upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - 'a' + 'A');
    return c;
}

/* Six letters, apart from separators: writes them in upper case. */
static bool currency_pair(const char *text, size_t len, char ret[7])
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        const char c = upper(text[i]);
        if (c == '/' || c == '-' || c == '_' || c == ' ')
            continue;
        if (c < 'A' || c > 'Z' || count == 6)
            return false;
        ret[count++] = c;
    }
    ret[count] = '\0';
    return count == 6;
}

bool alert_symbol(const char *text, size_t len, char ret[ALERT_SYMBOL_MAX + 1])
{
    const char *colon = memchr(text, ':', len);
    if (colon != NULL) {
        len -= (size_t)(colon + 1 - text);
        text = colon + 1;
    }
    trim(&text, &len);
    if (len > 2 && memcmp(text + len - 2, ".P", 2) == 0)
        len -= 2;
    trim(&text, &len);
    if (len == 0 || len > ALERT_SYMBOL_MAX)
        return false;
    char pair[7];
    if (currency_pair(text, len, pair)) {
        text = pair;
        len = strlen(pair);
    }
    memcpy(ret, text, len);
    ret[len] = '\0';
    return true;
}

static bool read_symbol(const struct members *members, struct alert *ret)
{
    const struct json_node *value = members->values[SYMBOL];
    struct refusal *refusal = members->refusal;
    if (value == NULL)
        return refuse(refusal, CODE_MISSING_SYMBOL, "symbol", "is not given");
    if (value->type != JSON_IS_STRING)
        return refuse(refusal, CODE_MISSING_SYMBOL, "symbol", "must be text in quotes");
    if (value->len > ALERT_SYMBOL_MAX)
        return refuse(refusal, CODE_MISSING_SYMBOL, "symbol", "is longer than 64 bytes");
    if (!alert_symbol(value->text, value->len, ret->symbol))
        return refuse(refusal, CODE_MISSING_SYMBOL, "symbol", "is empty");
    ret->symbol_raw = value->text;
    ret->symbol_raw_len = value->len;
    return true;
}

static bool read_action(const struct members *members, struct alert *ret)
{
    static const struct {
        const char *word;
        Tradewire__V1__SignalAction action;
    } actions[] = {
        {"buy", TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_BUY},
        {"sell", TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_SELL},
        {"close", TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_CLOSE},
    };
    const struct json_node *value = members->values[ACTION];
    if (value == NULL || value->type != JSON_IS_STRING)
        return refuse(members->refusal, CODE_BAD_ACTION, "action",
                      value == NULL ? "is not given" : "must be text in quotes");
    struct json_node word = *value;
    size_t len = value->len;
    trim(&word.text, &len);
    word.len = (uint32_t)len;
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (json_is_word(&word, actions[i].word)) {
            ret->action = actions[i].action;
            return true;
        }
    }
    return refuse(members->refusal, CODE_BAD_ACTION, "action", "is none of buy, sell, close");
}

/* --- numbers --------------------------------------------------------------------------------- */

/* Text of a number, or of a string that holds exactly one, with a NUL behind it. */
static bool decimal_text(const struct json_node *value, char ret[DECIMAL_TEXT_MAX + 1])
{
    if ((value->type != JSON_IS_NUMBER && value->type != JSON_IS_STRING) ||
        value->len > DECIMAL_TEXT_MAX)
        return false;
    memcpy(ret, value->text, value->len);
    ret[value->len] = '\0';
    return strlen(ret) == value->len && decimal_valid(ret);
}

static bool read_decimal(const struct members *members, enum member member,
                         char ret[DECIMAL_TEXT_MAX + 1])
{
    const struct json_node *value = members->values[member];
    if (value == NULL || decimal_text(value, ret))
        return true;
    return refuse(members->refusal, CODE_BAD_NUMBER, member_names[member],
                  "is not a decimal number of at most 40 characters");
}

/* --- time ------------------------------------------------------------------------------------ */

/* Digits past the µs are cut: some senders print nanoseconds. */
static bool epoch_time(const char *text, int64_t *ret_unix_us)
{
    char normal[DECIMAL_NORMAL_TEXT];
    if (!decimal_normal(text, normal))
        return false;
    const bool seconds = decimal_compare(text, EPOCH_SECONDS_MAX) < 0;
    const unsigned decimals = seconds ? 6 : 3;
    char *point = strchr(normal, '.');
    if (point != NULL && strlen(point) > decimals + 1)
        point[decimals + 1] = '\0';
    return decimal_scaled(normal, decimals, ret_unix_us);
}

bool alert_time(const char *text, size_t len, int64_t *ret_unix_us)
{
    int64_t unix_us;
    char number[DECIMAL_TEXT_MAX + 1];
    const bool short_enough = len <= DECIMAL_TEXT_MAX;
    memcpy(number, text, short_enough ? len : 0);
    number[short_enough ? len : 0] = '\0';
    if (svc_time_parse(text, len, &unix_us) != 0 && !epoch_time(number, &unix_us))
        return false;
    if (unix_us <= 0 || unix_us > TIME_UNIX_US_MAX)
        return false;
    *ret_unix_us = unix_us;
    return true;
}

static bool read_time(const struct members *members, struct alert *ret)
{
    const struct json_node *value = members->values[TIMENOW];
    if (value == NULL)
        return true;
    if ((value->type == JSON_IS_STRING || value->type == JSON_IS_NUMBER) &&
        alert_time(value->text, value->len, &ret->tv_time_unix_us))
        return true;
    return refuse(members->refusal, CODE_BAD_NUMBER, "timenow",
                  "is neither ISO 8601 nor an epoch in s or ms");
}

/* An empty key would make every later alert a duplicate of the first: it counts as none. */
static bool read_alert_id(const struct members *members, struct alert *ret)
{
    const struct json_node *value = members->values[ALERT_ID];
    if (value == NULL || (value->type == JSON_IS_STRING && value->len == 0))
        return true;
    if (value->type != JSON_IS_STRING && value->type != JSON_IS_NUMBER)
        return refuse(members->refusal, CODE_BAD_JSON, "alert_id", "must be text or a number");
    ret->alert_id = value->text;
    ret->alert_id_len = value->len;
    return true;
}

bool alert_read(const struct json *json, struct alert *ret, struct refusal *ret_refusal)
{
    struct members members = {.refusal = ret_refusal};
    *ret = (struct alert){.action = TRADEWIRE__V1__SIGNAL_ACTION__SIGNAL_ACTION_UNSPECIFIED};
    return find_members(json, &members) && no_placeholders(&members) &&
           read_symbol(&members, ret) && read_action(&members, ret) &&
           read_decimal(&members, VOLUME, ret->volume) && read_decimal(&members, SL, ret->sl) &&
           read_decimal(&members, TP, ret->tp) && read_time(&members, ret) &&
           read_alert_id(&members, ret);
}
