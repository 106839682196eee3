/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An eBPF object that was opened and is a filter, but is not in the kernel yet. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>

struct object {
	struct bpf_object *bpf;
	const struct btf *btf;
	char *rodata; /* its constants; they can be set until the object is loaded */
	size_t rodata_size;
	struct pst_filter_info info;
	char *verifier_log; /* empty until the object is loaded */
};

/* A constant of the object. */
struct object_var {
	const char *name;
	uint32_t id;   /* in the object's BTF */
	uint32_t type; /* id of its type there */
	void *at;      /* in object.rodata; need not be aligned */
	size_t size;
};

/*
 * Finds the object of a NAME or FILE (ebpf/spec.h) and opens it. Call it in a scope of
 * capture_begin(). Returns 0, with *ret_object for object_fini() and *ret_path for free(); or
 * -errno with *error set.
 */
int object_open(const char *what, char **ret_path, struct object *ret_object,
		struct pst_error *error);
void object_fini(struct object *object);

/* Returns a word of the object's BTF; "" if the offset is invalid. */
const char *object_word(const struct btf *btf, uint32_t offset);
/* Finds the constant number i. Returns false if there are no more. */
bool object_var(const struct object *object, unsigned int i, struct object_var *ret_var);
bool object_find_var(const struct object *object, const char *name, struct object_var *ret_var);

/* The kind of the notes that PST_OPTION() puts on constants. */
#define OBJECT_OPTION "option: "
/*
 * Returns note number i of a kind that the programmer has put on a constant, or with NULL on any
 * variable: the text behind the kind. NULL: there are no more.
 */
const char *object_note(const struct object *object, const struct object_var *var, const char *kind,
			unsigned int i);
/* Returns whether a constant is an array, which identify() takes for a text. */
bool object_is_text(const struct object *object, const struct object_var *var);
/* Returns the name of an option that is not constant, so it cannot be set; NULL: there is none. */
const char *object_variable_option(const struct object *object);
