// SPDX-License-Identifier: LGPL-2.1-or-later
/* Values of mount options: numbers and times. */
#include "cmd/option-value.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <strings.h>

int option_parse_number(const char *text, uint64_t max, uint64_t *ret_number)
{
	static const struct {
		const char *name;
		int shift;
	} units[] = { { "", 0 }, { "K", 10 }, { "M", 20 }, { "G", 30 } };
	unsigned long long number;
	char *end = NULL;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(end, units[i].name) != 0 || number > max >> units[i].shift)
			continue;
		*ret_number = number << units[i].shift;
		return 0;
	}
	return -EINVAL;
}

int option_parse_seconds(const char *text, uint64_t *ret_ns)
{
	const uint64_t max = 1000000000;
	uint64_t seconds = 0, ns = 0, unit = 100000000;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		seconds = seconds * 10 + (*p - '0');
		if (seconds > max)
			return -ERANGE;
	}
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ns += (*p - '0') * unit;
	}
	/* A lone "." has no digits at all. */
	if (*p || p == text || (p == text + 1 && *text == '.'))
		return -EINVAL;
	*ret_ns = seconds * 1000000000 + ns;
	return 0;
}
