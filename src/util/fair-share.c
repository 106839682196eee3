// SPDX-License-Identifier: LGPL-2.1-or-later
#include "util/fair-share.h"
#include "util/hash.h"

static _Atomic uint32_t *row_of(struct fair_share *share, uint32_t uid)
{
	return &share->n_of[hash_mix(uid) % FAIR_SHARE_ROWS];
}

bool fair_share_has_room(struct fair_share *share, uint32_t uid)
{
	uint32_t taken = atomic_load_explicit(&share->n_taken, memory_order_relaxed);

	if (uid == 0 || share->n == 0)
		return true;
	return taken < share->n &&
	       atomic_load_explicit(row_of(share, uid), memory_order_relaxed) < share->n - taken;
}

void fair_share_take(struct fair_share *share, uint32_t uid)
{
	atomic_fetch_add_explicit(row_of(share, uid), 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&share->n_taken, 1, memory_order_relaxed);
}

void fair_share_put(struct fair_share *share, uint32_t uid)
{
	atomic_fetch_sub_explicit(row_of(share, uid), 1, memory_order_relaxed);
	atomic_fetch_sub_explicit(&share->n_taken, 1, memory_order_relaxed);
}
