/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * An operation on its way through the filters. It is put before them in a slot (struct pst_call),
 * which all of them can write to at any time. So nothing in a slot is believed: what programs leave
 * is copied once, the copy is checked, and the copy is used. The request as it came stays out
 * of reach.
 *
 * Data is the exception: it is too much to copy, and any bytes are good ones. Lengths of it are
 * not.
 *
 * A call belongs to the thread that runs the operation.
 */
#include "filter/host.h"

/* The filters that hold for a file by its place, and the cells of those that use cells. */
struct filter_place {
	uint64_t filters;
	uint64_t cells[PST_MAX_FILTERS];
};

/*
 * The argument and the names of an operation, as they came and as filters have changed them, and
 * the operation's result. Each slot has one, in memory that programs cannot write to.
 */
struct filter_saved {
	union pst_in orig;                 /* the argument as it came, in the newer of two forms */
	union pst_in cur;                  /* ... as it is now */
	union pst_out out;                 /* the result */
	char name[2][PST_NAME_SIZE];       /* as they are now */
	char left[2][PST_NAME_SIZE];       /* as a program has left them, while they are checked */
	char real[PST_NAME_SIZE];          /* what the directory has for a name */
	uint64_t note[PST_MAX_FILTERS][2]; /* from before for after; see call.noted */
	struct filter_place written, from, back; /* of filter/name-check.c */
};

/* A file that a listing with entries tells the kernel of, and what has become of its record. */
struct filter_entry_id {
	uint64_t nodeid, generation;
	uint64_t name; /* a hash of it */
	uint32_t type; /* S_IFREG, ... */
	uint32_t uid, gid;
	uint32_t at; /* where its record begins in the data, if it is listed */
	bool listed; /* filters have left its record there ... */
	uint32_t shown_mode, shown_uid, shown_gid; /* ... with these */
};

struct filter_call {
	/* Constant. */
	const struct filter_host *host;
	void *aux; /* the engine's */
	struct pst_call *slot;
	uint32_t slot_number;
	uint32_t slot_room; /* bytes of slot->data */
	struct filter_saved *saved;

	/* The filters that will hold for the file under the name: valid only with filters. */
	struct filter_place child;

	/* From here on cleared by call_begin(); then set by the engine: */
	const struct chain *chain;
	const struct op *op;
	uint32_t opcode;
	uint32_t type, type2; /* S_IFMT bits of node and node2 */
	uint64_t unique;
	struct pst_caller caller; /* uid, gid: those that programs have put there */
	uint32_t uid, gid;        /* ... as they came: by call_fill_save() */
	struct filter_node *node;
	struct filter_node *node2; /* LINK: what is linked; RENAME: the new directory */
	const void *arg;           /* op->arg_size bytes; for call_fill_save() alone */
	const char *name[2];       /* after call_fill_save(): in saved, or in the slot */
	char *data;                /* the request's; after call_fill_save(): in the slot */
	size_t data_len;
	size_t answer_len;           /* bytes of slot->data that are the answer */
	size_t out_len;              /* bytes of saved->out that are the result */
	uint64_t filters;            /* bits of those that have to do with it: chain_asked() */
	bool listed;                 /* its name comes from a listing: it is written so */
	struct filter_entry_id *ids; /* READDIRPLUS: files that it may tell of, in order */
	size_t n_ids;

	/* How far it has come: */
	uint64_t ran;                         /* filters whose turn came before it was decided */
	uint64_t decided;                     /* the bit of the one that decided it ... */
	const struct chain_entry *decided_by; /* ... and its entry */
	int verdict;
	int error;                 /* the result so far, while programs run after it */
	uint32_t delay_us;         /* filters want it to wait for so long */
	uint64_t noted;            /* filters with something in saved->note */
	struct filter_node *dir;   /* where a name is checked, while it is */
	struct filter_node *known; /* LOOKUP: the node, where it has other names as well */
	bool names_changed;        /* programs before it have changed a name */
	bool only_name;            /* LOOKUP: the node that was found has no other name */
	uint64_t seen;             /* LOOKUP: the node's filters when it was found */
};

/* Begins an operation under a chain: everything behind child is cleared. */
void call_begin(struct filter_call *call, const struct chain *chain, uint32_t opcode);
