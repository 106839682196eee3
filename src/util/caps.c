/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* libc would change all threads at once, so the kernel is called directly. No state, no locks. */
#include "util/caps.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

void caps_limit(uint64_t keep)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &head, data);
}
