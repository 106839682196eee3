/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Rows of the answer of pst_probe(), and what helps to explain them. */
#include <stdbool.h>
#include <stddef.h>

struct pst_probe;

/* The answers so far: n_rows are counted, the first of them, up to room, are kept. */
struct probe {
	struct pst_probe *rows;
	size_t room;
	size_t n_rows;
};

/* Adds an answer: a name for programs, and a sentence for people. */
void probe_row(struct probe *probe, const char *name, bool on, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Whether the kernel's release is at least this one. */
bool probe_kernel_is(unsigned int major, unsigned int minor);
