/* SPDX-License-Identifier: GPL-2.0-only */
/* The types that penstock/fuse.h and penstock/filter.h need, from the kernel's headers. */
#ifndef PENSTOCK_STDINT_H
#define PENSTOCK_STDINT_H

#include <linux/types.h>

#endif
