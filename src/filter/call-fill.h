/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Puts an operation before filters: fills the slot. */
#include "filter/call.h"

/*
 * Takes what came with the operation out of the reach of filters: argument and names to
 * call->saved, data to its place in the slot. call->name and call->data say where they are then. 0
 * or -errno (an answer): a name is too long, or is none.
 */
int call_fill_save(struct filter_call *call);
/*
 * Fills in all that does not depend on which filter looks. Without look nothing is looked up below:
 * the names were refused, and how long that takes must not say whether they are there.
 */
void call_fill(struct filter_call *call, bool look);
/* Fills the slot again after programs have run and the slot has been used for other names. */
void call_fill_again(struct filter_call *call, bool look);
/*
 * A directory and name in the place of the operation's: for programs for names. 0 or -ENAMETOOLONG.
 */
int call_fill_name(struct filter_call *call, struct filter_node *dir, const char *name);
/* A node without references that is about to go, in the place of an operation's. */
void call_fill_forgotten(struct filter_call *call, struct filter_node *node);
/*
 * The operation has come to r: its result (call->saved->out, call->answer_len) for programs after
 * it. found: the attributes of the name's file; after: of the file that was changed or made; or
 * NULL.
 */
void call_fill_result(struct filter_call *call, int r, const struct pst_attr *found,
		      const struct pst_node *after);

/* Returns the value of a member of an argument. */
uint64_t call_member(const union pst_in *in, struct op_member member);
/*
 * Bytes of data that the kernel has room for in the answer; that the data of a request may become.
 */
uint32_t call_room_out(const struct filter_call *call);
uint32_t call_room_in(const struct filter_call *call);
/* Returns whether the answer is data. */
bool call_answers_data(const struct filter_call *call);
/* Returns whether the last string of a request is data to filters, as SYMLINK's is. */
bool call_has_text(const struct op *op);
