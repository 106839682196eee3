// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * All operations that change something or move an access time. Each one begins with a fixture of
 * its own, which has these files:
 *
 *	f	10000 bytes	big	100000 bytes	x	set-user-ID, writable for all
 *	a/l b/m	one file	e	a script	s	a link to f
 *	p	a pipe		d	empty directory	n, a/n	do not exist
 */
#include <linux/falloc.h>
#include <linux/fs.h>
#include <spawn.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "coherence.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE  2
#endif

const char *const fixture_paths[] = { ".", "f", "big", "x",   "a",   "a/l", "b",   "b/m",  "e", "s",
				      "p", "d", "n",   "a/n", "b/n", "n2",  "a/e", "d/d2", NULL };
const char *const fixture_dirs[] = { ".", "a", "b", "d", NULL };

static void make_file(int dir, const char *name, size_t size, mode_t mode)
{
	char buf[100000];
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

	memset(buf, 'o', sizeof(buf));
	if (fd < 0 || write(fd, buf, size) != (ssize_t)size || fchmod(fd, mode) < 0)
		err(2, "fixture: %s", name);
	close(fd);
}

void fixture_make(int at, const char *name)
{
	static const char script[] = "#!/bin/true\n";
	struct timespec old[2] = { { .tv_sec = 978307200 }, { .tv_nsec = UTIME_OMIT } };
	int dir, fd;

	if (mkdirat(at, name, 0777) < 0 || fchmodat(at, name, 0777, 0) < 0)
		err(2, "%s", name);
	dir = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || mkdirat(dir, "a", 0777) < 0 || mkdirat(dir, "b", 0777) < 0 ||
	    mkdirat(dir, "d", 0777) < 0 || fchmodat(dir, "a", 0777, 0) < 0)
		err(2, "fixture %s", name);
	make_file(dir, "f", 10000, 0644);
	make_file(dir, "big", 100000, 0666);
	make_file(dir, "x", 100, 06777);
	make_file(dir, "a/l", 9000, 0644);
	make_file(dir, "e", 0, 0755);
	fd = openat(dir, "e", O_WRONLY | O_CLOEXEC);
	if (write(fd, script, strlen(script)) < 0 || linkat(dir, "a/l", dir, "b/m", 0) < 0 ||
	    symlinkat("f", dir, "s") < 0 || mkfifoat(dir, "p", 0644) < 0)
		err(2, "fixture %s", name);
	close(fd);
	fd = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	if (fsetxattr(fd, "user.a", "one", 3, 0) < 0 && errno != EOPNOTSUPP)
		err(2, "fixture: setxattr");
	close(fd);
	/* Old times, so that a read moves the access time even with "relatime". */
	for (unsigned int i = 0; fixture_paths[i]; i++)
		utimensat(dir, fixture_paths[i], old, AT_SYMLINK_NOFOLLOW);
	close(dir);
}

void op_state_fini(struct op_state *s)
{
	if (s->map)
		munmap(s->map, MAP_LEN);
	if (s->fd >= 0)
		close(s->fd);
	if (s->fd2 >= 0)
		close(s->fd2);
	s->map = NULL;
	s->fd = s->fd2 = -1;
}

static int done(long r)
{
	return r < 0 ? -errno : 0;
}

static int open_in(struct op_state *s, const char *name, int flags)
{
	return openat(s->dir, name, flags | O_CLOEXEC, 0644);
}

/* Opens the file, makes the call, closes the file. */
#define WITH(name, flags, call)                                                                    \
	({                                                                                         \
		int fd = open_in(s, name, flags), r_ = fd < 0 ? -errno : done(call);               \
		if (fd >= 0)                                                                       \
			close(fd);                                                                 \
		r_;                                                                                \
	})

#define OP(name, ...)                                                                              \
	static int name(struct op_state *s)                                                        \
	{                                                                                          \
		__VA_ARGS__                                                                        \
	}
#define CALL(name, call) OP(name, return done(call);)

/* -- names ------------------------------------------------------------------------------------ */

