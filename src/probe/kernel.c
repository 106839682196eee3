// SPDX-License-Identifier: LGPL-2.1-or-later
/* Tries the kernel facilities besides FUSE that a view uses. */
#include "fs/fs.h"
#include "probe/probe.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <penstock/penstock.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The C library of Debian 12 does not have this number, which all architectures share. */
#define NR_FCHMODAT2 452

/* The struct delegation of <linux/fcntl.h>, since Linux 6.19. */
#ifndef F_GETDELEG
#define F_GETDELEG (1024 + 15)
#endif

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

/* Adds the row of a system call, by the error of a call that cannot succeed. */
static void probe_call(struct probe *probe, const char *name, long result, const char *since,
		       const char *without)
{
	if (result < 0 && errno == ENOSYS)
		probe_row(probe, name, false, "The kernel lacks this system call (%s has it): %s.",
			  since, without);
	else
		probe_row(probe, name, true, "The kernel has this system call.");
}

static void probe_statx(struct probe *probe)
{
	struct statx stx = { 0 };

	if (statx(AT_FDCWD, "/", 0, STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &stx) < 0)
		stx.stx_mask = 0;
	if (stx.stx_mask & STATX_MNT_ID_UNIQUE)
		probe_row(probe, "statx_mnt_id", true,
			  "Mounts are told apart by numbers that are never used again.");
	else if (stx.stx_mask & STATX_MNT_ID)
		probe_row(probe, "statx_mnt_id", true,
			  "Mounts are told apart by numbers; they are used again after an unmount "
			  "(Linux 6.8 has better ones).");
	else
		probe_row(probe, "statx_mnt_id", false,
			  "Mounts below LOWER cannot be told apart: Linux 5.8 is needed.");
}

/* Loads a program of the type of filters: "return 0". Returns 0 or -errno. */
static int load_program(void)
{
	static const struct bpf_insn program[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SYSCALL,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(program[0]),
		.license = (uintptr_t) "Dual BSD/GPL",
		.prog_flags = BPF_F_SLEEPABLE,
	};
	int fd = syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0)
		return -errno;
	fd_close(fd);
	return 0;
}

static void probe_bpf(struct probe *probe)
{
	const char *name = "bpf_filters", *locked = caps_lockdown();
	int r = load_program();

	if (r == 0)
		probe_row(probe, name, true,
			  "Programs of the type that filters are can be loaded.");
	else if (r == -EPERM && locked)
		probe_row(probe, name, false,
			  "Loading is forbidden; the kernel is locked down (%s), see "
			  "kernel_lockdown(7).",
			  locked);
	else if (r == -EPERM && caps_in_user_namespace())
		probe_row(probe, name, false,
			  "Loading programs takes CAP_BPF in the initial user namespace, and this "
			  "is another one.");
	else if (r == -EPERM && !caps_have(CAP_SYS_ADMIN) && !caps_have(CAP_BPF))
		probe_row(probe, name, false, "Loading programs takes CAP_BPF: run as root.");
	else if (r == -EPERM)
		probe_row(probe, name, false,
			  "Loading is forbidden although the capability is there: a container's "
			  "seccomp profile or security module refuses bpf(2).");
	else if (r == -ENOSYS)
		probe_row(probe, name, false, "The kernel was built without CONFIG_BPF_SYSCALL.");
	else if (r == -EINVAL && !probe_kernel_is(5, 14))
		probe_row(probe, name, false,
			  "This kernel is too old: Linux 5.14 has such programs.");
	else
		probe_row(probe, name, false, "Loading a program fails: %s.", strerror(-r));
}

static void probe_fanotify(struct probe *probe)
{
	const char *name = "fanotify";
	int r = fs_watch_try();

	if (r == 0)
		probe_row(probe, name, true,
			  "Changes of a file system can be watched, named by file handles.");
	else if (r == -ENOSYS)
		probe_row(probe, name, false, "The kernel was built without CONFIG_FANOTIFY.");
	else if (r == -EINVAL)
		probe_row(probe, name, false,
			  "This kernel is too old: events that name the changed file come with "
			  "Linux 5.17.");
	else if (r == -EPERM && caps_in_user_namespace())
		probe_row(probe, name, false,
			  "Watching takes CAP_SYS_ADMIN in the initial user namespace, and this is "
			  "another one.");
	else if (r == -EPERM)
		probe_row(probe, name, false, "Watching takes CAP_SYS_ADMIN: run as root.");
	else if (r == -EMFILE)
		probe_row(probe, name, false,
			  "This user has no watching group left: raise "
			  "/proc/sys/fs/fanotify/max_user_groups.");
	else
		probe_row(probe, name, false, "Watching fails: %s.", strerror(-r));
}

/* Takes a read lease on a new memory file. Returns 0 or -errno. */
static int try_lease(void)
{
	_cleanup_(fd_closep) int memory_fd = memfd_create("penstock-probe", MFD_CLOEXEC);
	_cleanup_(fd_closep) int fd = -1;

	if (memory_fd < 0)
		return -errno;
	/* A read lease is refused while a descriptor for writing is open. */
	fd = fd_reopen(memory_fd, O_RDONLY);
	if (fd < 0)
		return fd;
	memory_fd = fd_close(memory_fd);
	return fcntl(fd, F_SETLEASE, F_RDLCK) < 0 ? -errno : 0;
}

static void probe_leases(struct probe *probe)
{
	char enabled[8];
	int r;

	if (fd_read_file("/proc/sys/fs/leases-enable", enabled, sizeof(enabled)) >= 0 &&
	    enabled[0] == '0') {
		probe_row(probe, "leases", false,
			  "Leases are switched off: sysctl fs.leases-enable=1 allows them.");
		return;
	}
	r = try_lease();
	if (r < 0)
		probe_row(probe, "leases", false, "Taking a lease on a file in memory fails: %s.",
			  strerror(-r));
	else
		probe_row(probe, "leases", true,
			  "A read lease tells when a file is about to be opened for writing.");
}

static void probe_delegations(struct probe *probe)
{
	_cleanup_(fd_closep) int fd = memfd_create("penstock-probe", MFD_CLOEXEC);
	struct {
		uint32_t flags;
		uint16_t type, pad;
	} delegation = { 0 };

	if (fd >= 0 && fcntl(fd, F_GETDELEG, &delegation) == 0)
		probe_row(probe, "delegations", true,
			  "The kernel has delegations of files and directories; a view makes no "
			  "use of them: others would have to wait for it.");
	else
		probe_row(probe, "delegations", false,
			  "Linux 6.19 has delegations of files and directories; nothing is lost, a "
			  "view would make no use of them.");
}

void probe_kernel(struct probe *probe)
{
	probe_bpf(probe);
	probe_fanotify(probe);
	probe_leases(probe);
	probe_delegations(probe);
	probe_call(probe, "fchmodat2", syscall(NR_FCHMODAT2, -1, "", 0, 0), "Linux 6.6",
		   "modes are changed through /proc");
	probe_statx(probe);
}
