// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looks at a fixture in the view and in the lower tree. Every open has O_NOATIME, so that no look
 * changes an access time.
 */
#include <dirent.h>
#include <sys/syscall.h>

#include "coherence.h"

static const struct {
	const char *name;
	unsigned int mask;
} fields[LOOK_FIELDS] = {
	{ "type", STATX_TYPE },   { "mode", STATX_MODE },     { "nlink", STATX_NLINK },
	{ "uid", STATX_UID },     { "gid", STATX_GID },       { "atime", STATX_ATIME },
	{ "mtime", STATX_MTIME }, { "ctime", STATX_CTIME },   { "ino", STATX_INO },
	{ "size", STATX_SIZE },   { "blocks", STATX_BLOCKS }, { "btime", STATX_BTIME },
};

const char *look_name(unsigned int how)
{
	static const char *const names[] = { "all", "listing", "data" };

	return how < LOOK_FIELDS ? fields[how].name : names[how - LOOK_FIELDS];
}

/* -- attributes ------------------------------------------------------------------------------- */

static long long time_of(const struct statx_timestamp *t)
{
	return (long long)t->tv_sec * 1000000000 + t->tv_nsec;
}

static long long field_of(const struct statx *stx, unsigned int mask)
{
	switch (mask) {
	case STATX_TYPE:
		return stx->stx_mode & S_IFMT;
	case STATX_MODE:
		return stx->stx_mode & 07777;
	case STATX_NLINK:
		return stx->stx_nlink;
	case STATX_UID:
		return stx->stx_uid;
	case STATX_GID:
		return stx->stx_gid;
	case STATX_ATIME:
		return time_of(&stx->stx_atime);
	case STATX_MTIME:
		return time_of(&stx->stx_mtime);
	case STATX_CTIME:
		return time_of(&stx->stx_ctime);
	case STATX_INO:
		return (long long)stx->stx_ino;
	case STATX_SIZE:
		return (long long)stx->stx_size;
	case STATX_BLOCKS:
		return (long long)stx->stx_blocks;
	default:
		return time_of(&stx->stx_btime);
	}
}

static int ask(int dir, const char *path, unsigned int mask, struct statx *stx)
{
	return statx(dir, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, mask, stx) < 0 ? errno : 0;
}

static unsigned int look_at(int view, int lower, const char *path, unsigned int mask, char *why,
			    size_t size)
{
	struct statx a, b;
	int ra = ask(view, path, mask, &a), rb = ask(lower, path, mask, &b);
	unsigned int n = 0;

	if (ra != rb) {
		if (!*why)
			snprintf(why, size, "%s: %s, below %s", path, ra ? strerror(ra) : "there",
				 rb ? strerror(rb) : "there");
		return 1;
	}
	for (unsigned int i = 0; i < LOOK_FIELDS && ra == 0; i++) {
		long long x = field_of(&a, fields[i].mask), y = field_of(&b, fields[i].mask);

		if (!(mask & a.stx_mask & b.stx_mask & fields[i].mask) || x == y)
			continue;
		n++;
		if (!*why)
			snprintf(why, size, "%s: %s is %lld, below %lld", path, fields[i].name, x,
				 y);
	}
	return n;
}

static unsigned int look_stat(int view, int lower, unsigned int mask, char *why, size_t size)
{
	unsigned int n = 0;

	for (unsigned int i = 0; fixture_paths[i]; i++)
		n += look_at(view, lower, fixture_paths[i], mask, why, size);
	return n;
}

/* -- listings --------------------------------------------------------------------------------- */

enum { MAX_NAMES = 64 };

struct listing {
	int error;
	unsigned int n;
	char names[MAX_NAMES][300]; /* name, type, number, as one text */
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void list(int dir, const char *path, struct listing *listing)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	char buf[8192];
	long n;

	*listing = (struct listing){ .error = fd < 0 ? errno : 0 };
	while (fd >= 0 && (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n && listing->n < MAX_NAMES;) {
			const struct dirent64 *entry = (const struct dirent64 *)(buf + at);

			/* The parent directory does not belong to the fixture. */
			if (strcmp(entry->d_name, "..") != 0)
				snprintf(listing->names[listing->n++], 300, "%s %u %llu",
					 entry->d_name, entry->d_type,
					 (unsigned long long)entry->d_ino);
			at += entry->d_reclen;
		}
	}
	if (fd >= 0)
		close(fd);
	qsort(listing->names, listing->n, sizeof(listing->names[0]), by_text);
}

static unsigned int look_listing(int view, int lower, char *why, size_t size)
{
	static struct listing a, b;
	unsigned int n = 0;

	for (unsigned int i = 0; fixture_dirs[i]; i++) {
		unsigned int at = 0;

		list(view, fixture_dirs[i], &a);
		list(lower, fixture_dirs[i], &b);
		while (at < a.n && at < b.n && strcmp(a.names[at], b.names[at]) == 0)
			at++;
		if (a.error == b.error && at == a.n && at == b.n)
			continue;
		n++;
		if (!*why)
			snprintf(why, size, "%s: lists '%s' (%d), below '%s' (%d)", fixture_dirs[i],
				 at < a.n ? a.names[at] : "", a.error, at < b.n ? b.names[at] : "",
				 b.error);
	}
	return n;
}

/* -- content ---------------------------------------------------------------------------------- */

static long content(int dir, const char *path, char *buf, size_t size)
{
	int fd = openat(dir, path, O_RDONLY | O_NOATIME | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	long n;

	if (fd < 0)
		return -errno;
	n = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, buf, size) : 0;
	n = n < 0 ? -errno : n;
	close(fd);
	return n;
}

static unsigned int look_data(int view, int lower, char *why, size_t size)
{
	static const char *const files[] = { "f", "big", "x", "a/l", "b/m", "n", "a/n" };
	static char a[2 << 20], b[2 << 20];
	unsigned int n = 0;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		long x = content(view, files[i], a, sizeof(a));
		long y = content(lower, files[i], b, sizeof(b));

		if (x == y && (x < 0 || memcmp(a, b, (size_t)x) == 0))
			continue;
		n++;
		if (!*why)
			snprintf(why, size, "%s: content differs (%ld bytes, below %ld)", files[i],
				 x, y);
	}
	return n;
}

/* -- the whole -------------------------------------------------------------------------------- */

unsigned int look(unsigned int how, int view, int lower, char *why, size_t size)
{
	*why = '\0';
	if (how < LOOK_FIELDS)
		return look_stat(view, lower, fields[how].mask, why, size);
	if (how == LOOK_ALL)
		return look_stat(view, lower, STATX_BASIC_STATS | STATX_BTIME, why, size);
	if (how == LOOK_LISTING)
		return look_listing(view, lower, why, size);
	return look_data(view, lower, why, size);
}

void look_prime(int view)
{
	static struct listing listing;
	static char buf[2 << 20];
	struct statx stx;

	for (unsigned int i = 0; fixture_dirs[i]; i++)
		list(view, fixture_dirs[i], &listing);
	content(view, "f", buf, sizeof(buf));
	content(view, "big", buf, sizeof(buf));
	content(view, "a/l", buf, sizeof(buf));
	for (unsigned int i = 0; fixture_paths[i]; i++)
		ask(view, fixture_paths[i], STATX_BASIC_STATS | STATX_BTIME, &stx);
}
