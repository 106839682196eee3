/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
#include <stdint.h>

/* The id of the cgroup (version 2) that a process is in, as bpf_get_current_cgroup_id() has it; 0:
 * not known. */
uint64_t cgroup_of(uint32_t pid);
