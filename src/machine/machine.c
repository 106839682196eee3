// SPDX-License-Identifier: LGPL-2.1-or-later
/* A machine: an object that is ready to run. No state but the maps. */
#include "machine/machine.h"
#include "machine/image.h"
#include "machine/run.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>

struct machine {
	struct image image;
	struct region regions[_RUN_REGIONS]; /* those of maps; a run adds its own */
};

DEFINE_CLEANUP(struct machine *, machine_free);

int machine_new(const void *object, size_t size, machine_map_fn map, void *aux,
		struct machine **ret_machine, struct pst_error *error)
{
	_cleanup_(machine_freep) struct machine *machine = calloc(1, sizeof(*machine));
	int r;

	if (!machine)
		return error_set(error, -ENOMEM, "out of memory");
	r = image_read(object, size, map, aux, &machine->image, error);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < machine->image.n_maps; i++)
		machine->regions[RUN_MAPS + i] = machine->image.maps[i].region;
	*ret_machine = take_ptr(machine);
	return 0;
}

struct machine *machine_free(struct machine *machine)
{
	if (!machine)
		return NULL;
	image_fini(&machine->image);
	free(machine);
	return NULL;
}

int64_t machine_function(const struct machine *machine, const char *name)
{
	const struct image *image = &machine->image;

	for (size_t i = 0; i < image->n_functions; i++)
		if (strcmp(image->functions[i].name, name) == 0)
			return image->functions[i].at;
	return -1;
}

int64_t machine_functions_end(const struct machine *machine)
{
	return machine->image.n_code;
}

/* -- size -------------------------------------------------------------------------------------- */

/* The instructions that were reached, and those from which others have still to be reached. */
struct reach {
	const struct image *image;
	bool *seen;
	uint32_t *rest;
	size_t n_rest, n;
};

static void reach(struct reach *reach, int64_t at)
{
	if (at < 0 || at >= reach->image->n_code || reach->seen[at])
		return;
	reach->seen[at] = true;
	reach->n++;
	reach->rest[reach->n_rest++] = (uint32_t)at;
}

static void reach_from(struct reach *reach_, uint32_t at)
{
	const struct insn *insn = &reach_->image->code[at];
	bool jumps = insn->op >= INSN_JEQ_64K && insn->op <= INSN_JSLE_32X;

	if (insn->op == INSN_EXIT || insn->op == INSN_TRAP)
		return;
	if (jumps || insn->op == INSN_JUMP || insn->op == INSN_CALL)
		reach(reach_, (int64_t)at + insn->off);
	if (insn->op == INSN_CONST)
		reach(reach_, (int64_t)(insn->wide - RUN_FUNCTION));
	if (insn->op != INSN_JUMP)
		reach(reach_, at + (insn->op == INSN_CONST ? 2 : 1));
}

size_t machine_function_size(const struct machine *machine, int64_t function)
{
	const struct image *image = &machine->image;
	_cleanup_(freep) bool *seen = calloc(image->n_code + 1, sizeof(*seen));
	_cleanup_(freep) uint32_t *rest = calloc(image->n_code + 1, sizeof(*rest));
	struct reach reach_ = { .image = image, .seen = seen, .rest = rest };

	if (!seen || !rest)
		return 0;
	reach(&reach_, function);
	while (reach_.n_rest)
		reach_from(&reach_, rest[--reach_.n_rest]);
	return reach_.n;
}

/* -- running ----------------------------------------------------------------------------------- */

int machine_run(const struct machine *machine, int64_t function, const struct machine_call *call,
		uint32_t max_steps, int *ret_result, const char **ret_why)
{
	const struct image *image = &machine->image;
	uint32_t size = (uint32_t)call->size;
	struct run run;
	uint64_t value;
	int r;

	assert(function >= 0 && function < image->n_code && call->size <= UINT32_MAX);
	/* A run writes the other members before it reads them. They stay as they are, for speed. */
	run.code = image->code;
	run.n_code = image->n_code;
	run.maps = image->maps;
	run.n_maps = image->n_maps;
	run.n_regions = RUN_MAPS + image->n_maps;
	run.slot = call->ctx->slot;
	run.cpu = -1;
	run.cost = 0;
	run.why = NULL;
	run.depth = run.n_clean = 0;
	run.context.ctx = *call->ctx;
	memset(run.context.key, 0, sizeof(run.context.key));
	memcpy(run.regions, machine->regions, run.n_regions * sizeof(run.regions[0]));
	run.regions[RUN_CONTEXT] =
		(struct region){ (char *)&run.context, sizeof(run.context), sizeof(run.context) };
	run.regions[RUN_STACK].base = run.stack;
	run.regions[RUN_CALL] = (struct region){ call->memory, size, size };
	run_clean_frame(&run);
	r = run_from(&run, image->code + function, max_steps, &value);
	if (r < 0)
		*ret_why = run.why;
	else
		*ret_result = (int)(uint32_t)value;
	return r;
}
