// SPDX-License-Identifier: LGPL-2.1-or-later
/* Probes the kernel features other than FUSE that a view uses. No state, no locks. */
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

/* The number is the same on all architectures; the C library of Debian 12 does not define it. */
#define NR_FCHMODAT2 452

/* The struct delegation of <linux/fcntl.h>, since Linux 6.19. */
#ifndef F_GETDELEG
#define F_GETDELEG (1024 + 15)
#endif

#ifndef STATX_MNT_ID_UNIQUE
#define STATX_MNT_ID_UNIQUE 0x00004000U
#endif

/* Makes a call that cannot succeed: its error shows whether the kernel has the system call. */
static void probe_fchmodat2(struct probe *probe)
{
	bool on = syscall(NR_FCHMODAT2, -1, "", 0, 0) == 0 || errno != ENOSYS;

	probe_row(probe, "fchmodat2", on, "%s",
		  on ? "The kernel has this system call." :
		       "The kernel lacks this system call, which Linux 6.6 has: modes are changed "
		       "through /proc.");
}

static void probe_statx(struct probe *probe)
{
	struct statx stx = { 0 };

	if (statx(AT_FDCWD, "/", 0, STATX_MNT_ID | STATX_MNT_ID_UNIQUE, &stx) < 0)
		stx.stx_mask = 0;
	probe_row(probe, "statx_mnt_id", stx.stx_mask & (STATX_MNT_ID | STATX_MNT_ID_UNIQUE), "%s",
		  stx.stx_mask & STATX_MNT_ID_UNIQUE ?
			  "The kernel gives each mount a unique ID." :
		  stx.stx_mask & STATX_MNT_ID ?
			  "The kernel gives each mount an ID, but reuses the IDs of removed mounts "
			  "(Linux 6.8 does not)." :
			  "The kernel does not give the ID of a mount. Linux 5.8 does.");
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
	const char *name = "bpf_filters", *locked = caps_lockdown(), *why = NULL;
	int r = load_program();

	if (r == 0)
		why = "Programs of the type of filters can be loaded.";
	else if (r == -EPERM && locked)
		probe_row(probe, name, false,
			  "The kernel is locked down (%s), see kernel_lockdown(7), and loads no "
			  "programs.",
			  locked);
	else if (r == -EPERM && caps_in_user_namespace())
		why = "Loading programs needs CAP_BPF in the initial user namespace. This process "
		      "is in another one.";
	else if (r == -EPERM && !caps_have(CAP_SYS_ADMIN) && !caps_have(CAP_BPF))
		why = "Loading programs needs CAP_BPF: run this command as root.";
	else if (r == -EPERM)
		why = "This process has the capability, but the seccomp profile of a container or "
		      "a security module refuses bpf(2).";
	else if (r == -ENOSYS)
		why = "The kernel was built without CONFIG_BPF_SYSCALL.";
	else if (r == -EINVAL && !probe_kernel_is(5, 14))
		why = "This kernel is too old. Linux 5.14 has such programs.";
	else
		probe_row(probe, name, false, "Loading a program fails: %s.", strerror(-r));
	if (why)
		probe_row(probe, name, r == 0, "%s", why);
	probe_row(probe, "filters", true, "%s",
		  r == 0 ? "Filters run in the kernel (filters=auto)." :
			   "Filters run in the process of the view (filters=auto), which needs no "
			   "privilege.");
}

static void probe_fanotify(struct probe *probe)
{
	const char *name = "fanotify", *why = NULL;
	int r = fs_watch_try();

	if (r == 0)
		why = "A view can watch a file system for changes, by the handles of the files.";
	else if (r == -ENOSYS)
		why = "The kernel was built without CONFIG_FANOTIFY.";
	else if (r == -EINVAL)
		why = "This kernel is too old. Linux 5.17 has events that name the changed file.";
	else if (r == -EPERM && caps_in_user_namespace())
		why = "Watching needs CAP_SYS_ADMIN in the initial user namespace. This process is "
		      "in another one.";
	else if (r == -EPERM)
		why = "Watching needs CAP_SYS_ADMIN: run this command as root.";
	else if (r == -EMFILE)
		why = "This user has too many fanotify groups: raise "
		      "/proc/sys/fs/fanotify/max_user_groups.";
	else
		probe_row(probe, name, false, "Watching fails: %s.", strerror(-r));
	if (why)
		probe_row(probe, name, r == 0, "%s", why);
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
	const char *name = "leases";
	char enabled[8];
	int r = try_lease();

	if (r == 0)
		probe_row(probe, name, true,
			  "A read lease reports an open for writing before it succeeds.");
	else if (fd_read_file("/proc/sys/fs/leases-enable", enabled, sizeof(enabled)) >= 0 &&
		 enabled[0] == '0')
		probe_row(probe, name, false,
			  "Leases are switched off: `sysctl fs.leases-enable=1` allows them.");
	else
		probe_row(probe, name, false, "A lease on a file in memory is refused: %s.",
			  strerror(-r));
}

static void probe_delegations(struct probe *probe)
{
	_cleanup_(fd_closep) int fd = memfd_create("penstock-probe", MFD_CLOEXEC);
	struct {
		uint32_t flags;
		uint16_t type, pad;
	} delegation = { 0 };
	bool on = fd >= 0 && fcntl(fd, F_GETDELEG, &delegation) == 0;

	probe_row(probe, "delegations", on, "%s",
		  on ? "The kernel has delegations of files and directories. A view does not use "
		       "them, because other processes would have to wait for it." :
		       "Linux 6.19 has delegations of files and directories. A view would not use "
		       "them.");
}

void probe_kernel(struct probe *probe)
{
	probe_bpf(probe);
	probe_fanotify(probe);
	probe_leases(probe);
	probe_delegations(probe);
	probe_fchmodat2(probe);
	probe_statx(probe);
}