OP(create, return WITH("n", O_CREAT | O_EXCL | O_WRONLY, 0);)
OP(create_in_a, return WITH("a/n", O_CREAT | O_WRONLY, write(fd, "text", 4));)
OP(create_again, return WITH("f", O_CREAT | O_TRUNC | O_WRONLY, 0);)
CALL(make_dir, mkdirat(s->dir, "n", 0755))
CALL(make_dir_in_a, mkdirat(s->dir, "a/n", 0755))
CALL(make_link, symlinkat("else", s->dir, "n"))
CALL(make_pipe, mkfifoat(s->dir, "n", 0644))
CALL(make_device, mknodat(s->dir, "n", S_IFCHR | 0644, makedev(1, 3)))
CALL(hard_link, linkat(s->dir, "f", s->dir, "n", 0))
CALL(hard_link_in_a, linkat(s->dir, "f", s->dir, "a/n", 0))
CALL(hard_link_third, linkat(s->dir, "a/l", s->dir, "n", 0))
CALL(unlink_one, unlinkat(s->dir, "f", 0))
CALL(unlink_link, unlinkat(s->dir, "a/l", 0))
CALL(unlink_symlink, unlinkat(s->dir, "s", 0))
CALL(unlink_pipe, unlinkat(s->dir, "p", 0))
CALL(remove_dir, unlinkat(s->dir, "d", AT_REMOVEDIR))
CALL(rename_here, renameat(s->dir, "f", s->dir, "n"))
CALL(rename_away, renameat(s->dir, "f", s->dir, "a/n"))
CALL(rename_link, renameat(s->dir, "a/l", s->dir, "n"))
CALL(rename_over, renameat(s->dir, "f", s->dir, "big"))
CALL(rename_over_link, renameat(s->dir, "f", s->dir, "a/l"))
CALL(rename_same, renameat(s->dir, "a/l", s->dir, "b/m"))
CALL(rename_dir, renameat(s->dir, "a", s->dir, "n"))
CALL(rename_dir_down, renameat(s->dir, "d", s->dir, "a/n"))
CALL(rename_dir_over, renameat(s->dir, "a", s->dir, "d"))
CALL(exchange, renameat2(s->dir, "f", s->dir, "a/l", RENAME_EXCHANGE))
CALL(exchange_dir, renameat2(s->dir, "f", s->dir, "a", RENAME_EXCHANGE))
CALL(rename_noreplace, renameat2(s->dir, "f", s->dir, "n", RENAME_NOREPLACE))
OP(replace, int r = WITH("n2", O_CREAT | O_EXCL | O_WRONLY, write(fd, "new", 3));
   return r < 0 ? r : done(renameat(s->dir, "n2", s->dir, "f"));)
OP(unlink_and_make, unlinkat(s->dir, "f", 0); return done(mkdirat(s->dir, "f", 0700));)
OP(tmpfile_linked, int fd = open_in(s, ".", O_TMPFILE | O_RDWR); char proc[40];
   if (fd < 0) return -errno; snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
   int r = done(linkat(AT_FDCWD, proc, s->dir, "n", AT_SYMLINK_FOLLOW)); close(fd); return r;)
OP(open_f, return s->fd = open_in(s, "f", O_RDWR), done(s->fd);)
OP(unlink_open, return done(unlinkat(s->dir, "f", 0));)

/* -- directories that were opened in the view, then changed, then read ------------------------ */

OP(open_a, return s->fd = openat(s->view, "a", O_RDONLY | O_DIRECTORY | O_CLOEXEC), done(s->fd);)
/*
 * Reads the directory to its end. After a change through the view the listing must show a name, or
 * must not.
 */
static int read_a(struct op_state *s, const char *name, bool shown)
{
	char buf[4096];
	bool seen = false;
	ssize_t n;

	while ((n = syscall(SYS_getdents64, s->fd, buf, sizeof(buf))) > 0)
		for (ssize_t at = 0; at < n; at += *(uint16_t *)(buf + at + 16))
			seen |= strcmp(buf + at + 19, name) == 0;
	if (n < 0)
		return -errno;
	return s->own && seen != shown ? -ESTALE : 0;
}
OP(read_a_before, int r = open_a(s); return r < 0 ? r : read_a(s, "l", true);)
OP(rewind_a, return done(lseek(s->fd, 0, SEEK_SET));)
OP(made_then_read, int r = create_in_a(s); return r < 0 ? r : read_a(s, "n", true);)
OP(removed_then_read, int r = unlink_link(s); return r < 0 ? r : read_a(s, "l", false);)
OP(renamed_then_read, int r = rename_away(s); return r < 0 ? r : read_a(s, "n", true);)
OP(linked_then_read, int r = hard_link_in_a(s); return r < 0 ? r : read_a(s, "n", true);)
OP(made_then_reread, int r = create_in_a(s) ?: rewind_a(s);
   return r < 0 ? r : read_a(s, "n", true);)
