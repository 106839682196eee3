// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* fault-data: as fault, and also for reads and writes; ../fault/fault.bpf.c has the options. */
#define FAULT_DATA
#include "../fault/fault.bpf.c"
