// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads the code of an object. All sections with programs become one array of instructions, in
 * which a call to another section is a jump as any other. No state, no locks.
 */
#include "machine/code.h"
#include "machine/decode.h"
#include "util/cleanup.h"

#include <linux/bpf.h>
#include <string.h>

#define R_BPF_64_64 1
#define R_BPF_64_32 10

/* The kernel has the same limit. */
#define MAX_WORDS 1000000

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

static int relocate_call(struct object *object, struct words *words, size_t at,
			 const struct symbol *symbol)
{
	const struct section *to = elf_section(object, symbol);
	struct bpf_insn *word = &words->word[at];
	int64_t target = (int64_t)(symbol->of.st_value / sizeof(*word)) + word->imm + 1;

	if (word->code != (BPF_JMP | BPF_CALL) || word->src_reg != BPF_PSEUDO_CALL ||
	    !elf_has_word(to, target))
		return unknown_symbol(object, symbol);
	word->imm = (int32_t)((to->code + target) - (words->section->code + (int64_t)at) - 1);
	words->marks[at] = DECODE_CALL;
	return 0;
}

static int relocate_address(struct object *object, struct words *words, size_t at,
			    const struct symbol *symbol)
{
	const struct section *to = elf_section(object, symbol);
	const struct map *map = to ? elf_map(object, symbol) : NULL;
	struct bpf_insn *word = &words->word[at];
	int64_t offset = (int64_t)symbol->of.st_value + word->imm;
	uint64_t value;

	if (word->code != (BPF_LD | BPF_IMM | BPF_DW) || at + 1 >= words->n)
		return elf_damaged(object, "a relocation is at a wrong place");
	if (map)
		value = RUN_MAP_POINTER + (uint64_t)(map - object->image->maps);
	else if (to && to->map)
		value = to->map->address + (uint32_t)offset;
	else if (offset >= 0 && elf_has_word(to, offset / (int64_t)sizeof(*word)))
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
		    !elf_symbol(object, GELF_R_SYM(rel.r_info), &symbol))
			return elf_damaged(object, "a relocation is wrong");
		at = rel.r_offset / sizeof(struct bpf_insn);
		if (rel.r_offset % sizeof(struct bpf_insn) || at >= words->n || words->marks[at])
			return elf_damaged(object, "a relocation is at a wrong place");
		if (GELF_R_TYPE(rel.r_info) == R_BPF_64_32)
			r = relocate_call(object, words, at, &symbol);
		else if (GELF_R_TYPE(rel.r_info) == R_BPF_64_64)
			r = relocate_address(object, words, at, &symbol);
		else
			r = elf_damaged(object, "a relocation is of an unknown type");
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
		return elf_no_memory(object);
	memcpy(words.word, section->data->d_buf, n * sizeof(*words.word));
	for (size_t i = 0; i < object->n_sections && r == 0; i++) {
		const struct section *by = &object->sections[i];

		if (by->header.sh_info != number)
			continue;
		if (by->header.sh_type == SHT_REL)
			r = relocate(object, &words, by);
		else if (by->header.sh_type == SHT_RELA)
			r = elf_damaged(object, "a relocation is of an unknown type");
	}
	return r < 0 ? r :
		       decode_section(words.word, words.marks, n, section->name,
				      object->image->code + section->code - 1, object->error);
}

static bool has_code(const struct section *section)
{
	return section->header.sh_type == SHT_PROGBITS &&
	       (section->header.sh_flags & SHF_EXECINSTR) && section->data && section->data->d_size;
}

int code_read(struct object *object)
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
		return elf_no_memory(object);
	for (size_t i = 0; i < object->n_sections && r == 0; i++)
		if (object->sections[i].code)
			r = add_code(object, i);
	if (r == 0)
		run_prepare(image->code, image->n_code);
	return r;
}
