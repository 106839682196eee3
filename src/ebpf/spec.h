/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The SPEC of a filter, which users write: "NAME|FILE[,option=value...]". */
#include "util/cleanup.h"

#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

struct spec_option {
	char *name;
	char *value; /* NULL: there was no '=' */
};

struct spec {
	char *what; /* NAME or FILE */
	struct spec_option *options;
	size_t n_options;
};

/* Parses text. Returns 0, with *ret_spec for spec_fini(), or -errno with *error set. */
int spec_parse(const char *text, struct spec *ret_spec, struct pst_error *error);
void spec_fini(struct spec *spec);

/*
 * Finds the object of a NAME or FILE. Returns 0, with its path in *ret_path, for free(), or -errno
 * with *error set.
 */
int spec_find(const char *what, char **ret_path, struct pst_error *error);
/*
 * Returns the default name of a filter: the last component of its object's path without ".bpf.o" or
 * ".o". For free(); NULL: no memory.
 */
char *spec_name(const char *path);
