/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Fills the slot with an operation, for the programs of filters. */
#include "filter/call.h"

/*
 * Copies a name to memory that programs cannot write to. Returns 0, or -ENAMETOOLONG and no name.
 */
int call_save_name(char saved[PST_NAME_SIZE], const char *name);
/*
 * Copies the argument and the names of the operation to call->saved, where programs cannot write,
 * and moves its data to the place in the slot. Sets call->name and call->data to the new places.
 * Returns 0, or -errno as the answer if a name is too long or invalid.
 */
int call_fill_save(struct filter_call *call);
/*
 * Fills all members that are the same for each filter. Without look it looks up no file: the names
 * were refused, and the time that a lookup takes must not tell whether they exist.
 */
void call_fill(struct filter_call *call, bool look);
/* Fills the slot again after it was used for other names, with the changes of pre programs. */
void call_fill_again(struct filter_call *call, bool look);
/*
 * Fills the slot with a directory and a name, for programs for names. Returns 0 or -ENAMETOOLONG.
 */
int call_fill_name(struct filter_call *call, struct filter_node *dir, const char *name);
/* Fills the slot with a node that is about to be freed; nobody has a reference. */
void call_fill_forgotten(struct filter_call *call, struct filter_node *node);
/*
 * Fills the slot with the result r of the operation (call->saved->out, call->answer_len), for post
 * programs. found: the attributes of the file under the name; after: the file that was changed or
 * created. Both may be NULL.
 */
void call_fill_result(struct filter_call *call, int r, const struct pst_attr *found,
		      const struct pst_node *after);

/* Returns the value of a member of an argument. */
uint64_t call_member(const union pst_in *in, struct op_member member);
/* Returns how many bytes of data the kernel has room for in the answer. */
uint32_t call_room_out(const struct filter_call *call);
/* Returns how many bytes the data of the request may have after changes; 0: it has no data. */
uint32_t call_room_in(const struct filter_call *call);
/* Returns whether the answer consists of data. */
bool call_answers_data(const struct filter_call *call);
/* Returns whether the last string of a request is data to filters, as that of SYMLINK is. */
bool call_has_text(const struct op *op);
