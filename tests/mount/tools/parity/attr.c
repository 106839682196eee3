// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attributes: chmod, chown, times, truncate, the results of statx, and the times that an operation
 * moves.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>

#include "parity.h"

static void chmod_all(struct side *s)
{
	put(s, "file", "x");
	MUST(mkdirat(s->dir, "dir", 0755) == 0);
	for (mode_t mode = 0; mode < 010000; mode += 0111) {
		DO(s, fchmodat(s->dir, "file", mode, 0));
		note_stat(s, s->dir, "file");
		DO(s, fchmodat(s->dir, "dir", mode, 0));
		note_stat(s, s->dir, "dir");
	}
}

static void chmod_ways(struct side *s)
{
	put(s, "file", "x");
	MUST(symlinkat("file", s->dir, "link") == 0);
	MUST(mkfifoat(s->dir, "fifo", 0644) == 0);
	int fd = openat(s->dir, "file", O_RDONLY), path = openat(s->dir, "file", O_PATH);
	DO(s, fchmod(fd, 0640));
	note_stat(s, fd, "");
	DO(s, fchmod(path, 0600));
	DO(s, fchmodat(s->dir, "link", 0604, 0));
	note_stat(s, s->dir, "file");
	DO(s, fchmodat(s->dir, "fifo", 0600, 0));
	note_stat(s, s->dir, "fifo");
	DO(s, fchmodat(s->dir, "absent", 0600, 0));
	DO(s, fchmodat(s->dir, "file/", 0600, 0));
	become(1000, 1000, 0);
	DO(s, fchmodat(s->dir, "file", 0666, 0));
	DO(s, fchmod(fd, 0666));
}

/* chmod clears the set-group-ID bit if the owner is not in the group. */
static void chmod_by_owner(struct side *s)
{
	put_mode(s, "own-group", 1, 0644, 1000, 1000);
	put_mode(s, "other-group", 1, 0644, 1000, 2000);
	put_dir(s, "dir-other-group", 0755, 1000, 2000);
	put_mode(s, "second-group", 1, 0644, 1000, 3000);
	become(1000, 1000, 1, 3000);
	DO(s, fchmodat(s->dir, "own-group", 06755, 0));
	DO(s, fchmodat(s->dir, "other-group", 06755, 0));
	DO(s, fchmodat(s->dir, "dir-other-group", 06755, 0));
	DO(s, fchmodat(s->dir, "second-group", 06755, 0));
	note_stat(s, s->dir, "own-group");
	note_stat(s, s->dir, "other-group");
	note_stat(s, s->dir, "dir-other-group");
	note_stat(s, s->dir, "second-group");
}

static void chown_ways(struct side *s)
{
	put_mode(s, "file", 1, 06755, 0, 0);
	put_dir(s, "dir", 06755, 0, 0);
	MUST(symlinkat("file", s->dir, "link") == 0);
	int fd = openat(s->dir, "file", O_RDONLY);
	DO(s, fchownat(s->dir, "file", 5, -1, 0));
	note_stat(s, s->dir, "file");
	DO(s, fchownat(s->dir, "file", -1, 6, 0));
	DO(s, fchownat(s->dir, "file", -1, -1, 0));
	note_stat(s, s->dir, "file");
	DO(s, fchownat(s->dir, "dir", 7, 8, 0));
	note_stat(s, s->dir, "dir");
	DO(s, fchownat(s->dir, "link", 9, 10, AT_SYMLINK_NOFOLLOW));
	note_stat(s, s->dir, "link");
	DO(s, fchownat(s->dir, "link", 11, 12, 0));
	note_stat(s, s->dir, "file");
	DO(s, fchown(fd, 4294967294u, 4294967294u));
	note_stat(s, fd, "");
	DO(s, fchownat(fd, "", 1, 2, AT_EMPTY_PATH));
	note_stat(s, fd, "");
}

