/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Apply the changes that a program has left in the slot: all, or none. Each function returns false
 * if a change is invalid.
 */
#include "filter/call.h"

/* Applies the changes of a pre program to the request. */
bool call_validate_request(struct filter_call *call);
/* After PST_DONE: uses the result and data in the slot as the reply. */
bool call_validate_answer(struct filter_call *call);
/* Applies the changes of a post program to the reply. */
bool call_validate_result(struct filter_call *call);
/*
 * Returns whether a post program has left the argument (in) and the names unchanged; if not,
 * restores them in the slot.
 */
bool call_validate_unasked(struct filter_call *call, const union pst_in *in);
