/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An eBPF object that has been opened and found to be a filter, but is not in the kernel yet. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

struct object {
	struct bpf_object *bpf;
	const struct btf *btf;
	char *rodata; /* its constants, which can be set until it is loaded */
	size_t rodata_size;
	struct pst_filter_info info;
	char *verifier_log; /* what the verifier says when it is loaded */
};

/* A constant of the object. */
struct object_var {
	const char *name;
	uint32_t id;   /* of itself, in the object's BTF */
	uint32_t type; /* likewise */
	void *at;
	size_t size;
};

/*
 * Opens the object that what stands for, see ebpf/spec.h. Wants what libbpf says to be captured. On
 * success *ret_object is for object_fini(), *ret_path for free().
 */
int object_open(const char *what, char **ret_path, struct object *ret_object,
		struct pst_error *error);
void object_fini(struct object *object);

/* A word of the object's BTF; "" where the offset is none. */
const char *object_word(const struct btf *btf, uint32_t offset);
/* The constant of that number; false: there are no more. */
bool object_var(const struct object *object, unsigned int i, struct object_var *ret_var);
bool object_find_var(const struct object *object, const char *name, struct object_var *ret_var);
/*
 * Note number i of a kind ("takes: ") that the programmer has put on a constant, or, with NULL, on
 * any: the text behind the kind. NULL: there are no more.
 */
const char *object_note(const struct object *object, const struct object_var *var, const char *kind,
			unsigned int i);
/* What the programmer noted on a constant: the text behind "option: ". NULL: it is no option. */
const char *object_option_help(const struct object *object, const struct object_var *var);
/* Whether it says what the maps mean (PST_OF_MAPS); whether it is a text. */
bool object_is_of_maps(const struct object *object, const struct object_var *var);
bool object_is_text(const struct object *object, const struct object_var *var);
/* An option that is no constant, and so could be changed but not set; NULL: there is none. */
const char *object_variable_option(const struct object *object);
