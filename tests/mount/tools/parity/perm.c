// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who may do what: every mode for owner, member of the group and others, on files and directories. */
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "parity.h"

static const mode_t modes[] = { 0000, 0400, 0200, 0100, 0040, 0020, 0010, 0004, 0002, 0001,
				0600, 0660, 0666, 0500, 0700, 0750, 0755, 0777, 0077, 0707 };
#define N_MODES (sizeof(modes) / sizeof(modes[0]))

static const struct {
	const char *name;
	uid_t uid;
	gid_t gid, group;
} callers[] = {
	{ "owner", 1000, 1000, 1000 },
	{ "member", 1001, 2000, 2000 },
	{ "supplementary member", 1001, 1001, 2000 },
	{ "other", 1002, 1002, 1002 },
};
#define N_CALLERS (sizeof(callers) / sizeof(callers[0]))

static void act_as(size_t caller)
{
	become(callers[caller].uid, callers[caller].gid, 1, callers[caller].group);
}

static const char *outcome(long r)
{
	return r < 0 ? strerrorname_np(errno) : "yes";
}

static int try_open(struct side *s, const char *name, int flags)
{
	int fd = openat(s->dir, name, flags | O_CLOEXEC, 0644);
	int error = errno;

	close(fd);
	errno = error;
	return fd < 0 ? -1 : 0;
}

static void files(struct side *s)
{
	for (size_t m = 0; m < N_MODES; m++) {
		char name[32];

		snprintf(name, sizeof(name), "f%03o", modes[m]);
		put_mode(s, name, 1, modes[m], 1000, 2000);
		for (size_t c = 0; c < N_CALLERS; c++) {
			act_as(c);
			note(s, "%s by %s", name, callers[c].name);
			note(s, "read %s", outcome(try_open(s, name, O_RDONLY)));
			note(s, "write %s", outcome(try_open(s, name, O_WRONLY)));
			note(s, "both %s", outcome(try_open(s, name, O_RDWR)));
			note(s, "append %s", outcome(try_open(s, name, O_WRONLY | O_APPEND)));
			note(s, "truncate %s", outcome(try_open(s, name, O_WRONLY | O_TRUNC)));
			note(s, "noatime %s", outcome(try_open(s, name, O_RDONLY | O_NOATIME)));
			note(s, "path %s", outcome(try_open(s, name, O_PATH)));
			for (int what = 0; what < 8; what++) {
				note(s, "access %d %s", what,
				     outcome(faccessat(s->dir, name, what, 0)));
				note(s, "effective %d %s", what,
				     outcome(faccessat(s->dir, name, what, AT_EACCESS)));
			}
			become_root();
		}
	}
}

static void directories(struct side *s)
{
	for (size_t m = 0; m < N_MODES; m++) {
		char name[32], inner[64], made[64];

		snprintf(name, sizeof(name), "d%03o", modes[m]);
		snprintf(inner, sizeof(inner), "%s/f", name);
		put_dir(s, name, 0755, 1000, 2000);
		put_mode(s, inner, 1, 0666, 0, 0);
		MUST(fchmodat(s->dir, name, modes[m], 0) == 0);
		for (size_t c = 0; c < N_CALLERS; c++) {
			snprintf(made, sizeof(made), "%s/made%zu", name, c);
			act_as(c);
			note(s, "%s by %s", name, callers[c].name);
			note(s, "list %s", outcome(try_open(s, name, O_RDONLY | O_DIRECTORY)));
			note(s, "reach %s", outcome(faccessat(s->dir, inner, F_OK, 0)));
			note(s, "open %s", outcome(try_open(s, inner, O_RDWR)));
			note(s, "enter %s", outcome(faccessat(s->dir, name, X_OK, 0)));
			note(s, "mkdir %s", outcome(mkdirat(s->dir, made, 0755)));
			note(s, "rmdir %s", outcome(unlinkat(s->dir, made, AT_REMOVEDIR)));
			note(s, "symlink %s", outcome(symlinkat("x", s->dir, made)));
			note(s, "unlink %s", outcome(unlinkat(s->dir, made, 0)));
			note(s, "fifo %s", outcome(mkfifoat(s->dir, made, 0644)));
			note(s, "rename %s", outcome(renameat(s->dir, made, s->dir, made)));
			note(s, "create %s", outcome(try_open(s, made, O_CREAT | O_RDWR)));
			note(s, "tmpfile %s", outcome(try_open(s, name, O_TMPFILE | O_RDWR)));
			become_root();
		}
	}
}

/* New things belong to the caller; in a directory with the set-group-ID bit, to its group. */
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

static void sticky(struct side *s)
{
	static const char *const ops[] = { "unlink", "rename", "replace" };

	put_dir(s, "d", 01777, 1000, 1000);
	for (int op = 0; op < 3; op++)
		for (uid_t owner = 1000; owner <= 1002; owner++)
			for (size_t c = 0; c < N_CALLERS; c++) {
				char name[64], other[64];

				snprintf(name, sizeof(name), "d/%s-%u-%zu", ops[op], owner, c);
				snprintf(other, sizeof(other), "d/new-%u-%zu", owner, c);
				put_mode(s, name, 1, 0666, owner, owner);
				act_as(c);
				note(s, "%s of %u's by %s: %s", ops[op], owner, callers[c].name,
				     outcome(op == 0 ? unlinkat(s->dir, name, 0) :
					     op == 1 ? renameat(s->dir, name, s->dir, other) :
						       renameat2(s->dir, name, s->dir, other,
								 RENAME_EXCHANGE)));
				become_root();
			}
}

/* What only the owner, or only root, may do. */
static void owner_only(struct side *s)
{
	static const struct timespec times[2] = { { 1, 1 }, { 2, 2 } };

	put_mode(s, "f", 1, 0666, 1000, 1000);
	for (size_t c = 0; c < N_CALLERS; c++) {
		char linked[16];

		snprintf(linked, sizeof(linked), "linked%zu", c);
		act_as(c);
		note(s, "%s", callers[c].name);
		DO(s, fchmodat(s->dir, "f", 0666, 0));
		DO(s, fchownat(s->dir, "f", 0, -1, 0));
		DO(s, fchownat(s->dir, "f", -1, 0, 0));
		DO(s, utimensat(s->dir, "f", times, 0));
		DO(s, linkat(s->dir, "f", s->dir, linked, 0));
		become_root();
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

/* A directory is entered by descriptor although its parent is closed now. */
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

/* A descriptor keeps the right that it was opened with. */
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
	{ "files", files, S_NO_AGREE },
	{ "directories", directories, S_NO_AGREE },
	{ "ownership", ownership, 0 },
	{ "sticky", sticky, S_NO_AGREE },
	{ "owner-only", owner_only, 0 },
	{ "in-group-of-many", in_group_of_many, 0 },
	{ "by-descriptor", by_descriptor, 0 },
	{ "kept-right", kept_right, 0 },
	{},
};
const struct scenario_group group_perm = { "perm", scenarios };
