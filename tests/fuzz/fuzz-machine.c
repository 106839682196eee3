// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzzes the machine: the input changes bytes and instructions of an object that came with
 * Penstock, chooses the types of its maps, and fills a call. The machine must refuse the object, or
 * run each of its functions within the limit of steps, and access only the memory of the call. The
 * call lies in memory of the heap, so that the address sanitizer sees accesses beyond it.
 *
 * tests/unit/test-machine.c runs the same function on inputs from fixed seeds.
 */
#include <elf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz-machine.h"
#include "machine/machine.h"

#define DATA_SIZE 4096
#define CALL_SIZE (sizeof(struct pst_call) + DATA_SIZE)
#define MAX_STEPS 20000
#define MAX_EDITS 40

static const char *const objects[] = { "hide",  "quota", "mask", "audit",
				       "fault", "perms", "map",  "rules" };
#define N_OBJECTS (sizeof(objects) / sizeof(objects[0]))

struct object {
	uint8_t *bytes;
	size_t size;
};

static const uint8_t *input, *input_end;

static uint64_t take(unsigned int n)
{
	uint64_t value = 0;

	while (n-- && input < input_end)
		value = value << 8 | *input++;
	return value;
}

/* Returns an object as it was built. */
static const struct object *object_get(unsigned int i)
{
	static struct object loaded[N_OBJECTS];
	struct object *object = &loaded[i];
	const char *dir = getenv("READY_MADE");
	char path[4096];
	struct stat st;
	int fd;

	if (object->bytes)
		return object;
	snprintf(path, sizeof(path), "%s/%s.bpf.o", dir ? dir : FUZZ_OBJECTS, objects[i]);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0 || !(object->bytes = malloc((size_t)st.st_size)) ||
	    read(fd, object->bytes, (size_t)st.st_size) != st.st_size) {
		perror(path);
		abort();
	}
	close(fd);
	object->size = (size_t)st.st_size;
	return object;
}

/* -- changes ----------------------------------------------------------------------------------- */

/* Returns a section of the object as it was built: any, or one that is not for debuggers. */
static const Elf64_Shdr *pick_section(const struct object *object, bool any_kind)
{
	const Elf64_Ehdr *head = (const void *)object->bytes;
	const Elf64_Shdr *sections = (const void *)(object->bytes + head->e_shoff);
	unsigned int at = (unsigned int)take(1);

	for (unsigned int i = 0; i < head->e_shnum; i++) {
		const Elf64_Shdr *section = &sections[(at + i) % head->e_shnum];

		if (any_kind ? section->sh_type == SHT_SYMTAB || section->sh_type == SHT_REL :
			       section->sh_type == SHT_PROGBITS &&
				       (section->sh_flags & SHF_EXECINSTR) && section->sh_size)
			return section;
	}
	return &sections[1];
}

/* Replaces parts of an instruction. */
static void change_insn(const struct object *object, uint8_t *bytes)
{
	const Elf64_Shdr *section = pick_section(object, false);
	size_t n = section->sh_size / sizeof(struct bpf_insn);
	struct bpf_insn *insn;
	uint8_t what = (uint8_t)take(1);

	if (!n)
		return;
	insn = (void *)(bytes + section->sh_offset + take(2) % n * sizeof(*insn));
	if (what & 1)
		insn->code = (uint8_t)take(1);
	if (what & 2)
		insn->dst_reg = take(1) % 16;
	if (what & 4)
		insn->src_reg = take(1) % 16;
	if (what & 8)
		insn->off = (int16_t)take(what & 64 ? 2 : 1);
	if (what & 16)
		insn->imm = (int32_t)take(what & 128 ? 4 : 1);
	if (what & 32)
		insn->imm = (int32_t)(0 - (uint32_t)insn->imm);
}

