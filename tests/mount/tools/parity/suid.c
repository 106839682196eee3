// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Set-user-ID and set-group-ID bits and file capabilities: which caller and operation clears them.
 * Runs the whole matrix of modes, callers and operations; the lower file system gives the expected
 * result.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "parity.h"

static const mode_t modes[] = { 06777, 06755, 04711, 02711, 02644, 02766, 06666, 04777, 02777 };
#define N_MODES (sizeof(modes) / sizeof(modes[0]))

enum caller { OWNER, MEMBER, OTHER, ROOT, ROOT_WITHOUT_FSETID, _N_CALLERS };
static const char *const callers[] = { "owner", "member of the group", "other", "root",
				       "root without CAP_FSETID" };

static void set_fsetid(bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	MUST(syscall(SYS_capget, &header, data) == 0);
	if (on)
		data[0].effective |= 1u << CAP_FSETID;
	else
		data[0].effective &= ~(1u << CAP_FSETID);
	MUST(syscall(SYS_capset, &header, data) == 0);
}

static void act_as(enum caller caller)
{
	switch (caller) {
	case OWNER:
		become(1000, 1000, 0);
		break;
	case MEMBER:
		become(1001, 2000, 1, 1000);
		break;
	case OTHER:
		become(1002, 1002, 0);
		break;
	case ROOT_WITHOUT_FSETID:
		set_fsetid(false);
		break;
	default:
		break;
	}
}

/* Each operation gets a descriptor that root opened, and the name. */
#define OP(name, call)                                                                             \
	static long name(struct side *s, int fd, const char *name_of_file)                         \
	{                                                                                          \
		return call;                                                                       \
	}
#define NAME name_of_file

OP(op_write, write(fd, "x", 1))
OP(op_write_nothing, write(fd, "x", 0))
OP(op_append, pwritev2(fd, &(struct iovec){ "x", 1 }, 1, -1, RWF_APPEND))
OP(op_truncate, truncate(NAME, 1))
OP(op_truncate_same, truncate(NAME, 4))
OP(op_ftruncate, ftruncate(fd, 2))
OP(op_fallocate, fallocate(fd, 0, 0, 10000))
OP(op_fallocate_keep, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 10000))
OP(op_punch, fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096))
OP(op_chown_same, fchownat(s->dir, NAME, -1, -1, 0))
OP(op_chgrp, fchownat(s->dir, NAME, -1, 1000, 0))
OP(op_chown, fchownat(s->dir, NAME, 1000, 1000, 0))
OP(op_chmod, fchmodat(s->dir, NAME, 06777, 0))
OP(op_touch, utimensat(s->dir, NAME, NULL, 0))
OP(op_xattr, fsetxattr(fd, "user.x", "y", 1, 0))

/* Closes the descriptor and keeps errno; returns the result of the operation. */
static long closing(int fd, long r)
{
	int error = errno;

	close(fd);
	errno = error;
	return r;
}

static long op_open_write(struct side *s, int fd, const char *name)
{
	int own = openat(s->dir, name, O_WRONLY | O_CLOEXEC);

	return closing(own, own < 0 ? -1 : write(own, "x", 1));
}

static long op_open_truncate(struct side *s, int fd, const char *name)
{
	int own = openat(s->dir, name, O_WRONLY | O_TRUNC | O_CLOEXEC);

	return closing(own, own < 0 ? -1 : 0);
}

static long op_store(struct side *s, int fd, const char *name)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED)
		return -1;
	p[0] = 'X';
	long r = msync(p, 4096, MS_SYNC);
	munmap(p, 4096);
	return r;
}

static long op_splice(struct side *s, int fd, const char *name)
{
	int ends[2];

	if (pipe(ends) < 0 || write(ends[1], "y", 1) != 1)
		return -1;
	return closing(ends[1], closing(ends[0], splice(ends[0], NULL, fd, NULL, 1, 0)));
}

static long op_copy(struct side *s, int fd, const char *name)
{
	int from = openat(s->dir, "source", O_RDONLY | O_CLOEXEC);

	return closing(from, copy_file_range(from, NULL, fd, NULL, 3, 0));
}

static long op_sendfile(struct side *s, int fd, const char *name)
{
	int from = openat(s->dir, "source", O_RDONLY | O_CLOEXEC);

	return closing(from, sendfile(fd, from, NULL, 3));
}

static const struct op {
	const char *name;
	long (*run)(struct side *s, int fd, const char *name);
	int flags; /* fd is opened with; 0 is for reading */
} ops[] = {
	{ "write", op_write, O_RDWR },
	{ "write-nothing", op_write_nothing, O_RDWR },
	{ "append", op_append, O_RDWR },
	{ "open-write", op_open_write, O_RDWR },
	{ "open-truncate", op_open_truncate, O_RDWR },
	{ "truncate", op_truncate, O_RDWR },
	{ "truncate-same", op_truncate_same, O_RDWR },
	{ "ftruncate", op_ftruncate, O_RDWR },
	{ "fallocate", op_fallocate, O_RDWR },
	{ "fallocate-keep-size", op_fallocate_keep, O_RDWR },
	{ "punch-hole", op_punch, O_RDWR },
	{ "chown-same", op_chown_same, O_RDONLY },
	{ "chgrp", op_chgrp, O_RDWR },
	{ "chown", op_chown, O_RDWR },
	{ "chmod", op_chmod, O_RDWR },
	{ "mmap-store", op_store, O_RDWR },
	{ "splice", op_splice, O_RDWR },
	{ "copy-file-range", op_copy, O_RDWR },
	{ "sendfile", op_sendfile, O_RDWR },
	{ "touch", op_touch, O_RDWR },
	{ "setxattr", op_xattr, O_RDWR },
};

