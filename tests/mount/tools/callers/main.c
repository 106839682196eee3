// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * callers make DIR [SHARE]: makes a file, or a directory, for each operation, caller, mode, owner.
 * callers run DIR [SHARE]: does each operation as each caller; prints a line with each result.
 *
 * A test makes two lower trees as root and runs this program on both, directly and through NFS or a
 * view. Then it compares the outputs and the resulting trees. The program uses only files in DIR.
 * SHARE: only each n-th file, for slow machines.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callers.h"

#define GROUP 2000

static const struct caller {
	const char *name;
	uid_t uid;
	gid_t gid, group;
} callers[] = {
	{ "root", 0, 0, 0 },
	{ "owner", 1000, 1000, 0 },
	{ "member", 1001, 1001, GROUP },
	{ "other", 1002, 1002, 0 },
};

static const uid_t owners[] = { 1000, 0 };
static const mode_t file_modes[] = { 0644, 0600, 0664, 0660,  0444, 0000,
				     0464, 0606, 0711, 04755, 02775 };
static const mode_t dir_modes[] = { 0755, 0700, 0775, 01777, 02775, 0711, 0733, 0555 };

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* One try: the operation, the caller, and mode and owner of its file or directory. */
struct place {
	const struct op *op;
	const struct caller *caller;
	uid_t owner;
	mode_t mode;
	bool dir;
	char path[200];
};

typedef void (*place_fn)(const struct place *place);

static void each_place(const char *top, unsigned int share, place_fn fn)
{
	unsigned int n = 0;

	for (int dir = 0; dir < 2; dir++)
		for (size_t o = 0; o < (dir ? n_dir_ops : n_file_ops); o++)
			for (size_t c = 0; c < N(callers); c++)
				for (size_t u = 0; u < N(owners); u++)
					for (size_t m = 0; m < (dir ? N(dir_modes) : N(file_modes));
					     m++) {
						struct place place = {
							.op = dir ? &dir_ops[o] : &file_ops[o],
							.caller = &callers[c],
							.owner = owners[u],
							.mode = dir ? dir_modes[m] : file_modes[m],
							.dir = dir,
						};

						if (n++ % share)
							continue;
						snprintf(place.path, sizeof(place.path),
							 "%s/%s-%s/%s.%u.%04o", top,
							 dir ? "dir" : "file", place.op->name,
							 place.caller->name, place.owner,
							 place.mode);
						fn(&place);
					}
}

static void make_file(const char *path, mode_t mode, uid_t owner)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	if (fd < 0 || write(fd, FILE_TEXT, strlen(FILE_TEXT)) < 0 || fchown(fd, owner, GROUP) < 0 ||
	    fchmod(fd, mode) < 0)
		err(2, "%s", path);
	close(fd);
}

static void make(const struct place *place)
{
	char path[256], *slash;

	/* The directory of the operation. */
	snprintf(path, sizeof(path), "%s", place->path);
	slash = strrchr(path, '/');
	*slash = 0;
	if (mkdir(path, 0777) == 0 && chmod(path, 0777) < 0)
		err(2, "%s", path);
	if (!place->dir) {
		make_file(place->path, place->mode, place->owner);
		return;
	}
	if (mkdir(place->path, 0700) < 0)
		err(2, "%s", place->path);
	snprintf(path, sizeof(path), "%s/f", place->path);
	make_file(path, 0644, place->owner);
	snprintf(path, sizeof(path), "%s/d", place->path);
	if (mkdir(path, 0755) < 0 || chown(path, place->owner, GROUP) < 0)
		err(2, "%s", path);
	snprintf(path, sizeof(path), "%s/l", place->path);
	if (symlink("f", path) < 0 || lchown(path, place->owner, GROUP) < 0)
		err(2, "%s", path);
	if (chown(place->path, place->owner, GROUP) < 0 || chmod(place->path, place->mode) < 0)
		err(2, "%s", place->path);
}

static const struct caller *now;

static void run(const struct place *place)
{
	char said[SAID_SIZE] = "";
	int r;

	if (place->caller != now)
		return;
	r = place->op->fn(place->path, said);
	printf("%s.%s %s %u %04o: %s%s%s\n", place->dir ? "dir" : "file", place->op->name,
	       place->caller->name, place->owner, place->mode, r < 0 ? strerrorname_np(-r) : "ok",
	       said[0] ? " " : "", said);
}

static void become(const struct caller *caller)
{
	umask(022);
	if (setgroups(caller->group ? 1 : 0, &caller->group) < 0 || setgid(caller->gid) < 0 ||
	    setuid(caller->uid) < 0)
		err(2, "cannot be %s", caller->name);
}

int main(int argc, char **argv)
{
	unsigned int share = argc > 3 ? atoi(argv[3]) : 1;

	if (argc < 3)
		errx(2, "usage: callers make|run DIR [SHARE]");
	umask(0);
	if (strcmp(argv[1], "make") == 0) {
		each_place(argv[2], share, make);
		return 0;
	}
	for (size_t c = 0; c < N(callers); c++) {
		int status;
		pid_t pid = fork();

		if (pid == 0) {
			now = &callers[c];
			become(now);
			each_place(argv[2], share, run);
			fflush(stdout);
			_exit(0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) < 0 || status)
			errx(2, "%s came to an end", callers[c].name);
	}
	return 0;
}
