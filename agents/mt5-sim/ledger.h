/* The ledger: what the simulated broker accepted, as JSON lines, one per order, appended with one
 * write(2) before the terminal answers. It outlives kill -9 of everything; tests judge by it.
 *
 * Members: ticket (the order's, text), deal, position, closes (text; closes: the position a closing
 * order named), login (text), magic (number), comment, symbol, side, volume (filled, lots),
 * requested_volume, price, sl, tp (0: none), entry (in, out, inout), profit (USD), time (UTC,
 * ISO 8601, µs). Decimals are text. */
#pragma once

#include "broker.h"

#include "svc/buffer.h"

struct ledger;

/* Open or make the file, lock it against a second simulator, and apply every line to the broker. A
 * last line that a kill cut short was never answered and is cut off (*ret_cut_bytes > 0).
 * SVC_REJECT  a line that is not ours, of another account or of a symbol that is not traded
 * SVC_AGAIN   locked by another simulator.   SVC_FATAL  cannot be opened or read. */
enum svc_rc ledger_open(const char *path, struct broker *broker, struct ledger **ret_ledger,
                        size_t *ret_cut_bytes, struct svc_error *err) SVC_CHECK;
void ledger_close(struct ledger **ledger);
/* SVC_FATAL: not written whole; the order must not be answered as accepted. */
enum svc_rc ledger_append(struct ledger *ledger, const struct broker *broker,
                          const struct broker_deal *deal, struct svc_error *err) SVC_CHECK;

/* One line with its line end, and back. Core. */
void ledger_line(const struct broker *broker, const struct broker_deal *deal,
                 struct svc_buffer *ret);
enum svc_rc ledger_parse(const struct broker *broker, const char *line, size_t len,
                         struct broker_deal *ret_deal, struct svc_error *err) SVC_CHECK;
