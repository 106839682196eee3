// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Comparison of files and trees.
 *
 * The order of looks matters, because a look changes its file: statx(2) comes before any read, and
 * the second tree is listed with O_NOATIME. When a field differs, both sides are asked again
 * before this counts as a difference, because the lower file system may have allocated blocks
 * between both looks.
 *
 * The comparison leaves out stx_dev, because a view has only one device: the upper 16 bits of its
 * inode numbers say which device a file has in the second tree. It also leaves out stx_attributes,
 * which a FUSE server cannot return, and the mount ID.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "compare.h"

/* Some kernels do not return the birth time on FUSE file systems. */
#define COMPARE_MASK (STATX_BASIC_STATS | STATX_BTIME)

struct walk {
	unsigned int flags;
	compare_say_fn say;
	void *aux;
	uint64_t dev; /* of the second tree's root */
	unsigned long n_differences;
	char path[8192];
};

struct entry {
	char *name;
	uint64_t ino;
	unsigned char type;
};

struct listing {
	struct entry *entries;
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void differ(struct walk *w, const char *format, ...)
{
	char what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	w->n_differences++;
	w->say(w->aux, w->path[0] ? w->path : ".", what);
}

static int look(int dir, const char *name, struct statx *ret_stx)
{
	return statx(dir, name,
		     AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH) | AT_NO_AUTOMOUNT,
		     COMPARE_MASK, ret_stx);
}

static bool same_time(const struct statx_timestamp *a, const struct statx_timestamp *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Appends "field a/b" for each field that differs. */
static bool same_fields(const struct statx *a, const struct statx *b, unsigned int flags, char *why,
			size_t size)
{
	unsigned int mask = flags & COMPARE_NO_BTIME ? STATX_BASIC_STATS : COMPARE_MASK;
	size_t used = 0;

#define FIELD(cond, name, format, x, y)                                                            \
	do {                                                                                       \
		if (!(cond) && used < size)                                                        \
			used += snprintf(why + used, size - used, "%s%s " format "/" format,       \
					 used ? ", " : "", name, x, y);                            \
	} while (0)
#define NUMBER(field, format) FIELD(a->field == b->field, #field + 4, format, a->field, b->field)
#define TIME(field)                                                                                \
	FIELD(same_time(&a->field, &b->field), #field + 4, "%.9f",                                 \
	      a->field.tv_sec % 1000000 + a->field.tv_nsec / 1e9,                                  \
	      b->field.tv_sec % 1000000 + b->field.tv_nsec / 1e9)

	why[0] = '\0';
	FIELD((a->stx_mask & mask) == (b->stx_mask & mask), "mask", "%#x", a->stx_mask & mask,
	      b->stx_mask & mask);
	NUMBER(stx_mode, "%o");
	NUMBER(stx_nlink, "%u");
	NUMBER(stx_uid, "%u");
	NUMBER(stx_gid, "%u");
	if (flags & COMPARE_LOW_INO)
		FIELD(!((a->stx_ino ^ b->stx_ino) << 16), "ino", "%llu", a->stx_ino, b->stx_ino);
	else
		NUMBER(stx_ino, "%llu");
	NUMBER(stx_size, "%llu");
	if (!(flags & COMPARE_NO_BLOCKS))
		NUMBER(stx_blocks, "%llu");
	NUMBER(stx_blksize, "%u");
	NUMBER(stx_rdev_major, "%u");
	NUMBER(stx_rdev_minor, "%u");
	TIME(stx_mtime);
	TIME(stx_ctime);
	if (!(flags & COMPARE_NO_BTIME))
		TIME(stx_btime);
	if (!(flags & COMPARE_NO_ATIME))
		TIME(stx_atime);
	return used == 0;
#undef FIELD
#undef NUMBER
#undef TIME
}

int compare_stat(int a, const char *name_a, int b, const char *name_b, unsigned int flags,
		 char *ret_why, size_t size)
{
	struct statx x, y;

	for (int tries = 0; tries < 3; tries++) {
		int error_a = look(a, name_a, &x) < 0 ? errno : 0;
		int error_b = look(b, name_b, &y) < 0 ? errno : 0;

		if (error_a || error_b) {
			snprintf(ret_why, size, "statx: %s/%s", strerrorname_np(error_a),
				 strerrorname_np(error_b));
			if (error_a == error_b)
				return 0;
			continue;
		}
		if (same_fields(&x, &y, flags, ret_why, size))
			return 0;
	}
	return 1;
}

int64_t compare_checksum(int fd)
{
	static char buffer[1 << 17];
	uint64_t sum = 14695981039346656037u;
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			sum = (sum ^ (unsigned char)buffer[i]) * 1099511628211u;
		at += n;
	}
	return n < 0 ? -1 : (int64_t)(sum >> 1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static void listing_free(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->entries[i].name);
	free(l->entries);
}

/* Reads all names of a directory except "..", sorted. */
static int listing_read(int dir, bool quiet, struct listing *ret)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | (quiet ? O_NOATIME : 0));
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	*ret = (struct listing){};
	if (!d)
		return -errno;
	errno = 0;
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, "..") == 0)
			continue;
		ret->entries = realloc(ret->entries, (ret->n + 1) * sizeof(*ret->entries));
		ret->entries[ret->n++] = (struct entry){ strdup(e->d_name), e->d_ino, e->d_type };
		errno = 0;
	}
	int error = errno;
	closedir(d);
	if (ret->n)
		qsort(ret->entries, ret->n, sizeof(*ret->entries), by_name);
	return -error;
}

