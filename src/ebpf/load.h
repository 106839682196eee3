/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Turns the SPEC that a user wrote into a filter in the kernel. */
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
	char *name;          /* of the filter, for users */
	char *at;            /* normalised */
	const char *pin_dir; /* in spec; NULL: none */
	struct pin *pin;     /* where maps are pinned, or will be; NULL: nowhere */
	struct object object;
	struct options options;
	struct patterns patterns;
	struct programs programs;
};

/*
 * Opens the object and sets its options; nothing is in the kernel yet. Returns 0, or -errno with
 * *error set. *load, which is zero before, is for load_fini() in both cases.
 */
int load_open(struct load *load, const char *spec, struct pst_error *error);
/*
 * Loads the filter for these slots, or, with NULL, only to find out whether the kernel accepts it.
 * Returns 0, or -errno with *error set. In both cases load->object.verifier_log has the verifier's
 * log.
 */
int load_finish(struct load *load, const struct filter_slots *slots, struct pst_error *error);
void load_fini(struct load *load);
