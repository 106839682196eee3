// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Owners of new files, groups, and permissions that a descriptor keeps. tools/callers compares the
 * permissions of each caller for files and directories of each mode and owner.
 */
#include "parity.h"

static int try_open(struct side *s, const char *name, int flags)
{
	int fd = openat(s->dir, name, flags | O_CLOEXEC, 0644);
	int error = errno;

	close(fd);
	errno = error;
	return fd < 0 ? -1 : 0;
}

/*
 * New files belong to the caller; in a directory with the set-group-ID bit, to the directory's
 * group.
 */
static void ownership(struct side *s)
{
	static const mode_t kinds[] = { 0777, 02777, 03777 };
	char path[64], name[64];

	for (size_t k = 0; k < 3; k++)
		for (int mask = 0; mask <= 077; mask += 077) {
			snprintf(path, sizeof(path), "d%o-%o", kinds[k], mask);
			put_dir(s, path, kinds[k], 0, 3000);
			umask(mask);
			for (int member = 0; member < 2; member++) {
				become(1000, 1000, member, 3000);
				int d = openat(s->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
				snprintf(name, sizeof(name), "file%d", member);
				close(FD(s, openat(d, name, O_CREAT | O_EXCL | O_RDWR, 06777)));
				note_stat(s, d, name);
				snprintf(name, sizeof(name), "dir%d", member);
				DO(s, mkdirat(d, name, 0777));
				note_stat(s, d, name);
				snprintf(name, sizeof(name), "fifo%d", member);
				DO(s, mknodat(d, name, S_IFIFO | 06777, 0));
				note_stat(s, d, name);
				snprintf(name, sizeof(name), "link%d", member);
				DO(s, symlinkat("x", d, name));
				note_stat(s, d, name);
				int fd = FD(s, openat(d, ".", O_TMPFILE | O_RDWR, 06777));
				note_stat(s, fd, "");
				close(fd);
				close(d);
				become_root();
			}
			umask(022);
		}
}

static void in_group_of_many(struct side *s)
{
	put_mode(s, "f", 1, 0060, 0, 5040);
	become(1000, 1000, 40, 5001, 5002, 5003, 5004, 5005, 5006, 5007, 5008, 5009, 5010, 5011,
	       5012, 5013, 5014, 5015, 5016, 5017, 5018, 5019, 5020, 5021, 5022, 5023, 5024, 5025,
	       5026, 5027, 5028, 5029, 5030, 5031, 5032, 5033, 5034, 5035, 5036, 5037, 5038, 5039,
	       5040);
	DO(s, try_open(s, "f", O_RDWR));
	DO(s, faccessat(s->dir, "f", R_OK | W_OK, 0));
}

/* A descriptor leads into a directory although its parent can no longer be searched. */
static void by_descriptor(struct side *s)
{
	put_dir(s, "closed", 0755, 0, 0);
	put_dir(s, "closed/open", 0777, 0, 0);
	put_mode(s, "closed/open/f", 1, 0666, 0, 0);
	int fd = openat(s->dir, "closed/open", O_RDONLY | O_DIRECTORY);
	MUST(fchmodat(s->dir, "closed", 0, 0) == 0);
	become(1000, 1000, 0);
	DO(s, faccessat(s->dir, "closed/open/f", R_OK, 0));
	DO(s, faccessat(fd, "f", R_OK, 0));
	close(FD(s, openat(fd, "g", O_CREAT | O_RDWR, 0644)));
	close(FD(s, openat(fd, "f", O_RDWR)));
	DO(s, unlinkat(fd, "f", 0));
}

/* A descriptor keeps the access mode that it was opened with. */
static void kept_right(struct side *s)
{
	char text[4];

	put_mode(s, "f", 4, 0666, 0, 0);
	become(1000, 1000, 0);
	int fd = openat(s->dir, "f", O_RDWR);
	become_root();
	MUST(fchmodat(s->dir, "f", 0, 0) == 0);
	become(1000, 1000, 0);
	DO(s, pread(fd, text, 4, 0));
	DO(s, pwrite(fd, "x", 1, 0));
	DO(s, ftruncate(fd, 2));
	DO(s, try_open(s, "f", O_RDONLY));
	become_root();
	note_content(s, "f");
}

static const struct scenario scenarios[] = {
	{ "ownership", ownership, 0 },
	{ "in-group-of-many", in_group_of_many, 0 },
	{ "by-descriptor", by_descriptor, 0 },
	{ "kept-right", kept_right, 0 },
	{},
};
const struct scenario_group group_perm = { "perm", scenarios };