static void compare_xattrs(struct walk *w, int a, int b, const char *name)
{
	char path_a[256 + 32], path_b[256 + 32], list_a[65536], list_b[65536];

	/* Through /proc, because devices, fifos and links may not be opened. */
	snprintf(path_a, sizeof(path_a), "/proc/self/fd/%d/%s", a, name);
	snprintf(path_b, sizeof(path_b), "/proc/self/fd/%d/%s", b, name);
	ssize_t n_a = llistxattr(path_a, list_a, sizeof(list_a));
	int error_a = errno;
	ssize_t n_b = llistxattr(path_b, list_b, sizeof(list_b));
	int error_b = errno;
	if (n_a < 0 || n_b < 0) {
		if (n_a != n_b || error_a != error_b)
			differ(w, "listxattr %zd %s/%zd %s", n_a,
			       strerrorname_np(n_a < 0 ? error_a : 0), n_b,
			       strerrorname_np(n_b < 0 ? error_b : 0));
		return;
	}
	if (n_a != n_b)
		differ(w, "listxattr says %zd/%zd bytes", n_a, n_b);
	for (const char *key = list_b; key < list_b + n_b; key += strlen(key) + 1) {
		char value_a[65536], value_b[65536];
		ssize_t v_a = lgetxattr(path_a, key, value_a, sizeof(value_a));
		ssize_t v_b = lgetxattr(path_b, key, value_b, sizeof(value_b));

		if (v_a != v_b || (v_a > 0 && memcmp(value_a, value_b, v_a) != 0))
			differ(w, "xattr %s: %zd/%zd bytes, or another value", key, v_a, v_b);
	}
}

