/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Takes over the changes that a program has left in the slot: all, or none. */
#include "filter/call.h"

/*
 * After a pre program: makes its changes part of the request. Returns false if one is invalid. So
 * do the others.
 */
bool call_validate_request(struct filter_call *call);
/* After PST_DONE: makes what the program has filled in the answer. */
bool call_validate_answer(struct filter_call *call);
/* After a post program: makes its changes part of the answer. */
bool call_validate_result(struct filter_call *call);
/*
 * Returns whether a post program has left the argument (in) and the names unchanged; if not,
 * restores them in the slot.
 */
bool call_validate_unasked(struct filter_call *call, const union pst_in *in);
