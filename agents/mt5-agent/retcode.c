/* The class table of trade return codes. */
#include "retcode.h"

#include <stddef.h>

#define OK RETCODE_CLASS_OK
#define ACK RETCODE_CLASS_ACK
#define PRICE RETCODE_CLASS_PRICE
#define WAIT RETCODE_CLASS_WAIT
#define STOP RETCODE_CLASS_STOP
#define LOOK RETCODE_CLASS_LOOK
#define CLOSED RETCODE_CLASS_CLOSED
#define ASK RETCODE_CLASS_ASK

/* code, name, class, class when spent, retries, pause in ms */
static const struct retcode_rule rules[] = {
    {10004, "REQUOTE", PRICE, STOP, RETCODE_RETRIES_MAX, 0},
    {10006, "REJECT", LOOK, STOP, 0, 0},
    {10007, "CANCEL", STOP, STOP, 0, 0},
    {10008, "PLACED", ACK, ASK, 0, 0}, /* market orders only are sent: the deal is to come */
    {10009, "DONE", OK, OK, 0, 0},
    {10010, "DONE_PARTIAL", OK, OK, 0, 0}, /* the remainder is never sent */
    {10011, "ERROR", ASK, ASK, 0, 0},
    {10012, "TIMEOUT", ASK, ASK, 0, 0},
    {10013, "INVALID", STOP, STOP, 0, 0},
    {10014, "INVALID_VOLUME", STOP, STOP, 0, 0},
    {10015, "INVALID_PRICE", PRICE, STOP, 1, 0},
    {10016, "INVALID_STOPS", STOP, STOP, 0, 0},
    {10017, "TRADE_DISABLED", STOP, STOP, 0, 0},
    {10018, "MARKET_CLOSED", CLOSED, STOP, 0, 0},
    {10019, "NO_MONEY", STOP, STOP, 0, 0},
    {10020, "PRICE_CHANGED", PRICE, STOP, RETCODE_RETRIES_MAX, 0},
    {10021, "PRICE_OFF", PRICE, STOP, RETCODE_RETRIES_MAX, 200},
    {10022, "INVALID_EXPIRATION", STOP, STOP, 0, 0},
    {10023, "ORDER_CHANGED", ASK, ASK, 0, 0},
    {10024, "TOO_MANY_REQUESTS", WAIT, STOP, RETCODE_RETRIES_MAX, 1000},
    {10025, "NO_CHANGES", ASK, ASK, 0, 0}, /* means nothing for a market order: look */
    {10026, "SERVER_DISABLES_AT", STOP, STOP, 0, 0},
    {10027, "CLIENT_DISABLES_AT", STOP, STOP, 0, 0},
    {10028, "LOCKED", WAIT, ASK, RETCODE_RETRIES_MAX, 1000},
    {10029, "FROZEN", WAIT, STOP, RETCODE_RETRIES_MAX, 1000},
    {10030, "INVALID_FILL", STOP, STOP, 0, 0}, /* the terminal has tried every mode it may */
    {10031, "CONNECTION", ASK, ASK, 0, 0},     /* after sending; before it nothing is sent */
    {10032, "ONLY_REAL", STOP, STOP, 0, 0},
    {10033, "LIMIT_ORDERS", STOP, STOP, 0, 0},
    {10034, "LIMIT_VOLUME", STOP, STOP, 0, 0},
    {10035, "INVALID_ORDER", STOP, STOP, 0, 0},
    {10036, "POSITION_CLOSED", STOP, STOP, 0, 0},
    {10038, "INVALID_CLOSE_VOLUME", STOP, STOP, 0, 0},
    {10039, "CLOSE_ORDER_EXIST", ASK, ASK, 0, 0},
    {10040, "LIMIT_POSITIONS", STOP, STOP, 0, 0},
    {10041, "REJECT_CANCEL", STOP, STOP, 0, 0},
    {10042, "LONG_ONLY", STOP, STOP, 0, 0},
    {10043, "SHORT_ONLY", STOP, STOP, 0, 0},
    {10044, "CLOSE_ONLY", STOP, STOP, 0, 0},
    {10045, "FIFO_CLOSE", STOP, STOP, 0, 0}, /* positions are closed oldest first already */
    {10046, "HEDGE_PROHIBITED", STOP, STOP, 0, 0},
};

/* Where a close differs. */
static const struct retcode_rule closing_rules[] = {
    {10036, "POSITION_CLOSED", ASK, ASK, 0, 0}, /* already closed: the real closing deal is found */
};

static const struct retcode_rule unknown = {0, "UNKNOWN", ASK, ASK, 0, 0};

static const struct retcode_rule *find(const struct retcode_rule *table, size_t count,
                                       uint32_t retcode)
{
    for (size_t i = 0; i < count; i++)
        if (table[i].retcode == retcode)
            return &table[i];
    return NULL;
}

const struct retcode_rule *retcode_rule(uint32_t retcode, bool closing)
{
    const struct retcode_rule *rule = NULL;
    if (closing)
        rule = find(closing_rules, sizeof closing_rules / sizeof closing_rules[0], retcode);
    if (rule == NULL)
        rule = find(rules, sizeof rules / sizeof rules[0], retcode);
    return rule == NULL ? &unknown : rule;
}

uint32_t retcode_pause_ms(const struct retcode_rule *rule, uint32_t retry)
{
    if (rule->class != RETCODE_CLASS_WAIT || retry < 2)
        return rule->pause_ms;
    return rule->pause_ms << (retry - 1);
}
