// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * readonly-for: readonly (../readonly/readonly.bpf.c, which says what the options are), for some.
 */
#define READONLY_FOR
#include "../readonly/readonly.bpf.c"
