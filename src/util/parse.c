// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parses texts of users. No state, no locks. */
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool parse_number(const char *text, int base, uint64_t *ret_number)
{
	static const char units[] = "kmg";
	unsigned int shift = 0;
	const char *unit;
	uint64_t number;
	char *end;

	/* strtoull() would accept blanks and signs. */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, base);
	if (errno)
		return false;
	unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if (*end || number > UINT64_MAX >> shift)
		return false;
	*ret_number = number << shift;
	return true;
}

bool parse_decimal(const char *text, uint64_t *ret_billionths)
{
	const uint64_t max = 1000000000;
	uint64_t whole = 0, fraction = 0, unit = 100000000;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		whole = whole * 10 + (*p - '0');
		if (whole > max)
			return false;
	}
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			fraction += (*p - '0') * unit;
	}
	/* "." alone has no digit. */
	if (*p || p == text || (p == text + 1 && *text == '.'))
		return false;
	*ret_billionths = whole * 1000000000 + fraction;
	return true;
}

char *parse_part(char **rest, char separator, bool is_last)
{
	char *start = *rest, *from = start, *to = start;

	if (!start)
		return NULL;
	while (*from && *from != separator) {
		if (*from == '\\' && from[1]) {
			if (from[1] != separator && !(is_last && from[1] == '\\'))
				*to++ = *from;
			from++;
		}
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return start;
}
