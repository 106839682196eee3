/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A run of a program: its memory and the functions that it is in.
 *
 * An address of the machine is the number of a region and an offset, of 32 bits each. Region 0 is
 * empty, so a null pointer is no address. A pointer to a map, and a pointer to a function, are
 * numbers beyond all regions: only helpers understand them.
 */
#include "machine/insn.h"
#include "machine/map.h"

#include <string.h>

#define RUN_MAX_MAPS   60
#define RUN_MAX_FRAMES 8

enum run_region {
	RUN_NOTHING,
	RUN_CONTEXT, /* struct run_context */
	RUN_STACK,
	RUN_CALL, /* the slot */
	RUN_MAPS, /* the first map */
	_RUN_REGIONS = RUN_MAPS + RUN_MAX_MAPS,
};

#define RUN_ADDRESS(region) ((uint64_t)(region) << 32)
#define RUN_MAP_POINTER     (1ULL << 40) /* plus the number of the map */
#define RUN_FUNCTION        (1ULL << 41) /* plus the number of the instruction */

/* A function that has called another, or a helper that calls a function many times. */
struct frame {
	const struct insn *call; /* execution continues after it */
	uint64_t saved[4];       /* registers 6 to 9 */
	/* If a helper has called a function: */
	const struct insn *function; /* NULL for a plain call */
	struct map *map;             /* NULL for bpf_loop() */
	uint64_t argument;
	uint32_t i, n;   /* the next number or element, and the end of the loop */
	uint32_t n_done; /* calls of the function */
};

/* Memory of the region RUN_CONTEXT. */
struct run_context {
	struct pst_ctx ctx;
	uint32_t key[RUN_MAX_FRAMES]; /* of an array, for bpf_for_each_map_elem() in each frame */
};

struct run {
	const struct insn *code;
	struct map *maps;
	uint32_t n_code, n_maps, n_regions;
	uint32_t slot;
	int cpu;                     /* the CPU whose values this run uses; -1: not asked yet */
	int64_t cost;                /* steps of a helper, or of a function that returns */
	const char *why;             /* why the run has failed, or NULL */
	unsigned int depth, n_clean; /* frames in use; frames of the stack that are initialised */
	struct frame frames[RUN_MAX_FRAMES];
	struct run_context context;
	char stack[RUN_MAX_FRAMES * INSN_FRAME_SIZE] __attribute__((aligned(16)));
	struct region regions[_RUN_REGIONS]; /* of which n_regions are initialised */
};

/* Returns size bytes (not 0) at an address that the program may read, or write; or NULL. */
static inline char *run_place(const struct run *run, uint64_t address, uint32_t size, bool writes)
{
	uint64_t number = address >> 32, at = (uint32_t)address;
	const struct region *region;

	if (number >= run->n_regions)
		return NULL;
	region = &run->regions[number];
	return at + size > (writes ? region->write_size : region->size) ? NULL : region->base + at;
}

/* Returns the map of a pointer, or NULL. */
static inline struct map *run_map(const struct run *run, uint64_t pointer)
{
	uint64_t number = pointer - RUN_MAP_POINTER;

	return number < run->n_maps ? &run->maps[number] : NULL;
}

/* Makes one more frame of the stack usable, all zero. */
static inline void run_clean_frame(struct run *run)
{
	struct region *region = &run->regions[RUN_STACK];

	memset(run->stack + run->n_clean * INSN_FRAME_SIZE, 0, INSN_FRAME_SIZE);
	run->n_clean++;
	region->size = region->write_size = run->n_clean * INSN_FRAME_SIZE;
}

/* Makes n instructions ready to run. Call this before run_from(). */
void run_prepare(struct insn *code, size_t n);

/*
 * Runs from an instruction on, until it returns or has taken too many steps. Returns 0 and register
 * 0, or -EIO with run->why set.
 */
int run_from(struct run *run, const struct insn *pc, int64_t steps, uint64_t *ret_value);

/* Returns the number of the CPU for a map: 0 if the map is not per CPU. */
unsigned int run_cpu(struct run *run, const struct map *map);
