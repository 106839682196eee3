/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A program that answers operations (struct pst_node_ops) as a test tells it to. It answers names
 * in the root, where every name but "file" is a file with the same key.
 */
#include "kernel.h"
#include "request/served.h"

/* The behaviour of the program, and what it was asked. */
extern struct scripted_program {
	const char *key;
	size_t key_len;
	struct statx stx;
	int64_t result;   /* of lookup, getattr, read, write, ... */
	int64_t reply;    /* PST_LATER: the result for pst_reply() */
	bool reply_first; /* PST_LATER: the reply comes before the callback has returned */
	enum pst_data data;
	unsigned int n_names; /* of a listing */
	uint32_t listed_key_len;
	const char *bad_name;
	bool repeats; /* each listing begins with the first name */
	uint32_t answers;
	_Atomic unsigned int n_ops, n_forgotten, n_released, n_calls, n_lookups;
	struct pst_request *_Atomic kept;
} program;

/*
 * Starts a view with the program, whose behaviour is reset: the key is "key", a regular file of 10
 * bytes. quick and loop are those of struct pst_node_ops; complaints is that of struct k_options.
 */
struct kernel *program_start(void **state, uint32_t quick, uint32_t loop, bool complaints);
/* Two of its callbacks, for a test with others beside them. */
uint32_t program_answers(void *aux, const struct pst_file *file);
int program_getattr(struct pst_request *req, struct statx *stx);
/* Looks the file with a key up, and opens it. */
struct fuse_entry_out open_keyed(struct kernel *k, struct fuse_open_out *ret_open);
