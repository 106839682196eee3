/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Shares of users in a resource of which there is a fixed amount.
 *
 * A user may have as many pieces as there are free. So a user alone gets half of them, two users
 * get a third each, and whoever comes next always finds some free. Root has no limit here. Users
 * whose IDs have the same hash share a share.
 *
 * No locks: each function may be called from any thread. Two users who take a piece at the same
 * moment may get one too many.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SHARE_ROWS 1024u

struct share {
	uint32_t n;			/* constant: the amount; 0: it is not limited */
	_Atomic uint32_t n_taken;
	_Atomic uint32_t n_of[SHARE_ROWS];
};

/* Whether the user may have one more piece. */
bool share_has_room(struct share *share, uint32_t uid);
/* Takes a piece for the user, whether there is room or not. */
void share_take(struct share *share, uint32_t uid);
/* Gives one back. */
void share_put(struct share *share, uint32_t uid);
