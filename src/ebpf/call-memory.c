// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The memory of calls, which is mapped into this process, so the daemon and the programs of filters
 * access the same bytes. The kernel writes requests to it as to any memory. No locks.
 */
#include "ebpf/runner.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

static int slots_init(struct filter_slots *slots, unsigned int n, enum pst_run_filters where,
		      struct pst_error *error)
{
	struct pst_error *why = &slots->why;

	slots->runner = &runner_kernel;
	if (where == PST_RUN_FILTERS_PROCESS)
		error_set(why, -EOPNOTSUPP, "filters=process is set");
	else if (where == PST_RUN_FILTERS_AUTO)
		runner_kernel_works(why);
	if (why->code) {
		slots->runner = &runner_process;
		log_info("filters run in this process: %s", why->text);
	}
	return slots->runner->slots_init(slots, n, error);
}

int filter_slots_new(unsigned int n, size_t size, enum pst_run_filters where,
		     struct filter_slots **ret_slots, struct pst_error *error)
{
	_cleanup_(filter_slots_freep) struct filter_slots *slots = calloc(1, sizeof(*slots));
	int r;

	if (!slots)
		return error_set(error, -ENOMEM, "out of memory");
	slots->fd = -1;
	slots->memory = MAP_FAILED;
	slots->value_size = size;
	slots->len = n * size;
	if (getrandom(&slots->view, sizeof(slots->view), 0) < 0)
		return error_set(error, -errno, "cannot get random numbers from the kernel: %s",
				 strerror(errno));
	r = slots_init(slots, n, where, error);
	if (r == 0)
		*ret_slots = take_ptr(slots);
	return r;
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

/* Takes over what the kernel says of the map of slots. Returns 0, or -errno and *error. */
static int describe(struct filter_slots *slots, struct pst_error *error)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(slots->fd, &info, &size);

	if (r < 0)
		return error_set(error, r,
				 "cannot read the properties of the memory of filters: %s",
				 strerror(-r));
	slots->value_size = info.value_size;
	/* Each process that loads a filter for these slots finds the same number. */
	slots->view = info.id;
	return 0;
}

int filter_slots_freeze(struct filter_slots *slots, struct pst_error *error)
{
	/* The kernel does not freeze a map that is mapped for writing. */
	munmap(slots->memory, slots->len);
	slots->memory = MAP_FAILED;
	if (bpf_map_freeze(slots->fd) < 0)
		return error_set(error, -errno, "cannot freeze the memory of filters: %s",
				 strerror(errno));
	return describe(slots, error);
}

int filter_slots_open(uint32_t number, struct filter_slots **ret_slots, struct pst_error *error)
{
	_cleanup_(filter_slots_freep) struct filter_slots *slots = calloc(1, sizeof(*slots));
	int r;

	if (!slots)
		return error_set(error, -ENOMEM, "out of memory");
	slots->runner = &runner_kernel;
	slots->memory = MAP_FAILED;
	slots->fd = bpf_map_get_fd_by_id(number);
	if (slots->fd < 0)
		return error_set(error, slots->fd,
				 "cannot open the memory of filters of the view: %s",
				 strerror(-slots->fd));
	r = describe(slots, error);
	if (r == 0)
		*ret_slots = take_ptr(slots);
	return r;
}

const char *filter_slots_where(const struct filter_slots *slots, const char **ret_why)
{
	*ret_why = slots->why.text;
	return slots->runner->name;
}

void *filter_slots_memory(const struct filter_slots *slots)
{
	return slots->memory;
}
