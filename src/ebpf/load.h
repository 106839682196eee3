/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Loads the filter of a SPEC that a user has written. */
#include "ebpf/filter.h"
#include "ebpf/object.h"
#include "ebpf/option.h"
#include "ebpf/patterns.h"
#include "ebpf/pin.h"
#include "ebpf/program.h"
#include "ebpf/spec.h"
#include "machine/machine.h"

struct load {
	struct spec spec;
	char *path;          /* of the object */
	char *name;          /* of the filter: the object's, or that of name= */
	char *at;            /* the path of at=, normalised; "" for the root of the view */
	uint32_t keep;       /* the value of keep=, or 0 */
	const char *pin_dir; /* the value of pin=, in spec; or NULL */
	struct pin *pin;     /* the directory of pin=; or NULL */
	struct object object;
	struct options options;
	struct patterns patterns;
	struct programs programs;
	struct machine *machine; /* if the filter runs in this process; else NULL */
};

struct runner;

/*
 * Opens the object and sets its options, but does not load it. The caller zeroes
 * *load before, and must call load_fini() even after a failure. Returns 0, or -errno and *error.
 */
int load_open(struct load *load, const char *spec, struct pst_error *error);
/*
 * Loads the filter for these slots where the runner runs it. If slots is NULL, loads it only to
 * find out if that is possible. Returns 0, or -errno and *error. In both cases
 * load->object.verifier_log has the verifier's log, which is empty if the kernel was not asked.
 */
int load_finish(struct load *load, const struct runner *runner, const struct filter_slots *slots,
		struct pst_error *error);
void load_fini(struct load *load);