static void chown_by_owner(struct side *s)
{
	put_mode(s, "file", 1, 06755, 1000, 1000);
	put_mode(s, "foreign", 1, 06755, 1001, 1001);
	become(1000, 1000, 2, 3000, 3001);
	DO(s, fchownat(s->dir, "file", 1000, 3000, 0));
	note_stat(s, s->dir, "file");
	DO(s, fchmodat(s->dir, "file", 06755, 0));
	DO(s, fchownat(s->dir, "file", -1, 3001, 0));
	note_stat(s, s->dir, "file");
	DO(s, fchmodat(s->dir, "file", 06755, 0));
	DO(s, fchownat(s->dir, "file", -1, -1, 0));
	note_stat(s, s->dir, "file");
	DO(s, fchownat(s->dir, "file", 1000, 1000, 0));
	DO(s, fchownat(s->dir, "file", 1001, -1, 0));
	DO(s, fchownat(s->dir, "file", -1, 4000, 0));
	DO(s, fchownat(s->dir, "foreign", -1, 3000, 0));
	DO(s, fchownat(s->dir, "foreign", -1, -1, 0));
	note_stat(s, s->dir, "file");
}

static void note_times(struct side *s, const char *name)
{
	struct stat st;

	MUST(fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0);
	note(s, "'%s' atime %lld.%09ld, mtime %lld.%09ld", name,
	     st.st_atime > 1600000000 && st.st_atime < 4000000000 ? -77LL : (long long)st.st_atime,
	     st.st_atime > 1600000000 && st.st_atime < 4000000000 ? 0 : st.st_atim.tv_nsec,
	     st.st_mtime > 1600000000 && st.st_mtime < 4000000000 ? -77LL : (long long)st.st_mtime,
	     st.st_mtime > 1600000000 && st.st_mtime < 4000000000 ? 0 : st.st_mtim.tv_nsec);
}

static void times(struct side *s)
{
	static const struct timespec rows[][2] = {
		{ { 1, 1 }, { 2, 2 } },
		{ { 0, 0 }, { 0, 999999999 } },
		{ { 1000000000, 123456789 }, { 1500000000, 987654321 } },
		{ { 0, UTIME_NOW }, { 0, UTIME_NOW } },
		{ { 3, 3 }, { 0, UTIME_OMIT } },
		{ { 0, UTIME_OMIT }, { 4, 4 } },
		{ { 0, UTIME_NOW }, { 5, 5 } },
		{ { 6, 6 }, { 0, UTIME_NOW } },
		{ { 0, UTIME_NOW }, { 0, UTIME_OMIT } },
		{ { 0, UTIME_OMIT }, { 0, UTIME_NOW } },
		{ { 0, UTIME_OMIT }, { 0, UTIME_OMIT } },
		{ { -1, 0 }, { -100000, 5 } },
		{ { -2147483648LL, 1 }, { 2147483647LL, 1 } },
		{ { 4294967296LL, 1 }, { 15032385535LL, 1 } },
		{ { 99999999999LL, 1 }, { -99999999999LL, 1 } },
		{ { 1, 1000000000 }, { 1, 1 } },
		{ { 1, -1 }, { 1, 1 } },
	};

	put(s, "file", "x");
	MUST(mkdirat(s->dir, "dir", 0755) == 0 && symlinkat("file", s->dir, "link") == 0);
	int fd = openat(s->dir, "file", O_RDONLY);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		note(s, "row %zu", i);
		DO(s, utimensat(s->dir, "file", rows[i], 0));
		note_times(s, "file");
		DO(s, utimensat(s->dir, "dir", rows[i], 0));
		DO(s, utimensat(s->dir, "link", rows[i], AT_SYMLINK_NOFOLLOW));
		note_times(s, "link");
		DO(s, futimens(fd, rows[i]));
		note_times(s, "file");
	}
	DO(s, utimensat(s->dir, "link", rows[0], 0));
	note_times(s, "file");
	DO(s, futimens(fd, NULL));
	note_times(s, "file");
}

