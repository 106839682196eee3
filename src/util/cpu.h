/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* CPU affinity and scheduling of the calling thread. */
#include <sched.h>

/* The most CPUs that a kernel can be built for, and the size of a set of them, for CPU_SET_S(). */
#define CPU_MAX       8192
#define CPU_SET_BYTES CPU_ALLOC_SIZE(CPU_MAX)

/* Pins the thread to a CPU. Returns 0, or -errno if the thread cannot run on this CPU now. */
int cpu_pin(unsigned int cpu);
/*
 * Returns the CPUs that the thread may run on; the caller frees the set with CPU_FREE(). Returns
 * NULL on failure.
 */
cpu_set_t *cpu_allowed(void);
/*
 * Pins the thread to a CPU, and sets *ret_was to the CPUs that the thread could run on before.
 * Returns 0 or -errno. After 0 the caller must pass *ret_was to cpu_leave(), which restores and
 * frees the set. cpu_leave() accepts NULL.
 */
int cpu_enter(unsigned int cpu, cpu_set_t **ret_was);
void cpu_leave(cpu_set_t *was);

/*
 * Gives the calling thread SCHED_FIFO priority 1, so that it runs as soon as it wakes. If that is
 * not permitted, does the same as cpu_set_normal(). Only for threads that do little each time they
 * wake.
 */
void cpu_set_fifo(void);
/*
 * Gives the calling thread SCHED_OTHER with a short slice, and its nice value as before. A
 * SCHED_FIFO thread calls this before a long piece of work, and cpu_set_fifo() after it.
 */
void cpu_set_normal(void);
/*
 * Sleeps for 20 microseconds. For loops that wait for another thread. sched_yield() would deadlock
 * there: a SCHED_FIFO thread yields only to threads of its priority, so it would keep the CPU from
 * the SCHED_OTHER thread that it waits for.
 */
void cpu_spin_backoff(void);
