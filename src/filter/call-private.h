/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What differs between operations, for both sides of a frame: filling it, and taking what is left. */
#include "filter/call.h"

/* The result of an operation. Entries and open files come with numbers that only the engine has. */
enum frame_result {
	RESULT_NONE,
	RESULT_PLAIN,
	RESULT_ENTRY,
	RESULT_CREATE,
	RESULT_OPEN,
};
enum frame_result frame_result_of(uint32_t opcode, size_t *ret_size);

/* The argument as it came, in the newer of two forms. */
const union pst_in *frame_came(const struct req *req);
/* Bytes of data that the kernel has room for in the answer; that the data of a request may become. */
uint32_t frame_room_out(const struct req *req);
uint32_t frame_room_in(const struct req *req);
/* Whether the answer is data. */
bool frame_answers_data(const struct req *req);
/* SYMLINK's second text is data to filters; TMPFILE's only one says nothing. */
unsigned int frame_n_names(const struct wire_msg *msg);
void frame_fill_attr(struct pst_attr *attr, const struct statx *stx);
