/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Rows of the result of pst_probe(). */
#include <stdbool.h>
#include <stddef.h>

struct pst_probe;

/* The rows that were added: n_rows is their number, and *rows has the first ones, at most room. */
struct probe {
	struct pst_probe *rows;
	size_t room;
	size_t n_rows;
};

/* Adds a row: the name of a feature, which must be a constant, and a sentence for users. */
void probe_row(struct probe *probe, const char *name, bool on, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Returns true if the kernel has at least this release. */
bool probe_kernel_is(unsigned int major, unsigned int minor);
