/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Capabilities of the calling thread, and two states of the system that make them useless. */
#include <stdbool.h>
#include <stdint.h>

#define CAP_BIT(cap) (1ULL << (cap))

#define CAPS_LOCKDOWN_FILE "/sys/kernel/security/lockdown"

struct caps {
	uint64_t effective, permitted; /* CAP_BIT(CAP_...) */
};

/* Returns the thread's capabilities. */
struct caps caps_get(void);
/* Sets the thread's capabilities, and clears the inheritable set. Returns 0 or -errno. */
int caps_set(uint64_t effective, uint64_t permitted);
/* Returns whether a capability is in the thread's effective set. */
bool caps_have(int cap);
/* Drops all capabilities of this thread except the set keep (CAP_BIT()), permanently. */
void caps_limit(uint64_t keep);

/*
 * Returns whether this process is in a user namespace other than the initial one: the kernel then
 * refuses calls that need a capability in the initial one (BPF, passthrough, fanotify).
 */
bool caps_in_user_namespace(void);
/*
 * Returns the mode of kernel_lockdown(7), "integrity" or "confidentiality"; NULL if the kernel is
 * not locked down. The string is a constant.
 */
const char *caps_lockdown(void);