/* Makes a file with this mode, does the operation as the caller, and notes the new mode. */
static void cell(struct side *s, const struct op *op, enum caller caller, mode_t mode)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "%s-%d-%o", op->name, caller, mode);
	put_mode(s, name, 4, mode, 1000, 1000);
	int fd = openat(s->dir, name, op->flags | O_CLOEXEC);
	MUST(fd >= 0);
	act_as(caller);
	errno = 0;
	long r = op->run(s, fd, name);
	int error = errno;
	become_root();
	set_fsetid(true);
	MUST(fstatat(s->dir, name, &st, 0) == 0);
	note(s, "%s of %o by %s: %s, then %o", op->name, mode, callers[caller],
	     r < 0 ? strerrorname_np(error) : "done", st.st_mode & 07777);
	MUST(fstat(fd, &st) == 0);
	note(s, "handle: %o", st.st_mode & 07777);
	close(fd);
}

static void by(struct side *s, enum caller caller)
{
	put_mode(s, "source", 10, 0644, 0, 0);
	for (size_t o = 0; o < sizeof(ops) / sizeof(ops[0]); o++)
		for (size_t m = 0; m < N_MODES; m++)
			cell(s, &ops[o], caller, modes[m]);
}

static void by_owner(struct side *s)
{
	by(s, OWNER);
}

static void by_member(struct side *s)
{
	by(s, MEMBER);
}

static void by_other(struct side *s)
{
	by(s, OTHER);
}

static void by_root(struct side *s)
{
	by(s, ROOT);
}

static void by_weak_root(struct side *s)
{
	by(s, ROOT_WITHOUT_FSETID);
}

/* chown(-1, -1) by another user while a process has the file open for writing. */
static void chown_while_written(struct side *s)
{
	const struct op op = { "chown-same", op_chown_same, O_RDWR };

	cell(s, &op, OTHER, 06777);
}

/* Many writes to one file: the first one clears the bits, and again after each chmod. */
static void again_and_again(struct side *s)
{
	put_mode(s, "file", 4, 06777, 1000, 1000);
	int fd = openat(s->dir, "file", O_RDWR);

	for (int i = 0; i < 5; i++) {
		become(1002, 1002, 0);
		DO(s, write(fd, "x", 1));
		DO(s, write(fd, "x", 1));
		note_stat(s, s->dir, "file");
		become_root();
		DO(s, fchmodat(s->dir, "file", 06777, 0));
		note_stat(s, fd, "");
	}
}

static bool has_caps(struct side *s, const char *name)
{
	char path[4400], value[64];

	snprintf(path, sizeof(path), "%s/%s", s->path, name);
	return getxattr(path, "security.capability", value, sizeof(value)) > 0;
}

/* The same operations clear file capabilities. */
static void capabilities_with(struct side *s, bool stores)
{
	static const struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data = { { 1 << CAP_NET_RAW, 0 } },
	};

	put_mode(s, "source", 10, 0644, 0, 0);
	for (size_t o = 0; o < sizeof(ops) / sizeof(ops[0]); o++)
		for (int caller = OWNER; caller <= ROOT; caller++) {
			char name[64];

			if ((ops[o].run == op_store) != stores)
				continue;
			snprintf(name, sizeof(name), "%s-%d", ops[o].name, caller);
			put_mode(s, name, 4, 0777, 1000, 1000);
			int fd = openat(s->dir, name, O_RDWR | O_CLOEXEC);
			MUST(fsetxattr(fd, "security.capability", &caps, sizeof(caps), 0) == 0);
			act_as(caller);
			errno = 0;
			long r = ops[o].run(s, fd, name);
			int error = errno;
			become_root();
			note(s, "%s by %s: %s, capabilities %s", ops[o].name, callers[caller],
			     r < 0 ? strerrorname_np(error) : "done",
			     has_caps(s, name) ? "stay" : "go");
			close(fd);
		}
}

static void capabilities(struct side *s)
{
	capabilities_with(s, false);
}

static void capabilities_and_stores(struct side *s)
{
	capabilities_with(s, true);
}

static const struct scenario scenarios[] = {
	{ "by-owner", by_owner, S_NO_AGREE | S_SLOW },
	{ "by-member", by_member, S_NO_AGREE | S_SLOW },
	{ "by-other", by_other, S_NO_AGREE | S_SLOW },
	{ "by-root", by_root, S_NO_AGREE | S_SLOW },
	{ "by-weak-root", by_weak_root, S_NO_AGREE | S_SLOW },
	{ "chown-while-written", chown_while_written, 0 },
	{ "again-and-again", again_and_again, 0 },
	{ "capabilities", capabilities, S_NO_AGREE | S_SLOW },
	{ "capabilities-and-stores", capabilities_and_stores, S_NO_AGREE },
	{},
};
const struct scenario_group group_suid = { "suid", scenarios };
