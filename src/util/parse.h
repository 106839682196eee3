/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Takes apart what users write: numbers, sizes, times and lists. No locale has a say in it. */
#include <stdbool.h>
#include <stdint.h>

/*
 * Parses a whole number without a sign, which may end in k, M or G (powers of 1024). base is
 * strtoull(3)'s:
 * 0 takes 0x1f and 0644, too. False: the text is no such number, or exceeds 64 bits.
 */
bool parse_number(const char *text, int base, uint64_t *ret_number);

/*
 * Parses seconds with a fraction, as "0.25", into nanoseconds. False: no such text, or over 10^9
 * seconds.
 */
bool parse_seconds(const char *text, uint64_t *ret_ns);

/*
 * Cuts the first part off *rest, up to a separator without a backslash, and moves *rest behind it,
 * to NULL when that was the last part. Returns the part; NULL when *rest is NULL. Writes to the
 * text.
 *
 * A backslash before a separator is dropped. One before another character stays, and both
 * characters are copied; but where the part is not cut again (is_last), a backslash before a
 * backslash is dropped, too.
 */
char *parse_part(char **rest, char separator, bool is_last);
