/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An operation while filters handle it. Programs see it in a slot (struct pst_call), to which any
 * program can write at any time. So the core copies each value from the slot once, checks the copy,
 * and uses the copy: if it read the value again, a program could change it after the check. The
 * original request is kept where programs cannot write.
 *
 * Data is not copied, because it is large, and because all bytes are valid. Its length is copied
 * and checked.
 *
 * A call belongs to the thread that runs the operation.
 */
#include "filter/host.h"

/* The filters that apply to a file by its place in the tree, and the cells of the file. */
struct filter_place {
	uint64_t filters;
	uint64_t cells[PST_MAX_FILTERS];
};

/*
 * The argument of an operation, as the kernel has sent it and as filters have changed it, its
 * names, and its result. Each slot has one such struct, in memory that programs cannot write to.
 */
struct filter_saved {
	union pst_in orig;                       /* the kernel's argument, in the newer form */
	union pst_in cur;                        /* the argument with the changes of filters */
	union pst_out out;                       /* the result */
	char name[2][PST_NAME_SIZE];             /* the names with the changes of filters */
	char left[2][PST_NAME_SIZE];             /* names that a program has left, while checked */
	char real[PST_NAME_SIZE];                /* the spelling of a name in the directory */
	uint64_t note[PST_MAX_FILTERS][2];       /* for post programs; see noted */
	struct filter_place written, from, back; /* of filter/name-check.c */
};

/* A file in the reply to READDIRPLUS, and the state of its record. */
struct filter_entry_id {
	uint64_t nodeid, generation;
	uint64_t name; /* a hash of it */
	uint32_t type; /* S_IFREG, ... */
	uint32_t uid, gid;
	uint32_t at; /* the offset of its record in the data, if listed is true */
	bool listed; /* filters have left its record in the listing, with the attributes below */
	uint32_t shown_mode, shown_uid, shown_gid;
};

struct filter_call {
	/* Constant. */
	const struct filter_host *host;
	void *aux; /* the engine's */
	struct pst_call *slot;
	uint32_t slot_number;
	uint32_t slot_room; /* bytes of slot->data */
	struct filter_saved *saved;

	/* The filters that will apply to the file under the name; valid if filters is not 0. */
	struct filter_place child;

	/* call_begin() clears all members from here on. The engine sets: */
	const struct chain *chain;
	const struct op *op;
	uint32_t opcode;
	uint32_t type, type2; /* S_IFMT bits of node and node2 */
	uint64_t unique;
	struct pst_caller caller; /* with the changes of programs */
	uint32_t uid, gid;        /* the kernel's; set by call_fill_save() */
	struct filter_node *node;
	struct filter_node *node2; /* LINK: the file; RENAME: the new directory */
	const void *arg;           /* op->arg_size bytes, for call_fill_save() */
	const char *name[2];       /* after call_fill_save(): in saved, or in the slot */
	char *data;                /* the request's; after call_fill_save(): in the slot */
	size_t data_len;
	size_t answer_len;           /* bytes of slot->data that are the answer */
	size_t out_len;              /* bytes of saved->out that are the result */
	uint64_t filters;            /* involved in the operation: chain_asked() */
	bool listed;                 /* the name comes from a listing, so its spelling is right */
	struct filter_entry_id *ids; /* READDIRPLUS: the files of the reply, in order */
	size_t n_ids;

	/* The core sets: */
	uint64_t ran;                         /* filters whose pre programs have passed */
	uint64_t decided;                     /* the bit of the filter that has decided */
	const struct chain_entry *decided_by; /* the entry of this filter */
	bool serve;                           /* a program has returned PST_SERVE */
	int verdict;
	int error;                 /* the result so far, while post programs run */
	uint32_t delay_us;         /* the delay that filters have set */
	uint64_t cell;             /* of node, as the running program got it */
	uint64_t noted;            /* filters that have set saved->note */
	struct filter_node *dir;   /* the directory, while a name is checked */
	struct filter_node *known; /* LOOKUP: the node, if it has several names */
	bool failed;               /* the last program has failed, which was reported */
	bool names_changed;        /* pre programs have changed a name */
	bool only_name;            /* LOOKUP: the node has no other name */
	uint64_t seen;             /* LOOKUP: the node's filters when it was found */
};

/* Returns the opcode that programs see. */
static inline uint32_t call_filter_opcode(const struct filter_call *call)
{
	return call->op->filter_opcode ? call->op->filter_opcode : call->opcode;
}

/* Returns the bytes of slot->in that are the argument of the operation. */
static inline size_t call_in_size(const struct filter_call *call)
{
	return op_table[call_filter_opcode(call)].arg_size;
}

/* Begins an operation under a chain: clears all members after child. */
void call_begin(struct filter_call *call, const struct chain *chain, uint32_t opcode);
