/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads filter objects: in a program of its own, which may hang or crash without harm. */
#include <penstock/penstock.h>
#include <stddef.h>

struct object_file {
	char *path; /* heap; the real path of the object */
	void *memory;
	size_t memory_size;
	const void *bytes; /* in memory: all of the object, as it was tried */
	size_t size;
};

/*
 * Finds the object that what (NAME or FILE, see ebpf/spec.h) stands for, reads it once, and tries
 * whether libbpf can open it. The bytes that were tried are the bytes that were read. Takes 10
 * seconds at most. 0 or
 * -errno, *error; *ret_file is for object_file_fini().
 */
int reader_read(const char *what, struct object_file *ret_file, struct pst_error *error);
void object_file_fini(struct object_file *file);

/* For the program that reads: object.c tries these bytes. 0 or -errno, *error. */
int object_try(const char *path, const void *bytes, size_t size, struct pst_error *error);
