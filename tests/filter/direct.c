// SPDX-License-Identifier: LGPL-2.1-or-later
#include "direct.h"
#include "../run-filters.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SLOT_SIZE (sizeof(struct pst_call) + DATA_SIZE)

static struct filter_slots *slots;
static struct filter *filter;
static struct pst_call *call;

int direct_setup(void **state)
{
	struct pst_error error;
	int r = filter_slots_new(1, SLOT_SIZE, test_run_filters(), &slots, &error);

	if (r == -EPERM || r == -ENOSYS || r == -EOPNOTSUPP) {
		printf("skipped: %s\n", error.text);
		exit(77);
	}
	if (r < 0)
		fail_msg("%s", error.text);
	call = filter_slots_memory(slots);
	return 0;
}

int direct_teardown(void **state)
{
	filter = filter_free(filter);
	slots = filter_slots_free(slots);
	return 0;
}

void direct_load(const char *spec)
{
	struct pst_error error;

	filter = filter_free(filter);
	if (filter_load(spec, slots, &filter, &error) < 0)
		fail_msg("%s: %s", spec, error.text);
}

const struct filter_facts *direct_facts(void)
{
	return filter_facts(filter);
}

struct pst_call *direct_call(uint32_t opcode)
{
	memset(call, 0, sizeof(*call));
	call->opcode = opcode;
	call->data_size = DATA_SIZE;
	call->child.held = 1;
	return call;
}

struct pst_call *direct_again(void)
{
	return call;
}

void direct_name(unsigned int i, const char *name)
{
	size_t len = strlen(name);

	assert_true(i < 2 && len < PST_NAME_SIZE);
	memcpy(call->name[i].text, name, len + 1);
	call->name[i].len = len;
	if (call->n_names <= i)
		call->n_names = i + 1;
}

static int run(enum filter_kind kind, uint32_t opcode)
{
	int verdict;

	if (!(filter_facts(filter)->ops[kind] >> opcode & 1))
		fail_msg("%s has no such program: kind %d, operation %s",
			 filter_facts(filter)->name, kind, op_filter_name(opcode));
	assert_int_equal(filter_run(filter, kind, opcode, &(struct pst_ctx){ 0 }, &verdict), 0);
	return verdict;
}

int direct_pre(void)
{
	return run(FILTER_PRE, call->opcode);
}

int direct_post(void)
{
	return run(FILTER_POST, call->opcode);
}

int direct_named(void)
{
	return run(FILTER_NAME, 0);
}

int direct_lookup(uint64_t cell, const char *name)
{
	direct_call(FUSE_LOOKUP);
	direct_name(0, name);
	call->cell = call->child.cell = cell;
	return direct_named();
}

uint64_t direct_cell(const char *path)
{
	uint64_t cell = filter_facts(filter)->cell;
	char copy[256], *save, *name;

	snprintf(copy, sizeof(copy), "%s", path);
	for (name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		direct_lookup(cell, name);
		cell = call->child.cell;
	}
	return cell;
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1e9 + now.tv_nsec;
}

bool direct_in_process(void)
{
	const char *why;

	return strcmp(filter_slots_where(slots, &why), "process") == 0;
}

double direct_ns(int (*one)(void), unsigned int n)
{
	double best = 1e18;

	for (int round = 0; round < 7; round++) {
		double start = now_ns(), ns;

		for (unsigned int i = 0; i < n; i++)
			one();
		ns = (now_ns() - start) / n;
		if (ns < best)
			best = ns;
	}
	return best;
}
