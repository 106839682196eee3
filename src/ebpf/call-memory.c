// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The memory of calls: one BPF array that is mapped into this process, so the daemon and the
 * programs of filters access the same bytes. The kernel writes requests to it as to any memory. No
 * locks.
 */
#include "ebpf/explain.h"
#include "ebpf/filter-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

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

int filter_slots_new(unsigned int n, size_t size, struct filter_slots **ret_slots,
		     struct pst_error *error)
{
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_MMAPABLE);
	_cleanup_(filter_slots_freep) struct filter_slots *slots = calloc(1, sizeof(*slots));

	if (!slots)
		return error_set(error, -ENOMEM, "out of memory");
	slots->fd = -1;
	slots->memory = MAP_FAILED;
	if (size > UINT32_MAX)
		return explain_map(-E2BIG, n, size, error);
	slots->fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "pst_slots", sizeof(uint32_t), size, n,
				   &options);
	if (slots->fd < 0)
		return explain_map(slots->fd, n, size, error);
	slots->value_size = size;
	if (getrandom(&slots->view, sizeof(slots->view), 0) < 0)
		return error_set(error, -errno, "cannot get random numbers from the kernel: %s",
				 strerror(errno));
	slots->len = n * size;
	slots->memory = mmap(NULL, slots->len, PROT_READ | PROT_WRITE, MAP_SHARED, slots->fd, 0);
	if (slots->memory == MAP_FAILED)
		return error_set(error, -errno, "cannot map the memory of filters: %s",
				 strerror(errno));
	*ret_slots = take_ptr(slots);
	return 0;
}

struct filter_slots *filter_slots_free(struct filter_slots *slots)
{
	if (!slots)
		return NULL;
	if (slots->memory != MAP_FAILED)
		munmap(slots->memory, slots->len);
	fd_close(slots->fd);
	free(slots);
	return NULL;
}

int filter_slots_freeze(struct filter_slots *slots, struct pst_error *error)
{
	/* The kernel does not freeze a map that is mapped for writing. */
	munmap(slots->memory, slots->len);
	slots->memory = MAP_FAILED;
	if (bpf_map_freeze(slots->fd) < 0)
		return error_set(error, -errno, "cannot freeze the memory of filters: %s",
				 strerror(errno));
	return 0;
}

void *filter_slots_memory(const struct filter_slots *slots)
{
	return slots->memory;
}
