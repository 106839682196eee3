// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Filters in the kernel. The slots are a BPF array, which replaces the object's map of calls. A run
 * is one bpf(2) call: the kernel copies the context, which has the number of the slot, and the
 * program finds the call in the map by that number; nothing else is copied. No state, no locks.
 */
#include "ebpf/explain.h"
#include "ebpf/runner.h"
#include "util/hash.h"
#include "util/log.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* -- slots ------------------------------------------------------------------------------------- */

static int explain_map(int error_number, unsigned int n, size_t size, struct pst_error *error)
{
	unsigned long long bytes = (unsigned long long)n * size;

	switch (-error_number) {
	case EPERM:
		return explain_eperm("the memory of filters", error);
	case ENOSYS:
		return error_set(error, -ENOSYS,
				 "this kernel has no BPF, which filters need: use one with "
				 "CONFIG_BPF_SYSCALL");
	case ENOMEM:
		return error_set(
			error, -ENOMEM,
			"no memory for %u calls of filters (%llu MiB in all): use fewer "
			"workers or a smaller max_write, or raise the memory limit of this "
			"process's cgroup",
			n, bytes >> 20);
	case E2BIG:
		return error_set(
			error, -E2BIG,
			"%u calls of %zu bytes are more than one BPF map can hold (4 GiB): "
			"use fewer workers or a smaller max_write",
			n, size);
	case EINVAL:
		return error_set(error, -EINVAL,
				 "this kernel cannot map BPF arrays into a process: filters need "
				 "Linux 5.14 or newer");
	default:
		return error_set(error, error_number, "cannot make the memory of filters: %s",
				 strerror(-error_number));
	}
}

static int slots_init(struct filter_slots *slots, unsigned int n, struct pst_error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	size_t size = slots->value_size;

	if (size > UINT32_MAX)
		return explain_map(-E2BIG, n, size, error);
	slots->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pst_slots", sizeof(uint32_t), size, n,
				   &options);
	if (slots->fd < 0)
		return explain_map(slots->fd, n, size, error);
	slots->memory = mmap(NULL, slots->len, PROT_READ | PROT_WRITE, MAP_SHARED, slots->fd, 0);
	if (slots->memory == MAP_FAILED)
		return error_set(error, -errno, "cannot map the memory of filters: %s",
				 strerror(errno));
	return 0;
}

/* -- loading ----------------------------------------------------------------------------------- */

static int fill_patterns(struct load *load, struct pst_error *error)
{
	struct bpf_map *rows = bpf_object__find_map_by_name(load->object.bpf, "pst_patterns");

	for (uint32_t i = 0; i < load->patterns.n; i++) {
		const struct pst_pattern *row = &load->patterns.rows[i];
		int r = bpf_map__update_elem(rows, &i, sizeof(i), row, sizeof(*row), BPF_ANY);

		if (r < 0)
			return error_set(error, r,
					 "filter %.60s: the kernel refuses to store "
					 "the pattern '%.100s' of its names or paths: %s",
					 load->name, row->text, strerror(-r));
	}
	return 0;
}

static int fill_rules(struct load *load, struct pst_error *error)
{
	for (int i = 0; i < _RULE_TABLES; i++) {
		const struct rule_table *table = &load->options.rules.table[i];
		struct bpf_map *map =
			bpf_object__find_map_by_name(load->object.bpf, rule_table_maps[i]);

		for (uint32_t k = 0; k < table->n; k++) {
			const char *row = (const char *)table->rows + k * table->row_size;
			int r = bpf_map__update_elem(map, &k, sizeof(k), row, table->row_size,
						     BPF_ANY);

			if (r < 0)
				return error_set(error, r,
						 "filter %.60s: the kernel refuses to store the "
						 "rules in the map %s: %s",
						 load->name, rule_table_maps[i], strerror(-r));
		}
	}
	return 0;
}

/*
 * Writes the identity of the filter's pinned maps: the name of the object, and the options that
 * determine the meaning of the maps (PST_OF_MAPS). A filter may use pinned maps of the same
 * identity only.
 */
