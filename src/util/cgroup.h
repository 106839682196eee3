/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <stdint.h>

/*
 * Returns the ID of a process's cgroup (version 2), the number that bpf_get_current_cgroup_id()
 * returns; 0: not known. Takes five system calls.
 */
uint64_t cgroup_of(uint32_t pid);
