// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* For the mount ring: data.bpf.c, and what was changed may be kept in the page cache. */
#define CACHED
#include "data.bpf.c"