static void identify(const struct load *load, char *identity, size_t size)
{
	_cleanup_(freep) char *name = spec_name(load->path);
	size_t len = (size_t)snprintf(identity, size, "%s", name ? name : "?");
	struct object_var var;

	for (unsigned int i = 0; object_var(&load->object, i, &var) && len < size; i++) {
		if (!object_note(&load->object, &var, "of maps", 0))
			continue;
		if (object_is_text(&load->object, &var))
			len += (size_t)snprintf(identity + len, size - len, ",%s=%.*s", var.name,
						(int)var.size, (const char *)var.at);
		else
			len += (size_t)snprintf(
				identity + len, size - len, ",%s=%016llx", var.name,
				(unsigned long long)hash_bytes(0, var.at, var.size));
	}
}

/* Replaces maps of the object by those that an earlier run of the filter has pinned (pin=). */
static int adopt_pinned(struct load *load, struct pst_error *error)
{
	char identity[400];
	int r;

	identify(load, identity, sizeof(identity));
	r = pin_open(load->pin_dir, identity, &load->pin, error);
	return r < 0 ? r : pin_adopt(load->pin, load->object.bpf, error);
}

int runner_kernel_unpin(struct load *load, struct pst_error *error)
{
	int r = load->pin_dir ? adopt_pinned(load, error) : 0;

	if (r == 0 && load->pin)
		pin_remove(load->pin);
	return r;
}

static int load_object(struct load *load, const struct filter_slots *slots, struct pst_error *error)
{
	_cleanup_(capture_end) struct capture capture = capture_begin();
	struct bpf_map *calls = bpf_object__find_map_by_name(load->object.bpf, "pst_slots");
	_cleanup_(freep) char *said = NULL;
	int r = slots ? bpf_map__reuse_fd(calls, slots->fd) : 0;

	if (r < 0)
		return error_set(error, r, "cannot share the memory of calls with the filter: %s",
				 strerror(-r));
	/* pst_filter_check(), which has no slots, must leave nothing behind. */
	if (slots && load->pin_dir)
		r = adopt_pinned(load, error);
	if (r < 0)
		return r;
	r = bpf_object__load(load->object.bpf);
	/* Before explain_load(), which probes the kernel and makes libbpf print more. */
	said = capture_take();
	if (r < 0)
		return explain_load(r, said, load->object.verifier_log, error);
	r = fill_patterns(load, error);
	if (r == 0)
		r = fill_rules(load, error);
	return r == 0 && load->pin ? pin_maps(load->pin, error) : r;
}

static int program(const struct load *load, const struct bpf_program *of)
{
	(void)load;
	return bpf_program__fd(of);
}

int runner_kernel_works(struct pst_error *error)
{
	/* Returns 0, as the smallest program of the kind that filters consist of. */
	static const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE);
	int fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "pst_works", "Dual BSD/GPL", insns,
			       sizeof(insns) / sizeof(insns[0]), &opts);

	if (fd < 0)
		return explain_load(fd == -EINVAL ? -EOPNOTSUPP : fd, NULL, "", error);
	close(fd);
	return 0;
}

/* -- running ----------------------------------------------------------------------------------- */

/*
 * The bytes of the union that the kernel needs. A run costs a system call, the copy of the context,
 * and a mispredicted return from here, because the kernel has overwritten the processor's return
 * stack. A shorter attr, a shorter context and a system call without libc's function were measured:
 * none of them is faster.
 */
#define ATTR_SIZE (offsetof(union bpf_attr, test.ctx_in) + sizeof(uint64_t))

static int run(struct filter *filter, int fd, const struct pst_ctx *ctx, int *ret_verdict)
{
	union bpf_attr attr;

	(void)filter;
	memset(&attr, 0, ATTR_SIZE);
	attr.test.prog_fd = fd;
	attr.test.ctx_in = (uintptr_t)ctx;
	attr.test.ctx_size_in = sizeof(*ctx);
	if (syscall(SYS_bpf, BPF_PROG_RUN, &attr, ATTR_SIZE) < 0)
		return -errno;
	*ret_verdict = (int)attr.test.retval;
	return 0;
}

const struct runner runner_kernel = {
	.name = "kernel",
	.slots_init = slots_init,
	.load = load_object,
	.program = program,
	.run = run,
};
