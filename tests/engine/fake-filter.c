// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Defines the functions of src/ebpf/filter.h without BPF.
 *
 * All of it must be here: a function that is missing brings in its object of the library, and with
 * it the others a second time, which the linker refuses.
 *
 * Locking: none. Fakes are registered before there is a server; counters are atomic.
 */
#include "fake-filter.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_FAKES   80
#define MAX_OPCODES 64
#define GUARD       65536

struct filter_slots {
	size_t len;
	size_t size;
	void *memory;
};

struct counter {
	_Atomic uint64_t n_runs, n_errors, n_done, n_bad;
};

struct filter {
	const struct fake *fake;
	char name[64], at[256], spec[400];
	struct filter_facts facts;
	const struct filter_slots *slots;
	fake_program_fn program[_FILTER_KINDS][MAX_OPCODES];
	struct counter counter[_FILTER_KINDS][MAX_OPCODES];
};

static const struct fake *fakes[MAX_FAKES];
static unsigned int n_fakes;
static _Atomic unsigned int n_loaded;
static size_t data_size;
static struct filter_slots newest;

void fake_register(const struct fake *fake)
{
	for (unsigned int i = 0; i < n_fakes; i++) {
		if (strcmp(fakes[i]->name, fake->name) == 0) {
			fakes[i] = fake;
			return;
		}
	}
	assert(n_fakes < MAX_FAKES);
	fakes[n_fakes++] = fake;
}

unsigned int fake_n_loaded(void)
{
	return n_loaded;
}

size_t fake_data_size(void)
{
	return data_size;
}

struct pst_call *fake_slot(unsigned int number)
{
	if (number >= (newest.len - GUARD) / newest.size)
		return NULL;
	return (struct pst_call *)((char *)newest.memory + number * newest.size);
}

int filter_slots_new(unsigned int n, size_t size, enum pst_run_filters where,
		     struct filter_slots **ret_slots, struct pst_error *error)
{
	struct filter_slots *slots = calloc(1, sizeof(*slots));

	assert(slots);
	slots->size = size;
	slots->len = n * size + GUARD;
	slots->memory = mmap(NULL, slots->len, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert(slots->memory != MAP_FAILED);
	if (mprotect(slots->memory, n * size, PROT_READ | PROT_WRITE) < 0)
		abort();
	data_size = size - sizeof(struct pst_call);
	newest = *slots;
	*ret_slots = slots;
	return 0;
}

struct filter_slots *filter_slots_free(struct filter_slots *slots)
{
	if (!slots)
		return NULL;
	munmap(slots->memory, slots->len);
	free(slots);
	return NULL;
}

const char *filter_slots_where(const struct filter_slots *slots, const char **ret_why)
{
	*ret_why = "";
	return "kernel";
}

void *filter_slots_memory(const struct filter_slots *slots)
{
	return slots->memory;
}

/* Only the kernel engine calls these. */
int filter_slots_open(uint32_t number, struct filter_slots **ret_slots, struct pst_error *error)
{
	abort();
}

int filter_slots_freeze(struct filter_slots *slots, struct pst_error *error)
{
	abort();
}

int filter_load_unpinned(const char *spec, const struct filter_slots *slots,
			 struct filter **ret_filter, struct pst_error *error)
{
	abort();
}

int filter_unpin(const char *spec, struct pst_error *error)
{
	abort();
}

bool filter_has_memory(const struct filter *filter)
{
	abort();
}

int filter_program(const struct filter *filter, enum filter_kind kind, uint32_t opcode)
{
	abort();
}

static void read_spec(struct filter *filter, const char *spec)
{
	char words[sizeof(filter->spec)], *rest = words, *word;

	snprintf(filter->spec, sizeof(filter->spec), "%s", spec);
	snprintf(words, sizeof(words), "%s", spec);
	snprintf(filter->name, sizeof(filter->name), "%s", strsep(&rest, ","));
	for (unsigned int i = 0; i < n_fakes; i++)
		if (strcmp(fakes[i]->name, filter->name) == 0)
			filter->fake = fakes[i];
	while ((word = strsep(&rest, ","))) {
		if (strncmp(word, "at=", 3) == 0)
			snprintf(filter->at, sizeof(filter->at), "%s", word + 3);
		if (strncmp(word, "name=", 5) == 0)
			snprintf(filter->name, sizeof(filter->name), "%s", word + 5);
	}
}

int filter_peek(const char *spec, struct filter_facts *ret_facts, struct pst_error *error)
{
	*ret_facts = (struct filter_facts){ 0 };
	return 0;
}

void filter_lend_pin(struct filter *filter)
{
}

void filter_take_pin(struct filter *filter)
{
}

void filter_remove_pin(struct filter *filter)
{
}

void filter_keep_pin(struct filter *filter)
{
}

int filter_load(const char *spec, const struct filter_slots *slots, struct filter **ret_filter,
		struct pst_error *error)
{
	struct filter *filter = calloc(1, sizeof(*filter));

