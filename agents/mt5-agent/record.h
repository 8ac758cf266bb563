/* The journal's records and their text. Core.
 *
 * A line is `<length> <crc> <seq> <flushed> <kind> <json>\n`: length (6 hex digits) and CRC-32C (8)
 * are those of everything behind them up to the line end; seq numbers the records, ascending;
 * flushed is the last seq that was known to be on the disk when the line was made. The first line
 * is the header, kind JOURNAL. */
#pragma once

#include "svc/buffer.h"
#include "svc/text.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    RECORD_LINE_MAX = 4096,
    RECORD_SYMBOL_TEXT = 65, /* 64 bytes and the NUL */
    RECORD_DECIMAL_TEXT = 41,
    RECORD_CODE_TEXT = 32,
    RECORD_TOKEN_TEXT = 14,
};

enum record_kind {
    RECORD_JOURNAL, /* first line, and last of a compaction: journal_id */
    RECORD_RECV,    /* an effect was offered: epoch, job_seq, expires, closing, terminal_only */
    RECORD_INTENT,  /* a step will be sent: everything from step to server_time */
    RECORD_SENT,    /* it left for the terminal */
    RECORD_DONE,    /* a step's end: executed (filled > 0), or its position closed by another order
                       (filled 0, retcode 10036, order and deal the other's), or code; step 0: the
                       job's, never sent */
    RECORD_ACKED,   /* the report is durable elsewhere: epoch */
    RECORD_VOID,    /* epochs up to this one are refused for ever: epoch, code, ready */
};

struct record { /* members that a kind does not use are zero */
    enum record_kind kind;
    uint64_t seq;
    char job_id[SVC_UUID_TEXT]; /* header: journal_id */
    int64_t at_unix_us;         /* corrected clock */
    uint64_t epoch;
    uint64_t job_seq; /* of the offer; 0: not said, or written before offers said it */
    int64_t expires_unix_us, ready_unix_us;
    bool closing, terminal_only;
    uint32_t step;
    uint64_t magic, close_position; /* ticket to close, 0: opens */
    char token[RECORD_TOKEN_TEXT];
    char symbol[RECORD_SYMBOL_TEXT];
    bool sell;
    char volume[RECORD_DECIMAL_TEXT]; /* asked for */
    int64_t server_time_us;           /* trade server's wall clock, 0: not known */
    uint32_t retcode;
    uint64_t order, deal, position;
    char price[RECORD_DECIMAL_TEXT], filled[RECORD_DECIMAL_TEXT];
    char bid[RECORD_DECIMAL_TEXT], ask[RECORD_DECIMAL_TEXT], profit[RECORD_DECIMAL_TEXT];
    char code[RECORD_CODE_TEXT];
};

uint32_t record_crc32c(const void *bytes, size_t len);
/* Append the record's line to ret. */
void record_print(const struct record *record, uint64_t flushed_seq, struct svc_buffer *ret);
/* One line at the beginning of `bytes`. Returns its length with the line end and fills the rest, or
 * 0 when no whole, sound line begins there. */
size_t record_parse(const char *bytes, size_t len, struct record *ret_record,
                    uint64_t *ret_flushed_seq);