OP(removed_then_reread, int r = unlink_link(s) ?: rewind_a(s);
   return r < 0 ? r : read_a(s, "l", false);)

/* -- attributes ------------------------------------------------------------------------------- */

static const struct timespec times[2] = { { 1000000000, 5 }, { 1100000000, 7 } };
static const struct timespec only_atime[2] = { { 1000000000, 5 }, { 0, UTIME_OMIT } };

CALL(change_mode, fchmodat(s->dir, "f", 0600, 0))
CALL(change_mode_dir, fchmodat(s->dir, "a", 0700, 0))
CALL(change_mode_link, fchmodat(s->dir, "a/l", 0600, 0))
CALL(change_mode_top, fchmodat(s->dir, ".", 01777, 0))
OP(change_mode_fd, return WITH("f", O_RDONLY, fchmod(fd, 0640));)
CALL(change_owner, fchownat(s->dir, "f", 5, 6, 0))
CALL(change_owner_suid, fchownat(s->dir, "x", 5, 6, 0))
CALL(change_owner_symlink, fchownat(s->dir, "s", 5, 6, AT_SYMLINK_NOFOLLOW))
CALL(change_owner_link, fchownat(s->dir, "b/m", 5, 6, 0))
CALL(set_times, utimensat(s->dir, "f", times, 0))
CALL(set_times_now, utimensat(s->dir, "f", NULL, 0))
CALL(set_times_symlink, utimensat(s->dir, "s", times, AT_SYMLINK_NOFOLLOW))
CALL(set_times_dir, utimensat(s->dir, "a", times, 0))
CALL(set_atime, utimensat(s->dir, "f", only_atime, 0))
OP(set_xattr, return WITH("f", O_RDONLY, fsetxattr(fd, "user.b", "two", 3, 0));)
OP(replace_xattr, return WITH("f", O_RDONLY, fsetxattr(fd, "user.a", "three", 5, XATTR_REPLACE));)
OP(remove_xattr, return WITH("f", O_RDONLY, fremovexattr(fd, "user.a"));)
OP(set_xattr_dir, return WITH("a", O_RDONLY, fsetxattr(fd, "user.b", "two", 3, 0));)

/* The ACL user::rwx user:1001:rwx group::r-- mask::rwx other::r--, in the kernel's format. */
static const uint8_t acl[] = { 2,    0,    0,    0,    1,    0,    7,    0,    0xff, 0xff, 0xff,
			       0xff, 2,    0,    7,    0,    0xe9, 3,    0,    0,    4,    0,
			       4,    0,    0xff, 0xff, 0xff, 0xff, 0x10, 0,    7,    0,    0xff,
			       0xff, 0xff, 0xff, 0x20, 0,    4,    0,    0xff, 0xff, 0xff, 0xff };

#define ACL         "system.posix_acl_access"
#define DEFAULT_ACL "system.posix_acl_default"
OP(set_acl, return WITH("f", O_RDONLY, fsetxattr(fd, ACL, acl, sizeof(acl), 0));)
OP(set_default_acl, return WITH("a", O_RDONLY, fsetxattr(fd, DEFAULT_ACL, acl, sizeof(acl), 0));)
OP(prepare_acl, return set_acl(s);)
OP(remove_acl, return WITH("f", O_RDONLY, fremovexattr(fd, ACL));)
OP(mode_with_acl, return done(fchmodat(s->dir, "f", 0604, 0));)
OP(set_flags, int flags = FS_NODUMP_FL;
   return WITH("f", O_RDONLY, ioctl(fd, FS_IOC_SETFLAGS, &flags));)

/* -- content ---------------------------------------------------------------------------------- */

