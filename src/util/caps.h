/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Capabilities of the calling thread. */
#include <stdint.h>

#define CAP_BIT(cap) (1ULL << (cap))

/* Gives up all capabilities of this thread but these, for good. */
void caps_limit(uint64_t keep);
