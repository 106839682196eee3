// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Capabilities, by system calls that the C library does not declare. Each thread has its own: these
 * functions read and change those of the calling thread only. No state, no locks.
 */
#include "util/caps.h"
#include "util/fd.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct caps caps_get(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	syscall(SYS_capget, &head, data);
	return (struct caps){
		.effective = data[0].effective | (uint64_t)data[1].effective << 32,
		.permitted = data[0].permitted | (uint64_t)data[1].permitted << 32,
	};
}

int caps_set(uint64_t effective, uint64_t permitted)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = (uint32_t)effective, .permitted = (uint32_t)permitted },
		{ .effective = (uint32_t)(effective >> 32),
		  .permitted = (uint32_t)(permitted >> 32) },
	};

	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

bool caps_have(int cap)
{
	return caps_get().effective & CAP_BIT(cap);
}

void caps_limit(uint64_t keep)
{
	uint64_t kept = caps_get().permitted & keep;

	caps_set(kept, kept);
}

bool caps_in_user_namespace(void)
{
	uint32_t inside, outside, count;
	char map[128];

	/* The initial user namespace maps each ID to the same ID. */
	return fd_read_file("/proc/self/uid_map", map, sizeof(map)) > 0 &&
	       (sscanf(map, "%u %u %u", &inside, &outside, &count) != 3 || inside != 0 ||
		outside != 0 || count != UINT32_MAX);
}

const char *caps_lockdown(void)
{
	char text[128];

	/* "none [integrity] confidentiality": the brackets mark the mode. */
	if (fd_read_file(CAPS_LOCKDOWN_FILE, text, sizeof(text)) < 0)
		return NULL;
	if (strstr(text, "[confidentiality]"))
		return "confidentiality";
	return strstr(text, "[integrity]") ? "integrity" : NULL;
}
