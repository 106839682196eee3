/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which CPUs a thread may run on, and when. */
#include <sched.h>

/*
 * As many CPUs as the kernel can be built for, and the size of a set of them: CPU_SET_S() and such.
 */
#define CPU_MAX 8192
#define CPU_SET_BYTES CPU_ALLOC_SIZE(CPU_MAX)

/* Moves this thread there and keeps it there. 0 or -errno: that CPU cannot be used now. */
int cpu_pin(unsigned int cpu);
/* The CPUs that this thread may run on, for CPU_FREE(); NULL where they cannot be had. */
cpu_set_t *cpu_allowed(void);
/* Likewise for a while; *ret_was goes to cpu_leave(). */
int cpu_enter(unsigned int cpu, cpu_set_t **ret_was);
void cpu_leave(cpu_set_t *was);

/*
 * Gives the calling thread SCHED_FIFO priority 1, so that it runs as soon as it wakes; where that
 * is not permitted, does what cpu_set_normal() does. Only for threads that do little each time they
 * wake.
 */
void cpu_set_fifo(void);
/*
 * Gives the calling thread SCHED_OTHER with a short slice, and its nice value as before. A
 * SCHED_FIFO thread calls this before a long piece of work, and cpu_set_fifo() after it.
 */
void cpu_set_normal(void);
/*
 * Sleeps for 20 microseconds: for loops that wait for another thread. sched_yield() is wrong there,
 * because a SCHED_FIFO thread yields only to threads of its priority, and would wait for ever for a
 * SCHED_OTHER thread of its own CPU.
 */
void cpu_spin_backoff(void);
