/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Names of files have no encoding: any bytes but '/' and NUL. JSON is UTF-8, and a terminal takes
 * some bytes for commands. So in JSON a byte that belongs to no valid character is written \xHH,
 * with two small hexadecimal digits, and so is a backslash that stands before an x in the name. All
 * else is as it is.
 */
#include <stddef.h>
#include <stdio.h>

/* Bytes of the character that begins at text: 1 to 4; 0 where no valid one does, or at the end. */
size_t utf8_char(const char *text);

/*
 * Whether \xHH has to be written for the byte at text. Bytes of valid characters have to be skipped
 * by utf8_char().
 */
int utf8_must_escape(const char *text);

/* The text with \xHH, for free(); NULL: no memory. */
char *utf8_escape(const char *text);
/* Takes \xHH back, in place. */
void utf8_unescape(char *text);

/*
 * Appends a text to a buffer of that size and length, and returns the new length. What a terminal
 * takes for a command is written as \033, bytes that are no valid character as \xHH.
 */
size_t utf8_append_printable(char *buf, size_t size, size_t length, const char *text);
void utf8_print(FILE *file, const char *text);
