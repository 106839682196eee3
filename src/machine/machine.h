/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A machine that runs the programs of an eBPF object in this process, without bpf(2).
 *
 * Nothing in an object is trusted. There is no verifier, so the machine checks each access while a
 * program runs: a program reaches only the memory of its call, its stack and the values of its
 * maps. Programs never see an address of the process; an address of the machine is the number of a
 * region and an offset. A run ends after a number of steps that no correct program needs.
 *
 * A machine is constant but for the content of its maps, which programs share as in the kernel. Any
 * number of threads may run programs at the same time, each on its own call.
 */
#include <penstock/filter.h>
#include <penstock/penstock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;

/* A map that an object defines, or the values of one of its sections with data. */
struct machine_map {
	uint32_t type;                              /* enum bpf_map_type */
	uint32_t key_size, value_size, max_entries; /* max_entries may be 0 */
	uint32_t flags;                             /* BPF_F_... */
	bool is_calls;       /* the map of calls: each run sees its own call in it, no other */
	bool is_read_only;   /* programs cannot write to the values */
	const void *content; /* the first values of an array, or NULL for zeroes; copied */
	size_t content_size; /* in bytes, at most the size of the map's values */
};

/*
 * Describes a map. name is that of the map, or of the section (".rodata"), in the object. Returns
 * false if there is no such map; objects that use it are refused.
 */
typedef bool (*machine_map_fn)(void *aux, const char *name, struct machine_map *ret_map);

/*
 * Reads the object, which has size bytes and is not needed later. Returns 0, or -errno and *error,
 * which names the instruction, helper or map that the machine does not have.
 */
int machine_new(const void *object, size_t size, machine_map_fn map, void *aux,
		struct machine **ret_machine, struct pst_error *error);
struct machine *machine_free(struct machine *machine);

/* Returns the number of the function of this name, for machine_run(); or -1. */
int64_t machine_function(const struct machine *machine, const char *name);
/* Returns a number that is greater than those of all functions. */
int64_t machine_functions_end(const struct machine *machine);
/* Returns the number of instructions of a function, with all functions that it calls. */
size_t machine_function_size(const struct machine *machine, int64_t function);

/* The call of a run. */
struct machine_call {
	const struct pst_ctx *ctx;
	void *memory; /* the slot ctx->slot */
	size_t size;  /* in bytes; 0: programs find no call */
};

/* The steps after which a run fails: mask,how=values needs a fifth of them for 1 MiB of data. */
#define MACHINE_MAX_STEPS (1u << 28)

/*
 * Runs a function. Returns 0 and its result, or -EIO and *ret_why, a phrase that follows the name
 * of a program ("takes too long").
 */
int machine_run(const struct machine *machine, int64_t function, const struct machine_call *call,
		uint32_t max_steps, int *ret_result, const char **ret_why);
