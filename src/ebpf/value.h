/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Values of options that are numbers and the like. Each of these puts what text says to *ret, or
 * returns -errno and says in *error what it would have taken.
 */
#include "ebpf/takes.h"

#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

/* A number of 1, 2, 4 or 8 bytes: decimal, 0x1f, 0644, 4k, 16M, 2G. */
int value_integer(const char *text, const struct takes *takes, size_t size, bool is_signed,
		  void *ret, struct pst_error *error);
/* Likewise in decimal. */
void value_print_integer(const void *at, size_t size, bool is_signed, char *buf, size_t buf_size);
/* yes or no. */
int value_switch(const char *text, bool *ret, struct pst_error *error);
/* An error by its name or number. */
int value_errno(const char *text, struct pst_errno *ret, struct pst_error *error);
/* A list, which is written to. */
int value_ids(char *list, const struct takes *takes, struct pst_ids *ret, struct pst_error *error);
