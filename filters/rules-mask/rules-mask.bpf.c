// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* rules-mask: mask for the files that rules choose; ../mask/mask.bpf.c has the options. */
#define MASK_RULES
#include "../mask/mask.bpf.c"
