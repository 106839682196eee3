// SPDX-License-Identifier: LGPL-2.1-or-later
/* Parses values of options: numbers, switches, errors. */
#include "ebpf/value.h"
#include "ebpf/value-ids.h"
#include "util/log.h"
#include "util/parse.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The largest errno that a verdict and a FUSE reply can have; all errnos with names are smaller. */
#define MAX_ERRNO 511

/* Returns where the low bytes of a number of that size begin in an uint64_t. */
static size_t low_bytes(size_t size)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : sizeof(uint64_t) - size;
}

/* 100 percent, PST_PERCENT_ALL of <penstock/filter.bpf.h>; its unit is so many billionths. */
#define PERCENT_ALL 1000000u
#define BILLIONTHS  100000u

int value_percent(const char *text, uint32_t *ret, struct pst_error *error)
{
	uint64_t number;

	if (!parse_decimal(text, &number) || number < BILLIONTHS || number % BILLIONTHS ||
	    number / BILLIONTHS > PERCENT_ALL)
		return error_set(error, -EINVAL,
				 "give a number of percent, above 0 and up to 100, with at most "
				 "four decimals, such as 0.1");
	*ret = (uint32_t)(number / BILLIONTHS);
	return 0;
}

void value_print_percent(uint32_t value, char *buf, size_t size)
{
	const uint32_t one = PERCENT_ALL / 100;
	int n = snprintf(buf, size, "%u.%04u", value / one, value % one);

	while (n > 0 && (size_t)n < size && buf[n - 1] == '0')
		buf[--n] = '\0';
	if (n > 0 && (size_t)n < size && buf[n - 1] == '.')
		buf[n - 1] = '\0';
}

void value_print_integer(const void *at, size_t size, bool is_signed, char *buf, size_t buf_size)
{
	unsigned int spare = 64 - 8 * size;
	uint64_t value = 0;

	memcpy((char *)&value + low_bytes(size), at, size);
	if (is_signed)
		snprintf(buf, buf_size, "%" PRId64, (int64_t)(value << spare) >> spare);
	else
		snprintf(buf, buf_size, "%" PRIu64, value);
}

int value_integer(const char *text, const struct takes *takes, size_t size, bool is_signed,
		  void *ret, struct pst_error *error)
{
	uint64_t max = UINT64_MAX >> (64 - 8 * size + is_signed), number;
	bool negative = is_signed && *text == '-';
	bool is_name = takes_account(takes) && !isdigit((unsigned char)*text) && !negative, ok;

	if (is_name) {
		int r = value_account(text, takes, &number, error);

		if (r < 0)
			return r;
	}
	ok = is_name || parse_number(text + negative, 0, &number);
	/* Two's complement has one more number below zero than above. */
	ok = ok && number <= max + negative;
	if (ok && negative)
		number = -number;
	if (ok && takes_number(takes, number, negative)) {
		memcpy(ret, (char *)&number + low_bytes(size), size);
		return 0;
	}
	if (takes->has_range)
		return error_set(error, -EINVAL,
				 "give a number from %" PRId64 " to %" PRId64
				 ", which may end in k, M or G",
				 takes->min, takes->max);
	return error_set(error, -EINVAL,
			 "give a number from %" PRId64 " to %" PRIu64
			 ", which may end in k, M or G",
			 is_signed ? -(int64_t)max - 1 : 0, max);
}

int value_switch(const char *text, bool *ret, struct pst_error *error)
{
	static const char *const yes[] = { "yes", "on", "true", "1" };
	static const char *const no[] = { "no", "off", "false", "0" };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		bool is_yes = strcasecmp(text, yes[i]) == 0;

		if (is_yes || strcasecmp(text, no[i]) == 0) {
			*ret = is_yes;
			return 0;
		}
	}
	return error_set(
		error, -EINVAL,
		"give yes or no (also on, off, true, false, 1, 0); the option's name alone "
		"means yes");
}

int value_errno(const char *text, struct pst_errno *ret, struct pst_error *error)
{
	uint64_t number;

	if (!parse_number(text, 0, &number))
		for (number = 1; number <= MAX_ERRNO; number++) {
			const char *name = strerrorname_np((int)number);

			if (name && strcasecmp(text, name) == 0)
				break;
		}
	if (number < 1 || number > MAX_ERRNO)
		return error_set(
			error, -EINVAL,
			"give the name of an error, such as ENOSPC, or its number, from 1 to %d",
			MAX_ERRNO);
	ret->number = (int32_t)number;
	return 0;
}