static void compare_data(struct walk *w, int a, int b, const char *name)
{
	int x = openat(a, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int y = openat(b, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOATIME);

	if (x < 0 || y < 0)
		differ(w, "cannot be opened: %d/%d", x, y);
	else if (compare_checksum(x) != compare_checksum(y))
		differ(w, "the content differs");
	close(x);
	close(y);
}

static void compare_link(struct walk *w, int a, int b, const char *name)
{
	char x[4096], y[4096];
	ssize_t n = readlinkat(a, name, x, sizeof(x)), m = readlinkat(b, name, y, sizeof(y));

	if (n != m || (n > 0 && memcmp(x, y, n) != 0))
		differ(w, "the link's target differs: %.*s/%.*s", n > 0 ? (int)n : 0, x,
		       m > 0 ? (int)m : 0, y);
}

static void compare_dir(struct walk *w, int a, int b, uint64_t dev_b);

static uint64_t dev_of(const struct statx *stx)
{
	return (uint64_t)stx->stx_dev_major << 32 | stx->stx_dev_minor;
}

static void compare_entry(struct walk *w, int a, int b, const char *name)
{
	unsigned int flags = w->flags;
	struct statx x, y;
	char why[1024];

	if (look(b, name, &y) == 0 && dev_of(&y) != w->dev)
		flags |= COMPARE_LOW_INO;
	if (compare_stat(a, name, b, name, flags, why, sizeof(why)))
		differ(w, "%s", why);
	if (look(a, name, &x) < 0 || look(b, name, &y) < 0)
		return;
	if (w->flags & COMPARE_XATTR)
		compare_xattrs(w, a, b, name);
	if (S_ISLNK(y.stx_mode) && (w->flags & COMPARE_DATA))
		compare_link(w, a, b, name);
	if (S_ISREG(y.stx_mode) && S_ISREG(x.stx_mode) && (w->flags & COMPARE_DATA))
		compare_data(w, a, b, name);
	if (!S_ISDIR(y.stx_mode) || !S_ISDIR(x.stx_mode))
		return;
	int sub_a = openat(a, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int sub_b = openat(b, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	compare_dir(w, sub_a, sub_b, dev_of(&y));
	close(sub_a);
	close(sub_b);
}

static void compare_dir(struct walk *w, int a, int b, uint64_t dev_b)
{
	/* The inode numbers of another device are compared without the bits of the device. */
	int shift = dev_b != w->dev ? 16 : 0;
	size_t length = strlen(w->path), i = 0, j = 0;
	struct listing x, y;
	/*
	 * Lists the second tree first, with O_NOATIME, so that listing the first one cannot change
	 * it.
	 */
	int error_b = listing_read(b, true, &y), error_a = listing_read(a, false, &x);

	if (error_a != error_b)
		differ(w, "readdir: %s/%s", strerrorname_np(-error_a), strerrorname_np(-error_b));
	while (i < x.n || j < y.n) {
		int order = i == x.n ? 1 : j == y.n ? -1 : by_name(&x.entries[i], &y.entries[j]);
		struct entry *e = order <= 0 ? &x.entries[i] : &y.entries[j];

		snprintf(w->path + length, sizeof(w->path) - length, "%s%s", length ? "/" : "",
			 e->name);
		if (order != 0) {
			differ(w, "the name is on one side only, the %s",
			       order < 0 ? "first" : "second");
			i += order < 0;
			j += order > 0;
			continue;
		}
		if ((e->ino ^ y.entries[j].ino) << shift)
			differ(w, "d_ino %lu/%lu", (unsigned long)e->ino,
			       (unsigned long)y.entries[j].ino);
		if (e->type != y.entries[j].type)
			differ(w, "d_type %u/%u", e->type, y.entries[j].type);
		if (strcmp(e->name, ".") != 0)
			compare_entry(w, a, b, e->name);
		i++;
		j++;
	}
	w->path[length] = '\0';
	listing_free(&x);
	listing_free(&y);
}

unsigned long compare_tree(int a, int b, unsigned int flags, compare_say_fn say, void *aux)
{
	struct walk w = { .flags = flags, .say = say, .aux = aux };
	struct statx x, y;
	char why[1024];

	if (compare_stat(a, "", b, "", flags, why, sizeof(why)))
		differ(&w, "%s", why);
	if (look(a, "", &x) < 0 || look(b, "", &y) < 0)
		return w.n_differences + 1;
	if (flags & COMPARE_XATTR)
		compare_xattrs(&w, a, b, ".");
	w.dev = dev_of(&y);
	compare_dir(&w, a, b, w.dev);
	return w.n_differences;
}
