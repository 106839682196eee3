/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The SPEC of a filter, which users write: "NAME|FILE[,option=value...]". */
#include "util/cleanup.h"

#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

struct spec_option {
	char *name;
	char *value; /* NULL if there was no '=' */
};

struct spec {
	char *what; /* NAME or FILE */
	struct spec_option *options;
	size_t n_options;
};

/* Parses text. Returns 0, or -errno and *error. After 0 the caller must call spec_fini(). */
int spec_parse(const char *text, struct spec *ret_spec, struct pst_error *error);
void spec_fini(struct spec *spec);

/*
 * Finds the object of a NAME or FILE. Returns 0, or -errno and *error. After 0 the caller frees
 * *ret_path, the path of the object.
 */
int spec_find(const char *what, char **ret_path, struct pst_error *error);
/*
 * Lists the names of all filters that spec_find() finds by a NAME, sorted, each once. Returns 0 or
 * -ENOMEM. After 0 the caller must call spec_names_fini().
 */
struct spec_names {
	char **rows;
	size_t n;
};
int spec_names(struct spec_names *ret_names);
void spec_names_fini(struct spec_names *names);
/*
 * Returns the default name of a filter: the last component of its object's path without ".bpf.o" or
 * ".o". The caller frees it. Returns NULL if out of memory.
 */
char *spec_name(const char *path);
