/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Parses numbers, sizes, times and lists that users write. The locale has no effect. */
#include <stdbool.h>
#include <stdint.h>

/*
 * Parses a whole number without a sign, which may end in k, M or G (powers of 1024). base is as for
 * strtoull(3): with 0 the text may be 0x1f or 0644. Returns false if the text has another form or
 * the number exceeds 64 bits.
 */
bool parse_number(const char *text, int base, uint64_t *ret_number);

/*
 * Parses a number with a fraction, such as "0.25", into billionths: seconds into nanoseconds.
 * Returns false if the text has another form or exceeds 10^9. Drops digits after the ninth.
 */
bool parse_decimal(const char *text, uint64_t *ret_billionths);

/*
 * Cuts the first part off *rest, up to a separator without a backslash, and moves *rest after that
 * separator, or sets *rest to NULL after the last part. Returns the part, or NULL if *rest is NULL.
 * Changes the text: puts a NUL after the part, and drops backslashes.
 *
 * A backslash before a separator is dropped. A backslash before another character stays; but if
 * the part will not be cut again (is_last), a backslash before a backslash is dropped, too.
 */
char *parse_part(char **rest, char separator, bool is_last);
