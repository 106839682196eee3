/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The helpers: functions that programs call by a number. */
#include <stdint.h>

struct run;

/*
 * Takes registers 1 to 5. Returns register 0. If the arguments cannot be right, sets run->why, and
 * the run fails.
 */
typedef uint64_t (*helper_fn)(struct run *run, const uint64_t arg[5]);

/* Returns the helper, or NULL if the machine does not have it. */
helper_fn helper_find(int32_t number);
