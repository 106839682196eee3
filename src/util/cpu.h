/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which CPUs a thread may run on. */
#include <sched.h>

/* As many CPUs as the kernel can be built for, and the size of a set of them: CPU_SET_S() and such. */
#define CPU_MAX 8192
#define CPU_SET_BYTES CPU_ALLOC_SIZE(CPU_MAX)

/* Moves this thread there and keeps it there. 0 or -errno: that CPU cannot be used now. */
int cpu_pin(unsigned int cpu);
/* Likewise for a while; *ret_was goes to cpu_leave(). */
int cpu_enter(unsigned int cpu, cpu_set_t **ret_was);
void cpu_leave(cpu_set_t *was);
