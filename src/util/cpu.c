/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "util/cpu.h"

#include <errno.h>

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

int cpu_enter(unsigned int cpu, cpu_set_t **ret_was)
{
	cpu_set_t *was = CPU_ALLOC(CPU_MAX);
	int r;

	if (!was)
		return -ENOMEM;
	r = sched_getaffinity(0, CPU_SET_BYTES, was) < 0 ? -errno : cpu_pin(cpu);
	if (r < 0) {
		CPU_FREE(was);
		return r;
	}
	*ret_was = was;
	return 0;
}

void cpu_leave(cpu_set_t *was)
{
	if (!was)
		return;
	sched_setaffinity(0, CPU_SET_BYTES, was);
	CPU_FREE(was);
}
