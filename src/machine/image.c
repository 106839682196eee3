// SPDX-License-Identifier: LGPL-2.1-or-later
/* Reads an object by libelf: its sections, maps and functions. No state, no locks. */
#include "machine/image.h"
#include "machine/code.h"
#include "util/cleanup.h"

#include <linux/bpf.h>
#include <string.h>

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool has_values(const struct section *section)
{
	return begins(section->name, ".rodata") || begins(section->name, ".data") ||
	       begins(section->name, ".bss");
}

/* CO-RE relocations need the types of the running kernel. */
static int check_types(const struct object *object, const struct section *section)
{
	uint32_t words[8];

	if (strcmp(section->name, ".BTF.ext") != 0 || !section->data ||
	    section->data->d_size < sizeof(words))
		return 0;
	memcpy(words, section->data->d_buf, sizeof(words));
	/* The second word is the size of the header, the last that of the relocations. */
	if (words[1] < sizeof(words) || !words[7])
		return 0;
	return error_set(object->error, -EOPNOTSUPP,
			 "the object refers to types of the kernel (CO-RE), which only the kernel "
			 "has");
}

/* Makes the map of this name. Leaves *ret_map as it is if the object's author has none. */
static int add_map(struct object *object, const char *name, struct map **ret_map)
{
	struct image *image = object->image;
	struct map *map = &image->maps[image->n_maps];
	const char *why;
	struct machine_map of = { 0 };
	int r;

	if (!object->map(object->aux, name, &of))
		return 0;
	if (image->n_maps == RUN_MAX_MAPS)
		return error_set(object->error, -E2BIG,
				 "the object has more than %d maps and sections with data",
				 RUN_MAX_MAPS);
	image->n_maps++;
	r = map_init(map, &of, &object->bytes, &why);
	if (r < 0)
		return error_set(object->error, r, "the map %.60s %s", name, why);
	map->address = RUN_ADDRESS(RUN_MAPS + image->n_maps - 1);
	*ret_map = map;
	return 0;
}

static int add_maps(struct object *object)
{
	struct symbol symbol;
	int r = 0;

	object->image->maps = calloc(RUN_MAX_MAPS + 1, sizeof(struct map));
	if (!object->image->maps)
		return elf_no_memory(object);
	for (size_t i = 0; i < object->n_sections && r == 0; i++) {
		struct section *section = &object->sections[i];

		r = check_types(object, section);
		if (r == 0 && has_values(section))
			r = add_map(object, section->name, &section->map);
	}
	for (size_t i = 0; r == 0 && elf_symbol(object, i, &symbol); i++) {
		const struct section *section = elf_section(object, &symbol);
		struct map *map = NULL;

		if (!section || strcmp(section->name, ".maps") != 0 ||
		    GELF_ST_TYPE(symbol.of.st_info) == STT_SECTION)
			continue;
		r = add_map(object, symbol.name, &map);
		if (r == 0 && map)
			object->places[object->n_places++] =
				(struct place){ symbol.of.st_shndx, symbol.of.st_value, map };
	}
	return r;
}

static int add_functions(struct object *object)
{
	struct image *image = object->image;
	struct symbol symbol;

	image->functions = calloc(object->n_symbols + 1, sizeof(*image->functions));
	if (!image->functions)
		return elf_no_memory(object);
	for (size_t i = 0; elf_symbol(object, i, &symbol); i++) {
		const struct section *section = elf_section(object, &symbol);
		uint64_t word = symbol.of.st_value / sizeof(struct bpf_insn);
		struct image_function *function = &image->functions[image->n_functions];

		if (GELF_ST_TYPE(symbol.of.st_info) != STT_FUNC ||
		    !elf_has_word(section, (int64_t)word))
			continue;
		function->name = strdup(symbol.name);
		if (!function->name)
			return elf_no_memory(object);
		function->at = section->code - 1 + (uint32_t)word;
		image->n_functions++;
	}
	return 0;
}

int image_read(const void *bytes, size_t size, machine_map_fn map, void *aux, struct image *image,
	       struct pst_error *error)
{
	_cleanup_(elf_fini) struct object object = {
		.map = map,
		.aux = aux,
		.image = image,
		.error = error,
	};
	int r;

	*image = (struct image){ 0 };
	r = elf_read(&object, bytes, size);
	if (r == 0)
		r = add_maps(&object);
	if (r == 0)
		r = code_read(&object);
	return r == 0 ? add_functions(&object) : r;
}

void image_fini(struct image *image)
{
	for (size_t i = 0; i < image->n_functions; i++)
		free(image->functions[i].name);
	for (size_t i = 0; i < image->n_maps; i++)
		map_fini(&image->maps[i]);
	free(image->functions);
	free(image->maps);
	free(image->code);
	*image = (struct image){ 0 };
}
