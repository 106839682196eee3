/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Parses values of options. Each function writes the value of text to *ret and returns 0; or
 * returns -errno, with the valid values in *error.
 */
#include "ebpf/takes.h"

#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * An integer of 1, 2, 4 or 8 bytes: 12, 0x1f, 0644, 4k, 16M, 2G, or a name if the option takes it.
 */
int value_integer(const char *text, const struct takes *takes, size_t size, bool is_signed,
		  void *ret, struct pst_error *error);
/* Writes such an integer in decimal to buf. */
void value_print_integer(const void *at, size_t size, bool is_signed, char *buf, size_t buf_size);
/* A part of a hundred, PST_PERCENT() of <penstock/filter.bpf.h>: 0.1, 50, 100. */
int value_percent(const char *text, uint32_t *ret, struct pst_error *error);
void value_print_percent(uint32_t value, char *buf, size_t size);
/* yes or no. */
int value_switch(const char *text, bool *ret, struct pst_error *error);
/* An error by its name, in any case, or its number. */
int value_errno(const char *text, struct pst_errno *ret, struct pst_error *error);
