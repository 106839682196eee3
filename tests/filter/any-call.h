/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Random calls, made so that programs of filters get far: files have cells that programs have given
 * to others, names occur in patterns, data is text with keys, an ACL or a listing.
 */
#include "../random.h"

#include <penstock/filter.h>

/* Return a number below n, and one that programs may compare with; by $FILTER_SEED. */
uint32_t any(uint32_t n);
uint64_t any_number(void);

/* Fills the call of an operation, which has room for data_size bytes. */
void any_call(struct pst_call *call, uint32_t opcode, uint32_t data_size);
/* Remembers the cells that a program has left in a call, for the calls after it. */
void any_call_learn(const struct pst_call *call);
/* Forgets all cells but that of the root. */
void any_call_forget(uint64_t root);
