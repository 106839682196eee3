/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Limits each user to a fair share of a resource of a fixed amount.
 *
 * A user may have as many pieces as are free. So a single user gets half of the pieces, two users
 * get a third each, and some pieces always stay free for the next user. Root has no limit. Users
 * whose IDs have the same hash have one share together.
 *
 * Locks nothing; any thread may call each function. If two threads take a piece at the same time,
 * one of them may exceed the limit by one.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define FAIR_SHARE_ROWS 1024u

struct fair_share {
	uint32_t n; /* pieces in all, constant; 0 for no limit */
	_Atomic uint32_t n_taken;
	_Atomic uint32_t n_of[FAIR_SHARE_ROWS];
};

/* Returns whether the user may take one more piece. */
bool fair_share_has_room(struct fair_share *share, uint32_t uid);
/* Takes a piece for the user; does not check whether the user may take it. */
void fair_share_take(struct fair_share *share, uint32_t uid);
/* Gives a piece back. */
void fair_share_put(struct fair_share *share, uint32_t uid);
