/* Places in an SQL text. Pure. */
#pragma once

#include <stddef.h>

/* Byte offset at which statement number n (from 0) begins, or len when there are fewer. Empty
 * statements do not count, as the server reports none. */
size_t position_statement(const char *text, size_t len, unsigned n);

/* Line and column, from 1, the column in characters. offset <= the text's length. */
void position_of_byte(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_column);

/* Byte offset of a place counted in UTF-8 characters from 0, as the server counts; at most len. */
size_t position_byte(const char *text, size_t len, size_t character);

/* Where the line begins that the byte belongs to, and its length without the line end. */
size_t position_line(const char *text, size_t len, size_t offset, size_t *ret_len);
