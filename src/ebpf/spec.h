/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What users write to ask for a filter: "NAME|FILE[,option=value...]". */
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

/* Takes text apart. On success *ret_spec is for spec_fini(). */
int spec_parse(const char *text, struct spec *ret_spec, struct pst_error *error);
void spec_fini(struct spec *spec);

/* Where the object of a NAME or FILE is; *ret_path is for free(). */
int spec_find(const char *what, char **ret_path, struct pst_error *error);
/* The name of a filter whose object is called so: the last part, without ".bpf.o" or ".o". */
char *spec_name(const char *path);
