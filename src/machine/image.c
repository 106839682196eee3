// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads an object by libelf. All sections with programs become one array of instructions, in which
 * a call to another section is a jump as any other. No state, no locks.
 */
#include "machine/image.h"
#include "machine/decode.h"
#include "machine/run.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <gelf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#define R_BPF_64_64 1
#define R_BPF_64_32 10

#define MAX_SECTIONS 1000
/* The kernel has the same limit. */
#define MAX_WORDS 1000000

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

static void object_fini(struct object *object)
{
	elf_end(object->elf);
	free(object->sections);
}

static int damaged(const struct object *object, const char *what)
{
	return error_set(object->error, -EINVAL, "the object is damaged: %s", what);
}

static int no_memory(const struct object *object)
{
	return error_set(object->error, -ENOMEM, "out of memory");
}

/* -- sections and symbols ---------------------------------------------------------------------- */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool has_code(const struct section *section)
{
	return section->header.sh_type == SHT_PROGBITS &&
	       (section->header.sh_flags & SHF_EXECINSTR) && section->data && section->data->d_size;
}

static bool has_values(const struct section *section)
{
	return begins(section->name, ".rodata") || begins(section->name, ".data") ||
	       begins(section->name, ".bss");
}

static int open_elf(struct object *object, const void *bytes, size_t size)
{
	static const uint16_t one = 1;
	uint8_t order = *(const uint8_t *)&one ? ELFDATA2LSB : ELFDATA2MSB;
	GElf_Ehdr header;

	elf_version(EV_CURRENT);
	/* libelf only reads the bytes. */
	object->elf = elf_memory((char *)bytes, size);
	if (!object->elf || elf_kind(object->elf) != ELF_K_ELF ||
	    !gelf_getehdr(object->elf, &header))
		return damaged(object, "it is not an ELF file");
	if (header.e_machine != EM_BPF || header.e_type != ET_REL ||
	    header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != order)
		return error_set(object->error, -EINVAL,
				 "the object is not an eBPF object for this machine's byte order "
				 "(clang -target bpf makes one)");
	return 0;
}

static int list_sections(struct object *object)
{
	size_t names;

	if (elf_getshdrnum(object->elf, &object->n_sections) != 0 ||
	    elf_getshdrstrndx(object->elf, &names) != 0)
		return damaged(object, "its list of sections is wrong");
	if (object->n_sections > MAX_SECTIONS)
		return error_set(object->error, -E2BIG, "the object has more than %d sections",
				 MAX_SECTIONS);
	object->sections = calloc(object->n_sections + 1, sizeof(*object->sections));
	if (!object->sections)
		return no_memory(object);
	for (size_t i = 0; i < object->n_sections; i++) {
		struct section *section = &object->sections[i];
		Elf_Scn *scn = elf_getscn(object->elf, i);

		if (!scn || !gelf_getshdr(scn, &section->header))
			return damaged(object, "a section is not in the file");
		section->name = elf_strptr(object->elf, names, section->header.sh_name);
		if (!section->name)
			section->name = "";
		section->data = elf_getdata(scn, NULL);
		if (section->data && !section->data->d_buf)
			section->data = NULL;
		if (section->header.sh_type != SHT_SYMTAB || !section->data)
			continue;
		object->symbols = (Elf_Data *)section->data;
		object->n_symbols = section->data->d_size / sizeof(Elf64_Sym);
		object->strings = section->header.sh_link;
	}
	return object->symbols ? 0 : damaged(object, "it has no symbols");
}

static bool find_symbol(const struct object *object, size_t i, struct symbol *symbol)
{
	if (i >= object->n_symbols || !gelf_getsym(object->symbols, (int)i, &symbol->of))
		return false;
	symbol->name = elf_strptr(object->elf, object->strings, symbol->of.st_name);
	if (!symbol->name)
		symbol->name = "";
	return true;
}

/* Returns the section of a symbol, or NULL if the object does not define it. */
static struct section *section_of(const struct object *object, const struct symbol *symbol)
{
	size_t i = symbol->of.st_shndx;

