/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads filter objects in a process of its own, so that a hang or crash does no harm. */
#include <penstock/penstock.h>
#include <stddef.h>

struct object_file {
	char *path; /* the real path of the object, on the heap */
	void *memory;
	size_t memory_size;
	const void *bytes; /* the whole object, in memory */
	size_t size;
};

/*
 * Finds the object of a NAME or FILE (ebpf/spec.h), reads it once, and checks that libbpf can open
 * these bytes. Takes 10 seconds at most. Returns 0, or -errno and *error. After 0 the caller must
 * call object_file_fini().
 */
int reader_read(const char *what, struct object_file *ret_file, struct pst_error *error);
void object_file_fini(struct object_file *file);

/*
 * Checks, in the child, that libbpf can open these bytes (object.c). Returns 0, or -errno with
 * *error set.
 */
int object_try(const char *path, const void *bytes, size_t size, struct pst_error *error);
