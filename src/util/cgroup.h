/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Cgroups of processes. */
#include <stdint.h>

/*
 * Returns the ID of the cgroup (version 2) of a process, the number that
 * bpf_get_current_cgroup_id() returns in that process; 0 if the ID is not known. Makes five system
 * calls.
 */
uint64_t cgroup_of(uint32_t pid);
