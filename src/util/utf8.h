/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Escapes for texts of any bytes. File names have no encoding and may hold any byte except '/' and
 * NUL, but JSON is UTF-8, and terminals execute control characters. In JSON, a byte that belongs to
 * no valid UTF-8 character is written \xHH, with two lower-case hexadecimal digits, and so is a
 * backslash before an x. All other characters stand for themselves.
 */
#include <stddef.h>
#include <stdio.h>

/* Returns the number of bytes of the character at text, 1 to 4; 0: it is invalid, or the end. */
size_t utf8_char(const char *text);

/*
 * Returns whether JSON needs \xHH for the byte at text, which must not be in the middle of a valid
 * character: the caller goes from character to character by utf8_char().
 */
int utf8_must_escape(const char *text);

/* Returns the text with \xHH escapes, for free(); NULL: no memory. */
char *utf8_escape(const char *text);
/* Replaces \xHH escapes by their bytes, in place. */
void utf8_unescape(char *text);

/*
 * Writes a text to a file or terminal. Control characters become octal (\033), bytes that belong to
 * no valid character \xHH.
 */
void utf8_print(FILE *file, const char *text);
