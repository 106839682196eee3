// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* fault-data: fault (../fault/fault.bpf.c, which says what the options are), for data, too. */
#define FAULT_DATA
#include "../fault/fault.bpf.c"
