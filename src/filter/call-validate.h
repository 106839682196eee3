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
 * Returns whether a program after the operation has left the argument (in) and the names unchanged;
 * otherwise puts them back, because the operation, which they were for, is done.
 */
bool call_validate_unasked(struct filter_call *call, const union pst_in *in);
