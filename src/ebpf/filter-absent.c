// SPDX-License-Identifier: LGPL-2.1-or-later
/* In the place of filters where Penstock was built without libbpf: everything is refused. */
#include "ebpf/filter.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>

static int refuse(struct pst_error *error)
{
	return error_set(
		error, -EOPNOTSUPP,
		"this Penstock was built without filters: build it with libbpf 1.0 or newer "
		"(meson setup -Dfilters=enabled says what is missing)");
}

int filter_slots_new(unsigned int n, size_t size, struct filter_slots **ret_slots,
		     struct pst_error *error)
{
	return refuse(error);
}

struct filter_slots *filter_slots_free(struct filter_slots *slots)
{
	assert(!slots);
	return NULL;
}

void *filter_slots_memory(const struct filter_slots *slots)
{
	assert(false);
	return NULL;
}

int filter_load(const char *spec, const struct filter_slots *slots, struct filter **ret_filter,
		struct pst_error *error)
{
	return refuse(error);
}

struct filter *filter_free(struct filter *filter)
{
	assert(!filter);
	return NULL;
}

int filter_peek(const char *spec, struct filter_facts *ret_facts, struct pst_error *error)
{
	return refuse(error);
}

/* There is no filter that these could be called for. */

void filter_lend_pin(struct filter *filter)
{
	assert(false);
}

void filter_take_pin(struct filter *filter)
{
	assert(false);
}

void filter_remove_pin(struct filter *filter)
{
	assert(false);
}

void filter_keep_pin(struct filter *filter)
{
	assert(false);
}

const struct filter_facts *filter_facts(const struct filter *filter)
{
	assert(false);
	return NULL;
}

int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode, unsigned int slot,
	       int *ret_verdict)
{
	assert(false);
	return -EOPNOTSUPP;
}

int filter_run_listed(struct filter *filter, unsigned int slot, unsigned int n)
{
	assert(false);
	return -EOPNOTSUPP;
}

int filter_run_looked_up(struct filter *filter, unsigned int slot, unsigned int first,
			 unsigned int n)
{
	assert(false);
	return -EOPNOTSUPP;
}

void filter_count_bad(struct filter *filter, enum filter_kind kind, uint32_t opcode)
{
	assert(false);
}

void filter_stat(const struct filter *filter, enum filter_kind kind, uint32_t opcode,
		 struct filter_count *ret_count)
{
	assert(false);
	*ret_count = (struct filter_count){ 0 };
}

int filter_check(const char *spec, struct pst_filter_report *ret_report, char *log, size_t log_size,
		 struct pst_error *error)
{
	if (log && log_size)
		*log = '\0';
	return refuse(error);
}
