// SPDX-License-Identifier: LGPL-2.1-or-later
/* CPU affinity and scheduling. No state, no locks. */
#include "util/cpu.h"

#include <errno.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLICE_NS 100000

int cpu_pin(unsigned int cpu)
{
	cpu_set_t *set = CPU_ALLOC(CPU_MAX);
	int r;

	if (!set)
		return -ENOMEM;
	CPU_ZERO_S(CPU_SET_BYTES, set);
	CPU_SET_S(cpu, CPU_SET_BYTES, set);
	r = sched_setaffinity(0, CPU_SET_BYTES, set) < 0 ? -errno : 0;
	CPU_FREE(set);
	return r;
}

cpu_set_t *cpu_allowed(void)
{
	cpu_set_t *set = CPU_ALLOC(CPU_MAX);

	if (set && sched_getaffinity(0, CPU_SET_BYTES, set) < 0) {
		CPU_FREE(set);
		set = NULL;
	}
	return set;
}

int cpu_enter(unsigned int cpu, cpu_set_t **ret_was)
{
	cpu_set_t *was = cpu_allowed();
	int r = was ? cpu_pin(cpu) : -ENOMEM;

	if (r == 0)
		*ret_was = was;
	else if (was)
		CPU_FREE(was);
	return r;
}

void cpu_leave(cpu_set_t *was)
{
	if (!was)
		return;
	sched_setaffinity(0, CPU_SET_BYTES, was);
	CPU_FREE(was);
}

/* The struct sched_attr of sched_setattr(2). Some C libraries have neither of the two. */
struct policy {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t slice_ns, deadline_ns, period_ns;
};

static int set_policy(struct policy policy)
{
	policy.size = sizeof(policy);
	return syscall(SYS_sched_setattr, 0, &policy, 0) < 0 ? -errno : 0;
}

/*
 * Any thread may choose a short slice. Since Linux 6.12 the scheduler runs a thread with a short
 * slice sooner after it wakes.
 */
void cpu_set_normal(void)
{
	set_policy((struct policy){
		.policy = SCHED_OTHER,
		.nice = getpriority(PRIO_PROCESS, 0),
		.slice_ns = SLICE_NS,
	});
}

void cpu_set_fifo(void)
{
	/* The lowest real-time priority, so that only SCHED_OTHER threads wait for this thread. */
	if (set_policy((struct policy){ .policy = SCHED_FIFO, .priority = 1 }) < 0)
		cpu_set_normal();
}

void cpu_spin_backoff(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
}
