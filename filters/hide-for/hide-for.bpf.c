// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* hide-for: hide for some callers only; ../hide/hide.bpf.c has the options. */
#define HIDE_FOR
#include "../hide/hide.bpf.c"
