// SPDX-License-Identifier: LGPL-2.1-or-later
#include "server/request-set.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <sys/mman.h>

DEFINE_CLEANUP(struct reqset *, reqset_free);

int reqset_new(struct request_host *host, unsigned int n, size_t data_size, bool filtered,
	       struct reqset **ret_set, struct pst_error *error)
{
	_cleanup_(reqset_freep) struct reqset *set = calloc(1, sizeof(*set));
	void *p;
	int r;

	if (!set)
		return error_set(error, -ENOMEM, "no memory");
	if (data_size < SLOT_MIN_DATA)
		data_size = SLOT_MIN_DATA;
	set->n = n;
	set->size = SLOT_DATA + (data_size + SLOT_PAGE - 1) / SLOT_PAGE * SLOT_PAGE;
	set->reqs = calloc(n, sizeof(*set->reqs));
	if (!set->reqs)
		return error_set(error, -ENOMEM, "no memory");
	if (filtered) {
		r = filter_slots_new(n, set->size, &set->slots, error);
		if (r < 0)
			return r;
		set->memory = filter_slots_memory(set->slots);
		set->kept = calloc(n, sizeof(*set->kept));
		if (!set->kept)
			return error_set(error, -ENOMEM, "no memory");
	} else {
		p = mmap(NULL, n * set->size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			return error_set(error, -ENOMEM, "no memory");
		set->memory = p;
	}
	for (unsigned int i = 0; i < n; i++) {
		struct req *req = &set->reqs[i];

		req->host = host;
		req->fs = host->fs;
		req->set = set;
		req->number = i;
		req->kept = set->kept ? &set->kept[i] : NULL;
		req->slot = (struct slot){
			.base = set->memory + i * set->size,
			.data_size = set->size - SLOT_DATA,
			.in_map = filtered,
		};
		req->next = set->free;
		set->free = req;
	}
	*ret_set = take_ptr(set);
	return 0;
}

struct reqset *reqset_free(struct reqset *set)
{
	if (!set)
		return NULL;
	if (set->slots)
		filter_slots_free(set->slots);
	else if (set->memory)
		munmap(set->memory, set->n * set->size);
	free(set->kept);
	free(set->reqs);
	free(set);
	return NULL;
}
