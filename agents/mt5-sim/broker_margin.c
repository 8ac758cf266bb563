/* Profit and margin, in cents of USD. Every symbol is either quoted in USD or has USD as its base.
 */
#include "broker.h"

static int64_t power_of_ten(unsigned digits)
{
    int64_t power = 1;
    while (digits-- > 0)
        power *= 10;
    return power;
}

/* Rounded half away from zero. */
static int64_t divide(__int128 dividend, __int128 divisor)
{
    __int128 half = divisor / 2;
    return (int64_t)((dividend < 0 ? dividend - half : dividend + half) / divisor);
}

int64_t broker_profit_of(const struct broker *broker, int symbol, bool sell, int64_t volume,
                         int64_t open_points, int64_t close_points)
{
    const struct market_symbol *s = &broker->market->symbols[symbol];
    int64_t points = sell ? open_points - close_points : close_points - open_points;
    /* volume is in 1/100 lot and the result in 1/100 USD: the hundreds cancel out */
    __int128 quoted = (__int128)points * volume * s->contract;
    if (s->base_is_usd) /* profit is in the quote currency: divided by the price */
        return divide(quoted, close_points);
    return divide(quoted, power_of_ten(s->digits));
}

int64_t broker_profit_cents(const struct broker *broker, const struct broker_position *position)
{
    struct market_quote quote = market_quote_of(broker->market, position->symbol);
    return broker_profit_of(broker, position->symbol, position->sell, position->volume,
                            position->open_points,
                            position->sell ? quote.ask_points : quote.bid_points);
}

int64_t broker_floating_cents(const struct broker *broker)
{
    int64_t sum = 0;
    for (size_t i = 0; i < broker->position_count; i++)
        sum += broker_profit_cents(broker, &broker->positions[i]);
    return sum;
}

int64_t broker_margin_cents(const struct broker *broker, int symbol, int64_t volume)
{
    const struct market_symbol *s = &broker->market->symbols[symbol];
    __int128 units = (__int128)volume * s->contract; /* of the base, in hundredths */
    if (s->base_is_usd)
        return divide(units, BROKER_LEVERAGE);
    return divide(units * s->mid_points, (__int128)power_of_ten(s->digits) * BROKER_LEVERAGE);
}

int64_t broker_margin_used_cents(const struct broker *broker)
{
    int64_t sum = 0;
    for (size_t i = 0; i < broker->position_count; i++)
        sum +=
            broker_margin_cents(broker, broker->positions[i].symbol, broker->positions[i].volume);
    return sum;
}