static void truncations(struct side *s)
{
	char path[4200];

	put(s, "file", "0123456789");
	MUST(mkdirat(s->dir, "dir", 0755) == 0 && symlinkat("file", s->dir, "link") == 0);
	MUST(mkfifoat(s->dir, "fifo", 0644) == 0);
	MUST(fchdir(s->dir) == 0);
	DO(s, truncate("file", 5));
	note_content(s, "file");
	DO(s, truncate("file", 5));
	DO(s, truncate("file", 100000));
	note_content(s, "file");
	DO(s, truncate("link", 3));
	note_content(s, "file");
	DO(s, truncate("file", 0));
	note_content(s, "file");
	DO(s, truncate("dir", 0));
	DO(s, truncate("fifo", 0));
	DO(s, truncate("absent", 0));
	DO(s, truncate("file", -1));
	DO(s, truncate("file", INT64_MAX));
	DO(s, truncate("file", 1LL << 40));
	note_stat(s, s->dir, "file");
	DO(s, truncate("file", 7));
	int rw = openat(s->dir, "file", O_RDWR), ro = openat(s->dir, "file", O_RDONLY);
	DO(s, ftruncate(rw, 20));
	note_stat(s, ro, "");
	DO(s, ftruncate(ro, 2));
	DO(s, ftruncate(rw, -5));
	DO(s, ftruncate(rw, 2));
	note_content(s, "file");
	DO(s, pwrite(rw, "end", 3, 10));
	DO(s, ftruncate(rw, 11));
	DO(s, ftruncate(rw, 14));
	note_content(s, "file");
	/* The descriptor was opened for writing before the permission was removed. */
	MUST(fchmod(rw, 0400) == 0 && fchown(rw, 1000, 1000) == 0);
	become(1000, 1000, 0);
	DO(s, truncate("file", 1));
	DO(s, ftruncate(rw, 1));
	note_stat(s, rw, "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
	DO(s, truncate(path, 0));
}

static void size_limit(struct side *s)
{
	struct rlimit limit = { 10000, 10000 };
	int fd;

	signal(SIGXFSZ, SIG_IGN);
	put(s, "file", "0123456789");
	fd = openat(s->dir, "file", O_RDWR);
	MUST(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	DO(s, ftruncate(fd, 10000));
	DO(s, ftruncate(fd, 10001));
	DO(s, pwrite(fd, "abcdef", 6, 9997));
	DO(s, pwrite(fd, "abcdef", 6, 10000));
	DO(s, posix_fallocate(fd, 0, 20000));
	note_stat(s, s->dir, "file");
}

/* Each field of statx(2) has the same value when asked for alone and with all others. */
static void statx_alone(struct side *s)
{
	struct statx all, one;

	put(s, "file", "0123456789");
	MUST(mkdirat(s->dir, "dir", 0755) == 0);
	static const char *const names[] = { "file", "dir", "." };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		MUST(statx(s->dir, names[i], 0, STATX_BASIC_STATS | STATX_BTIME, &all) == 0);
		note(s, "mask %x", all.stx_mask & (STATX_BASIC_STATS | STATX_BTIME));
		for (unsigned int bit = 1; bit <= STATX_BTIME; bit <<= 1) {
			DO(s, statx(s->dir, names[i], 0, bit, &one));
			note(s, "bit %x answered: %d", bit, !!(one.stx_mask & bit));
			if (bit == STATX_SIZE)
				note(s, "equal: %d", one.stx_size == all.stx_size);
			if (bit == STATX_INO)
				note(s, "equal: %d", one.stx_ino == all.stx_ino);
			if (bit == STATX_MODE)
				note(s, "equal: %d", one.stx_mode == all.stx_mode);
			if (bit == STATX_BTIME)
				note(s, "equal: %d",
				     memcmp(&one.stx_btime, &all.stx_btime,
					    sizeof(one.stx_btime)) == 0);
		}
		for (int sync = AT_STATX_FORCE_SYNC; sync <= AT_STATX_DONT_SYNC; sync += 0x2000)
			DO(s, statx(s->dir, names[i], sync, STATX_BASIC_STATS | STATX_BTIME, &one));
	}
	DO(s, statx(s->dir, "file", AT_STATX_SYNC_TYPE, STATX_BASIC_STATS, &one));
	DO(s, statx(s->dir, "absent", 0, STATX_BASIC_STATS, &one));
}

/* Every operation moves certain times of the file and of its directory. */
static void which_times_move(struct side *s)
{
	char text[16];
	struct stamp f, d;

	MUST(mkdirat(s->dir, "d", 0755) == 0 && mkdirat(s->dir, "e", 0755) == 0);
	put(s, "d/f", "0123456789");
	int fd = openat(s->dir, "d/f", O_RDWR);
#define MOVES(call)                                                                                \
	do {                                                                                       \
		f = stamp_take(s, fd, "");                                                         \
		d = stamp_take(s, s->dir, "d");                                                    \
		note(s, #call " = %s", (call) < 0 ? strerrorname_np(errno) : "good");              \
		stamp_note(s, #call, fd, "", f);                                                   \
		stamp_note(s, #call, s->dir, "d", d);                                              \
	} while (0)
	MOVES(pwrite(fd, "x", 1, 0));
	MOVES(pwrite(fd, "x", 1, 100));
	MOVES(pwrite(fd, "x", 0, 0));
	MOVES(pread(fd, text, 5, 0));
	MOVES(pread(fd, text, 5, 0));
	MOVES(pread(fd, text, 0, 0));
	MOVES(pread(fd, text, 5, 1000));
	MOVES(ftruncate(fd, 50));
	MOVES(ftruncate(fd, 50));
	MOVES(truncate("d/f", 50));
	MOVES(truncate("d/f", 60));
	MOVES(fchmod(fd, 0644));
	MOVES(fchown(fd, -1, -1));
	MOVES(fchown(fd, 1, 1));
	MOVES(posix_fallocate(fd, 0, 10));
	MOVES(posix_fallocate(fd, 0, 10000));
	MOVES(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 100000));
	MOVES(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 4096));
	MOVES(linkat(s->dir, "d/f", s->dir, "d/g", 0));
	MOVES(renameat(s->dir, "d/g", s->dir, "d/h"));
	MOVES(renameat(s->dir, "d/h", s->dir, "e/h"));
	MOVES(unlinkat(s->dir, "e/h", 0));
	MOVES(mkdirat(s->dir, "d/sub", 0755));
	MOVES(unlinkat(s->dir, "d/sub", AT_REMOVEDIR));
	MOVES(symlinkat("x", s->dir, "d/l"));
	MOVES(mkfifoat(s->dir, "d/fifo", 0644));
	MOVES(openat(s->dir, "d/new", O_CREAT | O_RDWR, 0644));
	MOVES(openat(s->dir, "d/f", O_RDONLY));
	MOVES(openat(s->dir, "d/f", O_RDWR | O_CREAT, 0644));
	MOVES(openat(s->dir, "d/f", O_RDWR | O_TRUNC));
	MOVES(openat(s->dir, "d/f", O_RDWR | O_TRUNC));
	MOVES(fsync(fd));
	MOVES(fchmodat(s->dir, "d", 0700, 0));
	MOVES(renameat(s->dir, "d", s->dir, "d2"));
	MOVES(unlinkat(s->dir, "d2/f", 0));
#undef MOVES
}

static void file_system(struct side *s)
{
	struct statfs st, below;
	int fd;

	put(s, "file", "x");
	fd = openat(s->dir, "file", O_RDONLY);
	DO(s, fstatfs(fd, &st));
	/*
	 * Compares with the lower tree at the same moment, because both are on one file system,
	 * whose background work changes the values. So more than one look may be needed.
	 */
	for (int i = 0; i < 50; i++) {
		MUST(fstatfs(fd, &st) == 0 && fstatfs(s->below, &below) == 0);
		if (st.f_bfree == below.f_bfree && st.f_ffree == below.f_ffree)
			break;
	}
	note(s, "block %ld, fragment %ld, name %ld, total %d, free %d, files %d, free %d",
	     (long)st.f_bsize, (long)st.f_frsize, (long)st.f_namelen, st.f_blocks == below.f_blocks,
	     st.f_bfree == below.f_bfree && st.f_bavail == below.f_bavail,
	     st.f_files == below.f_files, st.f_ffree == below.f_ffree);
}

static const struct scenario scenarios[] = {
	{ "chmod-all", chmod_all, 0 },
	{ "chmod-ways", chmod_ways, 0 },
	{ "chmod-by-owner", chmod_by_owner, 0 },
	{ "chown-ways", chown_ways, 0 },
	{ "chown-by-owner", chown_by_owner, 0 },
	{ "times", times, 0 },
	{ "truncate", truncations, 0 },
	{ "size-limit", size_limit, 0 },
	{ "statx-alone", statx_alone, 0 },
	{ "which-times-move", which_times_move, S_NO_AGREE },
	{ "statfs", file_system, 0 },
	{},
};
const struct scenario_group group_attr = { "attr", scenarios };
