// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The terminal that the command shares with the programs outside. It stays the command's
 * controlling terminal, and the command stays in the process group that the shell has made: so job
 * control is the shell's. A new session, which would also prevent TIOCSTI, would end job control.
 * No state, no locks.
 */
#include "run/terminal.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOAD_AT(field, offset)                                                                     \
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS,                                                         \
		 (unsigned int)offsetof(struct seccomp_data, field) + (offset))
#define LOAD(field)                LOAD_AT(field, 0)
#define IS(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, then, otherwise)

#if __BYTE_ORDER == __LITTLE_ENDIAN
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

/*
 * The numbers of ioctl(2): of native programs, of those of the x32 kind, and of those of 32 bits,
 * whose system calls have another architecture. Both machines that run these use the same number.
 */
#if defined(__x86_64__)
#define ARCH      AUDIT_ARCH_X86_64
#define IOCTL_X32 (0x40000000 | 514)
#define IOCTL_32  54
#elif defined(__aarch64__)
#define ARCH      AUDIT_ARCH_AARCH64
#define IOCTL_X32 SYS_ioctl
#define IOCTL_32  54
#endif

int terminal_protect(struct pst_error *error)
{
	/* Compares the low half of the request, as the kernel does. */
	struct sock_filter code[] = {
#ifdef ARCH
		LOAD(arch),
		IS(ARCH, 2, 0),
		LOAD(nr),
		IS(IOCTL_32, 3, 6),
		LOAD(nr),
		IS(SYS_ioctl, 1, 0),
		IS(IOCTL_X32, 0, 3),
#else
		LOAD(nr),
		IS(SYS_ioctl, 0, 3),
#endif
		LOAD_AT(args[1], LOW_HALF),
		IS(TIOCSTI, 2, 0),
		IS(TIOCLINUX, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(code[0]), .filter = code };

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0)
		return 0;
	return error_set(error, -errno, "cannot protect the terminal from the command: seccomp: %s",
			 strerror(errno));
}

pid_t terminal_foreground(void)
{
	_cleanup_(fd_closep) int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -1 : tcgetpgrp(fd);
}

void terminal_restore(pid_t group)
{
	_cleanup_(fd_closep) int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	pid_t now = fd < 0 ? -1 : tcgetpgrp(fd);

	/* SIGTTOU, which the kernel sends to a background group, is blocked. */
	if (now > 0 && kill(-now, 0) < 0 && errno == ESRCH)
		tcsetpgrp(fd, group);
}
