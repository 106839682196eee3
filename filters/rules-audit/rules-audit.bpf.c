// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* rules-audit: audit for the files that rules choose; ../audit/audit.bpf.c has the options. */
#define AUDIT_RULES
#include "../audit/audit.bpf.c"