OP(write_inside, return WITH("f", O_WRONLY, pwrite(fd, "new", 3, 500));)
OP(write_end, return WITH("f", O_WRONLY, pwrite(fd, "new", 3, 9999));)
OP(write_far, return WITH("f", O_WRONLY, pwrite(fd, "new", 3, 2000000));)
OP(append, return WITH("f", O_WRONLY | O_APPEND, write(fd, "more", 4));)
OP(append_big, static char buf[300000];
   return WITH("f", O_WRONLY | O_APPEND, write(fd, buf, sizeof(buf)));)
OP(write_open, return done(pwrite(s->fd, "longer", 6, 20000));)
OP(write_sync, return WITH("f", O_WRONLY | O_SYNC, pwrite(fd, "new", 3, 30000));)
OP(write_link, return WITH("b/m", O_RDWR, pwrite(fd, "new", 3, 200));)
OP(write_direct, void *buf = aligned_alloc(4096, 4096); memset(buf, 'd', 4096);
   int r = WITH("f", O_WRONLY | O_DIRECT, pwrite(fd, buf, 4096, 16384)); free(buf); return r;)
CALL(open_trunc, close(open_in(s, "f", O_WRONLY | O_TRUNC)))
OP(shrink, return WITH("f", O_WRONLY, ftruncate(fd, 100));)
OP(grow, return WITH("f", O_RDWR, ftruncate(fd, 1000000));)
OP(shrink_open, return done(ftruncate(s->fd, 1));)
OP(shrink_link, return WITH("a/l", O_WRONLY, ftruncate(fd, 1));)
OP(allocate, return WITH("f", O_RDWR, fallocate(fd, 0, 0, 500000));)
OP(allocate_keep, return WITH("f", O_RDWR, fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 500000));)
OP(punch,
   return WITH("big", O_RDWR, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 50000));)
OP(zero, return WITH("big", O_RDWR, fallocate(fd, FALLOC_FL_ZERO_RANGE, 50000, 100000));)

static int copy(struct op_state *s, bool range)
{
	int from = open_in(s, "big", O_RDONLY), to = open_in(s, "f", O_WRONLY), r;
	off_t offset = 0;

	if (from < 0 || to < 0)
		return -errno;
	r = done(range ? copy_file_range(from, NULL, to, NULL, 70000, 0) :
			 sendfile(to, from, &offset, 70000));
	close(from);
	close(to);
	return r;
}

OP(copy_range, return copy(s, true);)
OP(send_file, return copy(s, false);)
OP(clone_range, int from = open_in(s, "big", O_RDONLY);
   int r = WITH("f", O_WRONLY, ioctl(fd, FICLONE, from)); close(from); return r;)

/* Does the operation as an ordinary user, whose write clears set-ID bits. */
static int as_user(struct op_state *s, int (*what)(struct op_state *s))
{
	int r;

	setfsgid(1000);
	setfsuid(1000);
	r = what(s);
	setfsuid(0);
	setfsgid(0);
	return r;
}

OP(write_x, return WITH("x", O_WRONLY, write(fd, "user", 4));)
OP(truncate_x, return WITH("x", O_WRONLY | O_TRUNC, 0);)
OP(user_writes_suid, return as_user(s, write_x);)
OP(user_truncates_suid, return as_user(s, truncate_x);)
OP(user_creates, return as_user(s, create_in_a);)

/* -- what moves an access time ---------------------------------------------------------------- */

OP(read_f, char buf[100]; return WITH("f", O_RDONLY, read(fd, buf, sizeof(buf)));)
OP(read_twice, int r = read_f(s); return r < 0 ? r : read_f(s);)
OP(read_link, char buf[100]; return WITH("b/m", O_RDONLY, read(fd, buf, sizeof(buf)));)
OP(read_open, char buf[100]; return done(pread(s->fd, buf, sizeof(buf), 0));)
OP(read_direct, void *buf = aligned_alloc(4096, 4096);
   int r = WITH("big", O_RDONLY | O_DIRECT, pread(fd, buf, 4096, 4096)); free(buf); return r;)
