/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Which CPUs a thread may run on, and when. */
#include <sched.h>

/* As many CPUs as the kernel can be built for, and the size of a set of them: CPU_SET_S() and such. */
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
 * For a thread that has little to do, but that at once: where it is allowed, it runs as soon as it
 * wakes, before what has been running; else sooner than most. It must not do much at a time.
 */
void cpu_prompt(void);
/* For as long as such a thread has much to do. */
void cpu_patient(void);
/*
 * In a loop that waits for what another thread is about to do. sched_yield() would not do: a prompt
 * thread yields to none that is not, so it could wait for ever for one on its own CPU.
 */
void cpu_let_others(void);