	return i && i < object->n_sections ? &object->sections[i] : NULL;
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

/* -- maps -------------------------------------------------------------------------------------- */

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
		return no_memory(object);
	for (size_t i = 0; i < object->n_sections && r == 0; i++) {
		struct section *section = &object->sections[i];

		r = check_types(object, section);
		if (r == 0 && has_values(section))
			r = add_map(object, section->name, &section->map);
	}
	for (size_t i = 0; r == 0 && find_symbol(object, i, &symbol); i++) {
		const struct section *section = section_of(object, &symbol);
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

static struct map *find_map(const struct object *object, const struct symbol *symbol)
{
	for (size_t i = 0; i < object->n_places; i++)
		if (object->places[i].section == symbol->of.st_shndx &&
		    object->places[i].value == symbol->of.st_value)
			return object->places[i].map;
	return NULL;
}

/* -- code -------------------------------------------------------------------------------------- */

/* The words of a section, to which relocations are applied. */
struct words {
	struct bpf_insn *word;
	uint8_t *marks; /* enum decode_mark */
	size_t n;
	const struct section *section;
};

static void words_fini(struct words *words)
{
	free(words->word);
	free(words->marks);
}

static int unknown_symbol(const struct object *object, const struct symbol *symbol)
{
	return error_set(object->error, -EINVAL,
			 "the object uses '%.60s', which it does not define, or which the machine "
			 "does not have",
			 symbol->name);
}

/* Returns whether a distance in words leads to an instruction of the section. */
static bool in_code(const struct section *section, int64_t word)
{
	return section && section->code && word >= 0 &&
	       word < (int64_t)(section->data->d_size / sizeof(struct bpf_insn));
}

static int relocate_call(struct object *object, struct words *words, size_t at,
			 const struct symbol *symbol)
{
	const struct section *to = section_of(object, symbol);
	struct bpf_insn *word = &words->word[at];
	int64_t target = (int64_t)(symbol->of.st_value / sizeof(*word)) + word->imm + 1;

	if (word->code != (BPF_JMP | BPF_CALL) || word->src_reg != BPF_PSEUDO_CALL ||
	    !in_code(to, target))
		return unknown_symbol(object, symbol);
	word->imm = (int32_t)((to->code + target) - (words->section->code + (int64_t)at) - 1);
	words->marks[at] = DECODE_CALL;
	return 0;
}

static int relocate_address(struct object *object, struct words *words, size_t at,
			    const struct symbol *symbol)
{
	const struct section *to = section_of(object, symbol);
	const struct map *map = to ? find_map(object, symbol) : NULL;
	struct bpf_insn *word = &words->word[at];
	int64_t offset = (int64_t)symbol->of.st_value + word->imm;
	uint64_t value;

	if (word->code != (BPF_LD | BPF_IMM | BPF_DW) || at + 1 >= words->n)
		return damaged(object, "a relocation is at a wrong place");
	if (map)
		value = RUN_MAP_POINTER + (uint64_t)(map - object->image->maps);
	else if (to && to->map)
		value = to->map->address + (uint32_t)offset;
	else if (offset >= 0 && in_code(to, offset / (int64_t)sizeof(*word)))
		value = RUN_FUNCTION + to->code - 1 + (uint64_t)offset / sizeof(*word);
	else
		return unknown_symbol(object, symbol);
	word[0].imm = (int32_t)value;
	word[1].imm = (int32_t)(value >> 32);
	words->marks[at] = DECODE_ADDRESS;
	return 0;
}

/* Applies one section of relocations. */
static int relocate(struct object *object, struct words *words, const struct section *by)
{
	size_t n = by->data ? by->data->d_size / sizeof(Elf64_Rel) : 0;

	for (size_t i = 0; i < n; i++) {
		struct symbol symbol;
		GElf_Rel rel;
		size_t at;
		int r;

		if (!gelf_getrel((Elf_Data *)by->data, (int)i, &rel) ||
		    !find_symbol(object, GELF_R_SYM(rel.r_info), &symbol))
			return damaged(object, "a relocation is wrong");
		at = rel.r_offset / sizeof(struct bpf_insn);
		if (rel.r_offset % sizeof(struct bpf_insn) || at >= words->n || words->marks[at])
			return damaged(object, "a relocation is at a wrong place");
		if (GELF_R_TYPE(rel.r_info) == R_BPF_64_32)
			r = relocate_call(object, words, at, &symbol);
		else if (GELF_R_TYPE(rel.r_info) == R_BPF_64_64)
			r = relocate_address(object, words, at, &symbol);
		else
			r = damaged(object, "a relocation is of an unknown type");
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_code(struct object *object, size_t number)
{
	const struct section *section = &object->sections[number];
	size_t n = section->data->d_size / sizeof(struct bpf_insn);
	_cleanup_(words_fini) struct words words = {
		.word = calloc(n + 1, sizeof(*words.word)),
		.marks = calloc(n + 1, sizeof(*words.marks)),
		.n = n,
		.section = section,
	};
	int r = 0;

	if (!words.word || !words.marks)
		return no_memory(object);
	memcpy(words.word, section->data->d_buf, n * sizeof(*words.word));
	for (size_t i = 0; i < object->n_sections && r == 0; i++) {
		const struct section *by = &object->sections[i];

		if (by->header.sh_info != number)
			continue;
		if (by->header.sh_type == SHT_REL)
			r = relocate(object, &words, by);
		else if (by->header.sh_type == SHT_RELA)
			r = damaged(object, "a relocation is of an unknown type");
	}
	return r < 0 ? r :
		       decode_section(words.word, words.marks, n, section->name,
				      object->image->code + section->code - 1, object->error);
}

/* Gives each section with programs its place, and decodes it there. */
static int add_all_code(struct object *object)
{
	struct image *image = object->image;
	uint64_t n = 0;
	int r = 0;

	for (size_t i = 0; i < object->n_sections; i++) {
		struct section *section = &object->sections[i];

		if (!has_code(section))
			continue;
		section->code = (uint32_t)n + 1;
		/* An instruction that fails follows each section. */
		n += section->data->d_size / sizeof(struct bpf_insn) + 1;
		if (n > MAX_WORDS)
			return error_set(object->error, -E2BIG,
					 "the object has more than %d instructions", MAX_WORDS);
	}
	image->n_code = (uint32_t)n;
	image->code = calloc(n + 1, sizeof(*image->code));
	if (!image->code)
		return no_memory(object);
	for (size_t i = 0; i < object->n_sections && r == 0; i++)
		if (object->sections[i].code)
			r = add_code(object, i);
	return r;
}

static int add_functions(struct object *object)
{
	struct image *image = object->image;
	struct symbol symbol;

	image->functions = calloc(object->n_symbols + 1, sizeof(*image->functions));
	if (!image->functions)
		return no_memory(object);
	for (size_t i = 0; find_symbol(object, i, &symbol); i++) {
		const struct section *section = section_of(object, &symbol);
		uint64_t word = symbol.of.st_value / sizeof(struct bpf_insn);
		struct image_function *function = &image->functions[image->n_functions];

		if (GELF_ST_TYPE(symbol.of.st_info) != STT_FUNC || !in_code(section, (int64_t)word))
			continue;
		function->name = strdup(symbol.name);
		if (!function->name)
			return no_memory(object);
		function->at = section->code - 1 + (uint32_t)word;
		image->n_functions++;
	}
	return 0;
}

int image_read(const void *bytes, size_t size, machine_map_fn map, void *aux, struct image *image,
	       struct pst_error *error)
{
	_cleanup_(object_fini) struct object object = {
		.map = map,
		.aux = aux,
		.image = image,
		.error = error,
	};
	int r;

	*image = (struct image){ 0 };
	r = open_elf(&object, bytes, size);
	if (r == 0)
		r = list_sections(&object);
	if (r == 0)
		r = add_maps(&object);
	if (r == 0)
		r = add_all_code(&object);
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
