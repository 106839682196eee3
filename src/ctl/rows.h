/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Gets all rows of a function of the library that fills an array. */
#include <errno.h>
#include <stdlib.h>

/*
 * Calls fn(view, rows, n, &n): first for the number of rows, then with room for that many. Rows
 * that are added in between are left out. *rows is the caller's, for free(). 0 or -errno.
 */
#define get_rows(fn, view, rows, ret_n)                                                            \
	({                                                                                         \
		size_t room_ = 0;                                                                  \
		int rows_r_ = (fn)((view), NULL, 0, &room_);                                       \
		*(ret_n) = 0;                                                                      \
		if (rows_r_ >= 0) {                                                                \
			*(rows) = calloc(room_ + 1, sizeof(**(rows)));                             \
			rows_r_ = *(rows) ? (fn)((view), *(rows), room_, (ret_n)) : -ENOMEM;       \
		}                                                                                  \
		if (*(ret_n) > room_)                                                              \
			*(ret_n) = room_;                                                          \
		rows_r_;                                                                           \
	})
