/* Places in an SQL text. Pure. */
#pragma once

#include <stddef.h>

/* Byte offset at which statement number n (from 0) begins, or len when there are fewer. Semicolons
 * in quotes, dollar quotes and comments end nothing; empty statements do not count, as the server
 * reports none. */
size_t position_statement(const char *text, size_t len, unsigned n);

/* Line and column, from 1, the column in characters. offset <= the text's length. */
void position_of_byte(const char *text, size_t offset, unsigned *ret_line, unsigned *ret_column);
/* The same for a place counted in UTF-8 characters from 0, as the server counts. */
void position_of_character(const char *text, size_t len, size_t character, unsigned *ret_line,
                           unsigned *ret_column);