OP(read_symlink, char buf[100]; return done(readlinkat(s->dir, "s", buf, sizeof(buf)));)
OP(follow_symlink, return WITH("s", O_RDONLY, 0);)
OP(list_a, char buf[4096];
   return WITH("a", O_RDONLY | O_DIRECTORY, syscall(SYS_getdents64, fd, buf, sizeof(buf)));)
OP(list_top, char buf[4096];
   return WITH(".", O_RDONLY | O_DIRECTORY, syscall(SYS_getdents64, fd, buf, sizeof(buf)));)
OP(splice_f, int pipes[2]; if (pipe2(pipes, O_CLOEXEC) < 0) return -errno;
   int r = WITH("big", O_RDONLY, splice(fd, NULL, pipes[1], NULL, 4096, 0)); close(pipes[0]);
   close(pipes[1]); return r;)
OP(execute, char path[64], *argv[] = { path, NULL }, *env[] = { NULL }; int status; pid_t pid;
   snprintf(path, sizeof(path), "/proc/self/fd/%d/e", s->dir);
   int r = posix_spawn(&pid, path, NULL, NULL, argv, env); if (r) return -r;
   return waitpid(pid, &status, 0) < 0 || status ? -EINVAL : 0;)
OP(map_read, char *map = MAP_FAILED;
   int r = WITH("f", O_RDONLY,
		(map = mmap(NULL, MAP_LEN, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED ? -1 : 0);
   if (r == 0 && *(volatile char *)map != 'o') r = -EIO;
   if (map != MAP_FAILED) munmap(map, MAP_LEN); return r;)

/* -- stores ----------------------------------------------------------------------------------- */

static int map_it(struct op_state *s, const char *name)
{
	s->fd = open_in(s, name, O_RDWR);
	if (s->fd < 0)
		return -errno;
	s->map = mmap(NULL, MAP_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED) {
		s->map = NULL;
		return -errno;
	}
	return 0;
}

static int close_it(struct op_state *s)
{
	int r = close(s->fd);

	s->fd = -1;
	return done(r);
}

static int unmap_it(struct op_state *s)
{
	int r = munmap(s->map, MAP_LEN);

	s->map = NULL;
	return done(r);
}

/* Stores another byte each time, in both pages, so that no store equals the one before. */
static int store(struct op_state *s)
{
	static char c = 'a';

	c = c == 'z' ? 'a' : (char)(c + 1);
	*(volatile char *)s->map = c;
	*(volatile char *)(s->map + 5000) = c;
	return 0;
}

static int store_and(struct op_state *s, int (*then)(struct op_state *s))
{
	int r = store(s);

	return r < 0 ? r : then(s);
}

OP(sync_map, return done(msync(s->map, MAP_LEN, MS_SYNC));)
OP(map_f, return map_it(s, "f");)
OP(map_f_closed, int r = map_it(s, "f"); return r < 0 ? r : close_it(s);)
OP(map_f_dirty, int r = map_f_closed(s); return r < 0 ? r : store_and(s, sync_map);)
OP(map_link_closed, int r = map_it(s, "a/l"); return r < 0 ? r : close_it(s);)
OP(map_f_hole, int r = WITH("f", O_WRONLY, ftruncate(fd, 0) ?: ftruncate(fd, MAP_LEN));
   return r < 0 ? r : map_f_closed(s);)
OP(store_sync, return store_and(s, sync_map);)
OP(store_close, return store_and(s, close_it);)
OP(store_unmap, return store_and(s, unmap_it);)
OP(store_unmap_open, return store_and(s, unmap_it);)
OP(store_unmap_store_again, int r = store_and(s, unmap_it); close_it(s); r = r ?: map_f_closed(s);
   return r ?: store_and(s, sync_map);)
OP(map_store_unmap, int r = map_f_closed(s); return r < 0 ? r : store_and(s, unmap_it);)
OP(stored_before, int r = map_f(s); return r < 0 ? r : store_and(s, sync_map);)

#define ROW(name)                                                                                  \
	{                                                                                          \
#name, NULL, name, 0                                                               \
	}
#define OPEN(name)                                                                                 \
	{                                                                                          \
#name, open_f, name, 0                                                             \
	}

const struct op ops[] = {
	ROW(create),
	ROW(create_in_a),
	ROW(create_again),
	ROW(make_dir),
	ROW(make_dir_in_a),
	ROW(make_link),
	ROW(make_pipe),
	ROW(make_device),
	ROW(hard_link),
	ROW(hard_link_in_a),
	ROW(hard_link_third),
	ROW(unlink_one),
	ROW(unlink_link),
	ROW(unlink_symlink),
	ROW(unlink_pipe),
	ROW(remove_dir),
	ROW(rename_here),
	ROW(rename_away),
	ROW(rename_link),
	ROW(rename_over),
	ROW(rename_over_link),
	ROW(rename_same),
	ROW(rename_dir),
	ROW(rename_dir_down),
	ROW(rename_dir_over),
	ROW(exchange),
	ROW(exchange_dir),
	ROW(rename_noreplace),
	ROW(replace),
	ROW(unlink_and_make),
	ROW(tmpfile_linked),
	OPEN(unlink_open),
	{ "opened_made_read", open_a, made_then_read, 0 },
	{ "opened_removed_read", open_a, removed_then_read, 0 },
	{ "opened_renamed_read", open_a, renamed_then_read, 0 },
	{ "opened_linked_read", open_a, linked_then_read, 0 },
	{ "read_made_rewound_read", read_a_before, made_then_reread, 0 },
	{ "read_removed_rewound_read", read_a_before, removed_then_reread, 0 },

	ROW(change_mode),
	ROW(change_mode_dir),
	ROW(change_mode_link),
	ROW(change_mode_top),
	ROW(change_mode_fd),
	ROW(change_owner),
	ROW(change_owner_suid),
	ROW(change_owner_symlink),
	ROW(change_owner_link),
	ROW(set_times),
	ROW(set_times_now),
	ROW(set_times_symlink),
	ROW(set_times_dir),
	ROW(set_atime),
	ROW(set_xattr),
	ROW(replace_xattr),
	ROW(remove_xattr),
	ROW(set_xattr_dir),
	ROW(set_acl),
	ROW(set_default_acl),
	{ "remove_acl", prepare_acl, remove_acl, 0 },
	{ "mode_with_acl", prepare_acl, mode_with_acl, 0 },
	ROW(set_flags),

	ROW(write_inside),
	ROW(write_end),
	ROW(write_far),
	ROW(append),
	ROW(append_big),
	OPEN(write_open),
	ROW(write_sync),
	ROW(write_link),
	ROW(write_direct),
	ROW(open_trunc),
	ROW(shrink),
	ROW(grow),
	OPEN(shrink_open),
	ROW(shrink_link),
	ROW(allocate),
	ROW(allocate_keep),
	ROW(punch),
	ROW(zero),
	ROW(copy_range),
	ROW(send_file),
	ROW(clone_range),
	ROW(user_writes_suid),
	ROW(user_truncates_suid),
	ROW(user_creates),

	ROW(read_f),
	ROW(read_twice),
	ROW(read_link),
	OPEN(read_open),
	ROW(read_direct),
	ROW(read_symlink),
	ROW(follow_symlink),
	ROW(list_a),
	ROW(list_top),
	ROW(splice_f),
	ROW(execute),
	ROW(map_read),

	{ "store_open", map_f, store, OP_STORES },
	{ "store_sync", map_f, store_sync, 0 },
	{ "store_close", map_f, store_close, OP_STORES },
	{ "store_closed", map_f_closed, store, OP_STORES },
	{ "store_closed_sync", map_f_closed, store_sync, 0 },
	{ "store_again", map_f_dirty, store, OP_STORES },
	{ "store_again_sync", map_f_dirty, store_sync, 0 },
	{ "store_unmap", map_f_closed, store_unmap, OP_STORES },
	{ "store_unmap_open", map_f, store_unmap_open, OP_STORES },
	{ "store_link", map_link_closed, store, OP_STORES },
	{ "store_hole", map_f_hole, store, OP_STORES },
	{ "store_hole_sync", map_f_hole, store_sync, 0 },
	{ "store_unmap_store_again", stored_before, store_unmap_store_again, 0 },
	{ "map_store_unmap", NULL, map_store_unmap, OP_STORES },
};

const unsigned int n_ops = sizeof(ops) / sizeof(ops[0]);
