/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Loads the filter of a SPEC that a user has written into the kernel. */
#include "ebpf/filter.h"
#include "ebpf/object.h"
#include "ebpf/option.h"
#include "ebpf/patterns.h"
#include "ebpf/pin.h"
#include "ebpf/program.h"
#include "ebpf/spec.h"

struct load {
	struct spec spec;
	char *path;          /* of the object */
	char *name;          /* of the filter: the object's, or that of name= */
	char *at;            /* the path of at=, normalised; "" for the root of the view */
	const char *pin_dir; /* the value of pin=, in spec; or NULL */
	struct pin *pin;     /* the directory of pin=; or NULL */
	struct object object;
	struct options options;
	struct patterns patterns;
	struct programs programs;
};

/*
 * Opens the object and sets its options, but does not load it into the kernel. The caller zeroes
 * *load before, and must call load_fini() even after a failure. Returns 0, or -errno and *error.
 */
int load_open(struct load *load, const char *spec, struct pst_error *error);
/*
 * Loads the filter for these slots. If slots is NULL, loads it only to find out if the kernel
 * accepts it. Returns 0, or -errno and *error. In both cases load->object.verifier_log has the
 * verifier's log.
 */
int load_finish(struct load *load, const struct filter_slots *slots, struct pst_error *error);
void load_fini(struct load *load);
