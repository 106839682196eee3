/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An object while it is read. */
#include "machine/image.h"
#include "machine/run.h"
#include "util/log.h"

#include <errno.h>
#include <gelf.h>

struct section {
	const char *name;
	GElf_Shdr header;
	const Elf_Data *data; /* NULL if the section has none */
	uint32_t code;        /* of a section with programs: its first instruction, plus 1 */
	struct map *map;      /* of a section with data; or NULL */
};

struct symbol {
	const char *name;
	GElf_Sym of;
};

/* A map that the object defines: its place in the section ".maps". */
struct place {
	size_t section;
	uint64_t value;
	struct map *map;
};

struct object {
	Elf *elf;
	struct section *sections;
	size_t n_sections;
	Elf_Data *symbols;
	size_t n_symbols, strings; /* strings: the section with names of symbols */
	struct place places[RUN_MAX_MAPS];
	size_t n_places;
	machine_map_fn map;
	void *aux;
	struct image *image;
	uint64_t bytes; /* of all maps */
	struct pst_error *error;
};

static inline int elf_damaged(const struct object *object, const char *what)
{
	return error_set(object->error, -EINVAL, "the object is damaged: %s", what);
}

static inline int elf_no_memory(const struct object *object)
{
	return error_set(object->error, -ENOMEM, "out of memory");
}

/*
 * Opens an object of size bytes, and lists its sections. Returns 0, or -errno and *error. In both
 * cases the caller must call elf_fini().
 */
int elf_read(struct object *object, const void *bytes, size_t size);
void elf_fini(struct object *object);

/* Fills *symbol with symbol number i. Returns false if there is none. */
bool elf_symbol(const struct object *object, size_t i, struct symbol *symbol);
/* Returns the section of a symbol, or NULL if the object does not define it. */
struct section *elf_section(const struct object *object, const struct symbol *symbol);
/* Returns the map that a symbol names, or NULL. */
struct map *elf_map(const struct object *object, const struct symbol *symbol);
/* Returns whether a section has code, and if an instruction with this number is in it. */
static inline bool elf_has_word(const struct section *section, int64_t word)
{
	return section && section->code && word >= 0 && word < (int64_t)(section->data->d_size / 8);
}
