// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The system calls that the command of `penstock run` cannot make.
 *
 * Mounts: the kernel locks the view in its place, but not the directories above. The command could
 * bind a directory of the same file system elsewhere, move a directory above the view into it, and
 * reach the tree below by the new mount, on which there is no view. The kernel allows no move of a
 * mount point, but only in a mount namespace that has the mount: so the command must not unmount
 * the old root either.
 *
 * btrfs: the owner of a subvolume could snapshot the one that contains the tree.
 *
 * Terminals: TIOCSTI and TIOCLINUX put characters into the input, which a shell outside executes.
 *
 * No state, no locks.
 */
#include "run/system-calls.h"
#include "util/log.h"

#include <assert.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/btrfs.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_HALF 0
#else
#define LOW_HALF 4
#endif

/* PIVOT_ROOT_32: the number of pivot_root(2) for 32-bit programs of the machine. */
#if defined(__x86_64__)
#define ARCH          AUDIT_ARCH_X86_64
#define PIVOT_ROOT_32 217
#elif defined(__aarch64__)
#define ARCH          AUDIT_ARCH_AARCH64
#define PIVOT_ROOT_32 218
#endif

/* Programs of the x32 kind set a bit in the number, and have another ioctl(2). */
#define X32_BIT   0x40000000U
#define IOCTL_X32 514

/* All machines use the same numbers for the calls since Linux 5.2. */
#define OPEN_TREE      428
#define MOVE_MOUNT     429
#define FSOPEN         430
#define FSMOUNT        432
#define OPEN_TREE_ATTR 467

static const unsigned int native[] = { SYS_mount,  SYS_umount2, SYS_pivot_root, OPEN_TREE,
				       MOVE_MOUNT, FSOPEN,      FSMOUNT,        OPEN_TREE_ATTR };

#ifdef ARCH
/* The first three: mount, umount, umount2. */
static const unsigned int of_32_bits[] = { 21,         22,     52,      PIVOT_ROOT_32, OPEN_TREE,
					   MOVE_MOUNT, FSOPEN, FSMOUNT, OPEN_TREE_ATTR };
static const unsigned int ioctl_of_32_bits[] = { 54 };
#endif

static const unsigned int native_ioctl[] = { SYS_ioctl, IOCTL_X32 };

static const unsigned int requests[] = { TIOCSTI, TIOCLINUX, BTRFS_IOC_SNAP_CREATE,
					 BTRFS_IOC_SNAP_CREATE_V2 };

struct program {
	struct sock_filter code[96];
	unsigned short n;
};

static void add(struct program *program, struct sock_filter step)
{
	assert(program->n < N(program->code));
	program->code[program->n++] = step;
}

static void load(struct program *program, size_t offset)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offset));
}

static void end(struct program *program, unsigned int action)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

/* Ends the program with EPERM if the loaded value is one of these. */
static void forbid(struct program *program, const unsigned int *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		add(program,
		    (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1));
		end(program, SECCOMP_RET_ERRNO | EPERM);
	}
}

/* Ends the program for a call of ioctl(2) with this number. */
static void check_ioctl(struct program *program, unsigned int number)
{
	unsigned short jump = program->n;

	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 0));
	/* The kernel, too, compares the low half of the request. */
	load(program, offsetof(struct seccomp_data, args[1]) + LOW_HALF);
	forbid(program, requests, N(requests));
	end(program, SECCOMP_RET_ALLOW);
	program->code[jump].jf = (unsigned char)(program->n - jump - 1);
}

static void check_calls(struct program *program, const unsigned int *calls, size_t n,
			const unsigned int *ioctls, size_t n_ioctls)
{
	load(program, offsetof(struct seccomp_data, nr));
	add(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, ~X32_BIT));
	forbid(program, calls, n);
	for (size_t i = 0; i < n_ioctls; i++)
		check_ioctl(program, ioctls[i]);
	end(program, SECCOMP_RET_ALLOW);
}

static void build(struct program *program)
{
#ifdef ARCH
	load(program, offsetof(struct seccomp_data, arch));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 0, 0));
#endif
	check_calls(program, native, N(native), native_ioctl, N(native_ioctl));
#ifdef ARCH
	program->code[1].jf = (unsigned char)(program->n - 2);
	check_calls(program, of_32_bits, N(of_32_bits), ioctl_of_32_bits, N(ioctl_of_32_bits));
#endif
}

int system_calls_forbid(struct pst_error *error)
{
	struct program program = { .n = 0 };
	struct sock_fprog filter = { .filter = program.code };

	build(&program);
	filter.len = program.n;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) == 0)
		return 0;
	return error_set(error, -errno,
			 "cannot forbid the command mounts and the terminal's input: seccomp: %s",
			 strerror(errno));
}
