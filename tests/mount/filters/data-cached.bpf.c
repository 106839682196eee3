// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* data.bpf.c compiled so that the kernel may cache the changed data. */
#define CACHED
#include "data.bpf.c"
