/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before each file of the filter core, and by no other file: removes the macros of the
 * kernel whose names the core uses.
 */
#include "filter/port.h"

#undef BIT
