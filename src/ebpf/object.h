/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An open eBPF object that is a filter, but is not loaded into the kernel yet. */
#include "ebpf/reader.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

struct object {
	struct bpf_object *bpf;
	const struct btf *btf;
	char *rodata; /* the object's constants, which can be set until the object is loaded */
	size_t rodata_size;
	struct pst_filter_info info;
	char *verifier_log;      /* empty until the object is loaded */
	struct object_file file; /* the object's bytes; empty once it is loaded */
};

/* A constant of the object. */
struct object_var {
	const char *name;
	uint32_t id;   /* of the variable in the object's BTF */
	uint32_t type; /* ID of its type in the BTF */
	void *at;      /* points into object.rodata, maybe unaligned */
	size_t size;
};

/*
 * Finds the object of a NAME or FILE (ebpf/spec.h) and opens it. Must run in a scope of
 * capture_begin(). Returns 0, or -errno and *error. After 0 the caller must call object_fini(), and
 * free *ret_path.
 */
int object_open(const char *what, char **ret_path, struct object *ret_object,
		struct pst_error *error);
void object_fini(struct object *object);

/* Returns a string of the object's BTF, or "" if the offset is invalid. */
const char *object_word(const struct btf *btf, uint32_t offset);
/* Finds the constant number i. Returns false if there are no more. */
bool object_var(const struct object *object, unsigned int i, struct object_var *ret_var);
bool object_find_var(const struct object *object, const char *name, struct object_var *ret_var);

/*
 * A note is a BTF declaration tag of a variable. It begins with its kind; this is the kind of
 * PST_OPTION().
 */
#define OBJECT_OPTION "option: "
/*
 * Returns the text after the kind of note number i of this kind: on the constant var, or on any
 * variable if var is NULL. Returns NULL if there are no more.
 */
const char *object_note(const struct object *object, const struct object_var *var, const char *kind,
			unsigned int i);
/* Returns whether a constant is an array, which identify() treats as a text. */
bool object_is_text(const struct object *object, const struct object_var *var);
/* Returns the name of an option that is not constant and so cannot be set, or NULL. */
const char *object_variable_option(const struct object *object);
