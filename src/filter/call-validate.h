/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Takes what programs leave in the slot: all of it, or none. */
#include "filter/call.h"

/* After a program before the operation: makes what it left the request. false: it may not be. */
bool call_validate_request(struct filter_call *call);
/* After PST_DONE: makes what the program filled the answer. false: it is none. */
bool call_validate_answer(struct filter_call *call);
/* After a program after the operation: makes what it left the answer. false: it may not be. */
bool call_validate_result(struct filter_call *call);
/*
 * Whether a program after the operation has left argument (in) and names as they are, which nobody
 * would look at any more. Where it has not, they are put back.
 */
bool call_validate_unasked(struct filter_call *call, const union pst_in *in);
