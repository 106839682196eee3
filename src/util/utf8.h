/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Escapes for texts of any bytes. File names have no encoding and may contain any byte except '/'
 * and NUL, but JSON is UTF-8, and terminals execute control characters. In JSON, each byte that is
 * not part of a valid UTF-8 character becomes \xHH, with two lower-case hexadecimal digits. A
 * backslash before an x also becomes \x5c, so that readers can tell it from an escape. All other
 * characters stay.
 */
#include <stddef.h>
#include <stdio.h>

/*
 * Returns the number of bytes of the character at text, 1 to 4; 0 if the bytes are no valid
 * character, or at the end of the text.
 */
size_t utf8_char(const char *text);

/*
 * Returns whether JSON needs \xHH for the byte at text, which must not be in the middle of a valid
 * character: the caller goes from character to character by utf8_char().
 */
int utf8_must_escape(const char *text);

/* Returns a copy of the text with \xHH escapes, which the caller frees; NULL if out of memory. */
char *utf8_escape(const char *text);
/* Replaces \xHH escapes by their bytes, in place. */
void utf8_unescape(char *text);

/*
 * Writes a text to a file or terminal. Control characters become octal escapes (\033), bytes that
 * are not part of a valid character become \xHH.
 */
void utf8_print(FILE *file, const char *text);
