// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* hide-for: hide (../hide/hide.bpf.c, which says what the options are), for some callers. */
#define HIDE_FOR
#include "../hide/hide.bpf.c"
