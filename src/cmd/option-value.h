/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Values of mount options: numbers and times. */
#include <stdint.h>

/* A whole number, with K, M or G behind it if need be. -EINVAL: it is none, or above max. */
int option_parse_number(const char *text, uint64_t max, uint64_t *ret_number);

/* Seconds with a fraction, as in "0.25", into nanoseconds; no locale has a say in it. -EINVAL, -ERANGE. */
int option_parse_seconds(const char *text, uint64_t *ret_ns);
