// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* readonly-for: readonly for some callers only; ../readonly/readonly.bpf.c has the options. */
#define READONLY_FOR
#include "../readonly/readonly.bpf.c"
