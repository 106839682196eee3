/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include "node/fhandle.h"

#include <string.h>

/* Returns whether two file handles are the same. */
static inline bool fhandle_equal(const struct fhandle *a, const struct fhandle *b)
{
	return a->len == b->len && a->type == b->type && a->mount == b->mount &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}
