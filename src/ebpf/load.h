/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The way of a filter from what the user wrote into the kernel. */
#include "ebpf/filter-private.h"
#include "ebpf/object.h"
#include "ebpf/option.h"
#include "ebpf/patterns.h"
#include "ebpf/program.h"
#include "ebpf/spec.h"

struct load {
	struct spec spec;
	char *path;          /* of the object */
	char *name;          /* of the filter, for people */
	char *at;            /* normalised */
	const char *pin_dir; /* in spec; NULL: none */
	struct pin *pin;     /* where maps are, or will be, pinned; NULL: nowhere */
	struct object object;
	struct options options;
	struct patterns patterns;
	struct programs programs;
};

/* Opens and configures; nothing is in the kernel yet. Good for load_fini() in any case. */
int load_open(struct load *load, const char *spec, struct pst_error *error);
/*
 * Loads for these slots, or, to see whether it can be, for none. *ret_log is what the verifier
 * said, on failure too; for free(), may be NULL.
 */
int load_finish(struct load *load, const struct filter_slots *slots, char **ret_log,
		struct pst_error *error);
void load_fini(struct load *load);

/* Options that every filter has, ended by NULL. */
extern const char *const load_engine_options[];
bool load_is_engine_option(const char *name);
/* Maps that belong to the engine, whatever the object. */
bool load_is_engine_map(const char *name);
