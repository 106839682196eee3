/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads the code of an object. */
#include "machine/elf.h"

/*
 * Fills the code of the image: gives each section with programs its place, and decodes it there.
 * Returns 0, or -errno and *error.
 */
int code_read(struct object *object);
