// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* rules-owner: owner for the files that rules choose; ../owner/owner.bpf.c has the options. */
#define OWNER_RULES
#include "../owner/owner.bpf.c"
