/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Ownership by scope: a local variable that owns a resource is declared with _cleanup_() and a
 * destructor, which runs when the variable goes out of scope; take_ptr() and take_fd() pass
 * ownership on. So every failure is a bare return.
 */
#include <stdlib.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* Passes ownership on: returns the value of p and sets p to NULL. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) *take_pp_ = &(p);                                                    \
		__typeof__(p) take_v_ = *take_pp_;                                                 \
		*take_pp_ = NULL;                                                                  \
		take_v_;                                                                           \
	})

/* Returns the descriptor and sets *fd to -1. */
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Defines name_freep() for a local `struct name *` from name_free(). */
#define DEFINE_CLEANUP(type, fn)                                                                   \
	static inline void fn##p(type *p)                                                          \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}                                                                                          \
	struct allow_semicolon_
