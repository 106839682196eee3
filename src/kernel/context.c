// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Contexts of the file system, fsopen(2) and fspick(2): hands filters to the module, and reads what
 * it says. No state, no locks.
 *
 * The module uses the memory of calls that the filters were loaded for. It is frozen before, so
 * that no process can write to it any more. The module holds the programs, and they hold their
 * maps.
 */
#include "kernel/context.h"
#include "kernel/module-abi.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Bytes of data in a slot: programs see at most the value of an extended attribute. */
#define DATA_SIZE (64 * 1024 + 4096)

int kernel_slots_new(struct filter_slots **ret_slots, struct pst_error *error)
{
	unsigned int n = 2 * (unsigned int)sysconf(_SC_NPROCESSORS_CONF);
	int r = filter_slots_new(n, sizeof(struct pst_call) + DATA_SIZE, PST_RUN_FILTERS_KERNEL,
				 ret_slots, error);

	return r < 0 ? r : filter_slots_freeze(*ret_slots, error);
}

int kernel_filter_load(const char *spec, const struct filter_slots *slots, bool unpinned,
		       struct filter **ret_filter, struct pst_error *error)
{
	int r = (unpinned ? filter_load_unpinned : filter_load)(spec, slots, ret_filter, error);

	if (r < 0 || !filter_facts(*ret_filter)->keep)
		return r;
	error_set(error, -EOPNOTSUPP,
		  "filter %s: keep= needs the FUSE engine: no process keeps events in the kernel "
		  "engine",
		  filter_facts(*ret_filter)->name);
	*ret_filter = filter_free(*ret_filter);
	return -EOPNOTSUPP;
}

/* Appends the programs of a filter. Returns their number. */
static unsigned int add_programs(const struct filter *filter, struct module_program *to)
{
	const struct filter_facts *facts = filter_facts(filter);
	unsigned int n = 0;

	for (uint32_t kind = 0; kind < _FILTER_KINDS; kind++)
		for (uint32_t opcode = 0; opcode < OP_MAX; opcode++)
			if (facts->ops[kind] >> opcode & 1)
				to[n++] = (struct module_program){
					.kind = kind,
					.opcode = opcode,
					.fd = filter_program(filter, kind, opcode),
				};
	return n;
}

int kernel_filter_give(int fs_fd, const struct filter *filter, uint32_t serve)
{
	const struct filter_facts *facts = filter_facts(filter);
	const char *const texts[MODULE_N_TEXTS] = { facts->name, facts->spec, facts->file,
						    facts->summary, facts->at };
	size_t size = sizeof(struct module_filter) +
		      _FILTER_KINDS * OP_MAX * sizeof(struct module_program);
	_cleanup_(freep) struct module_filter *value = NULL;
	char *end;

	for (int i = 0; i < MODULE_N_TEXTS; i++)
		size += strlen(texts[i]) + 1;
	value = calloc(1, size);
	if (!value)
		return -ENOMEM;
	*value = (struct module_filter){
		.abi = MODULE_ABI,
		.filter_abi = PST_FILTER_ABI,
		.flags = facts->flags,
		.cell = facts->cell,
		.unknown = facts->unknown,
		.choice = facts->choice,
		.serve = serve,
	};
	value->n_programs = add_programs(filter, value->program);
	end = (char *)&value->program[value->n_programs];
	for (int i = 0; i < MODULE_N_TEXTS; i++)
		end = stpcpy(end, texts[i]) + 1;
	return fsconfig(fs_fd, FSCONFIG_SET_BINARY, "filter", value, (int)(end - (char *)value)) <
			       0 ?
		       -errno :
		       0;
}

void kernel_context_said(int fs_fd, int error_number, char ret_said[KERNEL_SAID_SIZE])
{
	static const char prefix[] = "penstock: ";
	char line[KERNEL_SAID_SIZE];
	ssize_t len = read(fs_fd, line, sizeof(line) - 1);
	const char *text = line + 2;

	/* A line begins with its kind: "e ". */
	if (len <= 2) {
		snprintf(ret_said, KERNEL_SAID_SIZE, "%s",
			 error_number ? strerror(error_number) : "");
		return;
	}
	line[len] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	snprintf(ret_said, KERNEL_SAID_SIZE, "%s", text);
}
