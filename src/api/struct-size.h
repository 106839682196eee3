/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Structs of programs that were built for another version of the library. Their first member is
 * their size, and later versions add members at the end only.
 */
#include <penstock/penstock.h>

/*
 * Copies *given, a struct of the program, to *ret_copy, a struct of size bytes: sets its size, and
 * members that the program's version lacks to 0. name is for messages. Returns 0; -E2BIG and *error
 * if the program has set a member that this library lacks; -EINVAL and *error if the size of *given
 * is that of no version. Copies pointers, not what they point to.
 */
int struct_copy_in(const char *name, const void *given, void *ret_copy, size_t size,
		   struct pst_error *error);

/*
 * Copies a struct of size bytes to *ret_given, a struct of the program, as far as it has room. Sets
 * members that this library lacks to 0. Returns 0, or -EINVAL if the size of *ret_given is that of
 * no version.
 */
int struct_copy_out(const void *from, size_t size, void *ret_given);