static void change_bytes(const struct object *object, uint8_t *bytes)
{
	const Elf64_Shdr *section = pick_section(object, true);
	const Elf64_Ehdr *head = (const void *)object->bytes;
	uint8_t where = (uint8_t)take(1);
	size_t begin = section->sh_offset, size = section->sh_size;

	if (where < 32) {
		begin = 0;
		size = sizeof(*head);
	} else if (where < 64) {
		begin = head->e_shoff;
		size = head->e_shnum * sizeof(Elf64_Shdr);
	}
	if (!size)
		return;
	begin += take(2) % size;
	for (unsigned int i = 0; i < 1 + where % 8u && begin + i < object->size; i++)
		bytes[begin + i] = (uint8_t)take(1);
}

/* -- maps -------------------------------------------------------------------------------------- */

static bool find_map(void *aux, const char *name, struct machine_map *ret_map)
{
	static const uint32_t types[] = { BPF_MAP_TYPE_ARRAY,       BPF_MAP_TYPE_HASH,
					  BPF_MAP_TYPE_LRU_HASH,    BPF_MAP_TYPE_PERCPU_ARRAY,
					  BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_RINGBUF,
					  BPF_MAP_TYPE_ARRAY,       BPF_MAP_TYPE_HASH };
	static const uint32_t sizes[] = { 4, 8, 16, 24, 64, 328, 1, 7 };
	uint64_t any = take(3);

	(void)aux;
	*ret_map = (struct machine_map){
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8192,
		.max_entries = 1,
		.is_calls = strcmp(name, "pst_slots") == 0,
		.is_read_only = strncmp(name, ".rodata", 7) == 0,
	};
	if (*name == '.' || ret_map->is_calls)
		return true;
	ret_map->type = types[any % 8];
	ret_map->key_size = any & 8 ? sizes[any >> 4 & 7] : ret_map->key_size;
	ret_map->value_size = sizes[any >> 7 & 7];
	ret_map->max_entries = 1u << (any >> 10 & 7);
	if (ret_map->type == BPF_MAP_TYPE_RINGBUF) {
		ret_map->key_size = ret_map->value_size = 0;
		ret_map->max_entries = 4096;
	}
	return (any >> 16) != 0xff;
}

/* -- running ----------------------------------------------------------------------------------- */

/* Runs the functions from a number on, so that an input is small. */
static void run_some(const struct machine *machine)
{
	struct pst_call *call = malloc(CALL_SIZE);
	const struct pst_ctx ctx = { .slot = 3, .n_listed = (uint32_t)take(1), .first = take(1) };
	const struct machine_call with = { .ctx = &ctx, .memory = call, .size = CALL_SIZE };
	int64_t n = machine_functions_end(machine);
	uint8_t fill = (uint8_t)take(1);

	if (!call)
		abort();
	memset(call, fill, CALL_SIZE);
	call->opcode = (uint32_t)take(1);
	call->data_len = (uint32_t)take(2);
	call->name[0].len = call->name[1].len = (uint32_t)take(1);
	for (size_t i = 0; i < 16; i++)
		call->name[0].text[i] = (char)take(1);
	for (int i = 0; i < 4 && n; i++) {
		const char *why = "";
		int result = 0;

		/* Functions begin anywhere, as the calls of a hostile object do. */
		if (machine_run(machine, (int64_t)take(2) % n, &with, MAX_STEPS, &result, &why) <
			    0 &&
		    !*why)
			abort();
	}
	free(call);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct object *object;
	struct machine *machine = NULL;
	struct pst_error error;
	uint8_t *changed;
	unsigned int n_edits;

	input = bytes;
	input_end = bytes + len;
	object = object_get((unsigned int)take(1) % N_OBJECTS);
	changed = malloc(object->size);
	if (!changed)
		abort();
	memcpy(changed, object->bytes, object->size);
	n_edits = (unsigned int)take(1) % MAX_EDITS;
	for (unsigned int i = 0; i < n_edits && input < input_end; i++)
		(take(1) % 8 ? change_insn : change_bytes)(object, changed);
	if (machine_new(changed, object->size, find_map, NULL, &machine, &error) == 0)
		run_some(machine);
	machine_free(machine);
	free(changed);
	return 0;
}
