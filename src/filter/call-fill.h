/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Fills the slot with an operation, for the programs of filters. */
#include "filter/call.h"

/*
 * Copies a name to memory that programs cannot write to. Returns 0, or -ENAMETOOLONG and saves "".
 */
int call_save_name(char saved[PST_NAME_SIZE], const char *name);
/*
 * Copies the argument and the names of the operation to call->saved, where programs cannot write,
 * and moves its data to slot->data. Sets call->name and call->data to the copies. Returns 0, or
 * -errno for the reply if a name is too long or invalid.
 */
int call_fill_save(struct filter_call *call);
/*
 * Fills all members that are the same for each filter, but not the result. If look is false, looks
 * up no file: a filter has refused the names, and the time of a lookup must not reveal if they
 * exist.
 */
void call_fill(struct filter_call *call, bool look);
/* The same for pre programs: there is no result yet. */
void call_fill_before(struct filter_call *call, bool look);
/* Fills the slot again after it was used for other names, with the changes of pre programs. */
void call_fill_again(struct filter_call *call, bool look);
/*
 * Fills the slot with a directory and a name, for programs for names. Returns 0 or -ENAMETOOLONG.
 */
int call_fill_name(struct filter_call *call, struct filter_node *dir, const char *name);
/* Fills the slot with a node that is being freed: no thread has a reference, or may take one. */
void call_fill_forgotten(struct filter_call *call, struct filter_node *node);
/*
 * Fills the slot with the result r of the operation (call->saved->out, call->answer_len), for post
 * programs. found has the attributes of the file under the name, after the file that was changed or
 * created. Both may be NULL.
 */
void call_fill_result(struct filter_call *call, int r, const struct pst_attr *found,
		      const struct pst_node *after);

/* Returns the value of a member of an argument. */
uint64_t call_member(const union pst_in *in, struct op_member member);
/* Returns the maximum of bytes of data in the reply. */
uint32_t call_room_out(const struct filter_call *call);
/* Returns the maximum of bytes of data in the request after changes; 0 if it has no data. */
uint32_t call_room_in(const struct filter_call *call);
/* Returns whether the reply consists of data. */
bool call_answers_data(const struct filter_call *call);
/* Returns whether filters see the last string of a request as data, as for SYMLINK. */
bool call_has_text(const struct op *op);
