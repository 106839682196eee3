// SPDX-License-Identifier: LGPL-2.1-or-later
/* Opens an object by libelf, and finds its sections and symbols. No state, no locks. */
#include "machine/elf.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SECTIONS 1000

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
		return elf_damaged(object, "it is not an ELF file");
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
		return elf_damaged(object, "its list of sections is wrong");
	if (object->n_sections > MAX_SECTIONS)
		return error_set(object->error, -E2BIG, "the object has more than %d sections",
				 MAX_SECTIONS);
	object->sections = calloc(object->n_sections + 1, sizeof(*object->sections));
	if (!object->sections)
		return elf_no_memory(object);
	for (size_t i = 0; i < object->n_sections; i++) {
		struct section *section = &object->sections[i];
		Elf_Scn *scn = elf_getscn(object->elf, i);

		if (!scn || !gelf_getshdr(scn, &section->header))
			return elf_damaged(object, "a section is not in the file");
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
	return object->symbols ? 0 : elf_damaged(object, "it has no symbols");
}

bool elf_symbol(const struct object *object, size_t i, struct symbol *symbol)
{
	if (i >= object->n_symbols || !gelf_getsym(object->symbols, (int)i, &symbol->of))
		return false;
	symbol->name = elf_strptr(object->elf, object->strings, symbol->of.st_name);
	if (!symbol->name)
		symbol->name = "";
	return true;
}

struct section *elf_section(const struct object *object, const struct symbol *symbol)
{
	size_t i = symbol->of.st_shndx;

	return i && i < object->n_sections ? &object->sections[i] : NULL;
}

int elf_read(struct object *object, const void *bytes, size_t size)
{
	int r = open_elf(object, bytes, size);

	return r == 0 ? list_sections(object) : r;
}

void elf_fini(struct object *object)
{
	elf_end(object->elf);
	free(object->sections);
}

struct map *elf_map(const struct object *object, const struct symbol *symbol)
{
	for (size_t i = 0; i < object->n_places; i++)
		if (object->places[i].section == symbol->of.st_shndx &&
		    object->places[i].value == symbol->of.st_value)
			return object->places[i].map;
	return NULL;
}
