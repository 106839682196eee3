// SPDX-License-Identifier: LGPL-2.1-or-later
/* Structs of programs that were built for another version of the library. No state, no locks. */
#include "api/struct-size.h"
#include "util/log.h"

#include <errno.h>
#include <string.h>

/* A greater size was never set by a program. */
#define MAX_SIZE (1u << 20)

/* Returns the size that the program has set, or 0 if it is that of no version. */
static size_t size_of(const void *given)
{
	size_t size;

	memcpy(&size, given, sizeof(size));
	return size > sizeof(size) && size < MAX_SIZE ? size : 0;
}

int struct_copy_in(const char *name, const void *given, void *ret_copy, size_t size,
		   struct pst_error *error)
{
	const char *bytes = given;
	size_t given_size = size_of(given);

	if (!given_size)
		return error_set(error, -EINVAL, "%s.size is not set: %s", name,
				 strcmp(name, "options") == 0 ?
					 "initialise options with PST_VIEW_OPTIONS_INIT" :
					 "set it to the size of the struct");
	for (size_t i = size; i < given_size; i++)
		if (bytes[i])
			return error_set(
				error, -E2BIG,
				"the program sets members of %s that this libpenstock does not "
				"have; use the version that it was compiled for, or a newer one",
				name);
	memset(ret_copy, 0, size);
	memcpy(ret_copy, given, given_size < size ? given_size : size);
	memcpy(ret_copy, &size, sizeof(size));
	return 0;
}

int struct_copy_out(const void *from, size_t size, void *ret_given)
{
	char *bytes = ret_given;
	size_t room = size_of(ret_given);

	if (!room)
		return -EINVAL;
	memcpy(bytes, from, room < size ? room : size);
	if (room > size)
		memset(bytes + size, 0, room - size);
	memcpy(bytes, &room, sizeof(room));
	return 0;
}
