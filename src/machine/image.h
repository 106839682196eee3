/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads an object: its code, its functions and its maps. */
#include "machine/insn.h"
#include "machine/map.h"

struct image_function {
	char *name;
	uint32_t at; /* the number of its first instruction */
};

struct image {
	struct insn *code; /* of all sections with programs, one after the other */
	uint32_t n_code;
	struct image_function *functions;
	size_t n_functions;
	struct map *maps;
	uint32_t n_maps;
};

/*
 * Fills *image from an object of size bytes, with maps described by map(aux). Returns 0, or -errno
 * and *error. In both cases the caller must call image_fini().
 */
int image_read(const void *object, size_t size, machine_map_fn map, void *aux, struct image *image,
	       struct pst_error *error);
void image_fini(struct image *image);