	assert(filter && slots);
	read_spec(filter, spec);
	if (!filter->fake) {
		free(filter);
		return error_set(error, -ENOENT, "there is no fake for %s", spec);
	}
	filter->slots = slots;
	filter->facts = (struct filter_facts){
		.name = filter->name,
		.spec = filter->spec,
		.file = "",
		.summary = "",
		.at = filter->at,
		.flags = filter->fake->flags,
		.cell = filter->fake->cell,
		.unknown = filter->fake->cell,
	};
	for (const struct fake_program *p = filter->fake->programs; p && p->run; p++) {
		assert(p->opcode < MAX_OPCODES && op_filter_opcode(p->opcode) == p->opcode);
		filter->program[p->kind][p->opcode] = p->run;
		filter->facts.ops[p->kind] |= 1ULL << p->opcode;
	}
	n_loaded++;
	*ret_filter = filter;
	return 0;
}

struct filter *filter_free(struct filter *filter)
{
	if (!filter)
		return NULL;
	n_loaded--;
	free(filter);
	return NULL;
}

const struct filter_facts *filter_facts(const struct filter *filter)
{
	return &filter->facts;
}

static struct pst_call *call_in(const struct filter *filter, unsigned int slot)
{
	return (struct pst_call *)((char *)filter->slots->memory + slot * filter->slots->size);
}

/* Does for a listing what the macro PST_NAME() does. */
static int run_listed(struct filter *filter, unsigned int slot, unsigned int n)
{
	struct counter *counter = &filter->counter[FILTER_NAME][0];
	struct pst_call *call = call_in(filter, slot);

	counter->n_runs++;
	for (unsigned int i = 0; i < n; i++) {
		struct pst_listed *listed = &call->listed[i];

		call->name[0].len = listed->len;
		memcpy(call->name[0].text, listed->text, sizeof(listed->text));
		call->child.cell = call->cell;
		call->child.held = 1;
		call->child.attr.ino = listed->ino;
		call->child.attr.mode = listed->mode;
		listed->verdict = filter->program[FILTER_NAME][0](call);
		if (listed->verdict == FAKE_NOT_RUN) {
			counter->n_bad++;
			return -EFAULT;
		}
	}
	return 0;
}

/* Does for a listing what the macro PST_PRE() does. */
static int run_looked_up(struct filter *filter, unsigned int slot, unsigned int first,
			 unsigned int n)
{
	struct counter *counter = &filter->counter[FILTER_PRE][FUSE_LOOKUP];
	struct pst_call *call = call_in(filter, slot);
	struct pst_caller caller = call->caller;

	counter->n_runs++;
	for (unsigned int i = first; i < first + n; i++) {
		struct pst_listed *listed = &call->listed[i];

		call->n_asked = i + 1;
		call->name[0].len = listed->len;
		memcpy(call->name[0].text, listed->text, sizeof(listed->text));
		listed->verdict = filter->program[FILTER_PRE][FUSE_LOOKUP](call);
		if (listed->verdict == FAKE_NOT_RUN) {
			counter->n_bad++;
			return -EFAULT;
		}
		if (listed->verdict || call->n_events || call->delay_us || call->child.held != 1 ||
		    call->caller.uid != caller.uid || call->caller.gid != caller.gid ||
		    memcmp(call->name[0].text, listed->text, sizeof(listed->text)) != 0)
			break;
	}
	return 0;
}

int filter_run(struct filter *filter, enum filter_kind kind, uint32_t opcode,
	       const struct pst_ctx *ctx, int *ret_verdict)
{
	struct counter *counter = &filter->counter[kind][opcode];
	int verdict;

	assert(filter->program[kind][opcode]);
	if (ctx->n_listed && kind == FILTER_NAME)
		return run_listed(filter, ctx->slot, ctx->n_listed);
	if (ctx->n_listed)
		return run_looked_up(filter, ctx->slot, ctx->first, ctx->n_listed);
	verdict = filter->program[kind][opcode](call_in(filter, ctx->slot));
	counter->n_runs++;
	if (verdict == FAKE_NOT_RUN) {
		counter->n_bad++;
		return -EFAULT;
	}
	counter->n_errors += verdict < 0;
	counter->n_done += verdict > 0;
	*ret_verdict = verdict;
	return 0;
}

void filter_count_bad(struct filter *filter, enum filter_kind kind, uint32_t opcode)
{
	assert(opcode < MAX_OPCODES);
	filter->counter[kind][opcode].n_bad++;
}

void filter_stat(const struct filter *filter, enum filter_kind kind, uint32_t opcode,
		 struct filter_count *ret_count)
{
	const struct counter *counter = &filter->counter[kind][opcode];

	*ret_count = (struct filter_count){
		.n_runs = counter->n_runs,
		.n_errors = counter->n_errors,
		.n_done = counter->n_done,
		.n_bad = counter->n_bad,
	};
}
