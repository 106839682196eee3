// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * changes LOWER VIEW SECONDS: changes the filters of VIEW, which has none, by the command penstock.
 * The filter "key" hides "*.key". First one task checks what a change does to names, open files,
 * working directories and mounts that the view knows; then tasks look all the time, and none may
 * get an answer that was true before the last change only. Prints a line for each check.
 */
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

enum { N_TASKS = 4, N_NAMES = 3, MIN_CHANGES = 6 };

/* Runs "penstock filter WORD VIEW A B" quietly. Returns whether it has succeeded. */
static bool filter(const char *word, const char *a, const char *b)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd = open("/w/said-filter", O_CREAT | O_TRUNC | O_WRONLY, 0644);

		dup2(fd, 1);
		dup2(fd, 2);
		execlp("penstock", "penstock", "filter", word, view, a, b, NULL);
		_exit(127);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool absent(const char *name)
{
	struct stat st;

	return stat(name, &st) < 0 && errno == ENOENT;
}

static bool exists(const char *name)
{
	struct stat st;

	return stat(name, &st) == 0;
}

static bool refused(int r, int error)
{
	return r < 0 && errno == error;
}

static bool make_file(const char *name)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	return fd >= 0 && write(fd, "text", 4) == 4 && close(fd) == 0;
}

/* Counts the names in a directory that end in ".key". */
static int count_keys(const char *name)
{
	DIR *dir = opendir(name);
	struct dirent *e;
	int n = dir ? 0 : -1;

	while (dir && (e = readdir(dir))) {
		size_t len = strlen(e->d_name);

		n += len > 4 && strcmp(e->d_name + len - 4, ".key") == 0;
	}
	if (dir)
		closedir(dir);
	return n;
}

/* ---- one task ---------------------------------------------------------------------------- */

static int dir_fd, file_fd;

static void make_tree(void)
{
	char name[32];

	mkdir(L("d.key"), 0755);
	mkdir(L("d.key/sub"), 0755);
	mkdir(L("m.key"), 0755);
	for (int i = 0; i < N_NAMES; i++) {
		sprintf(name, "n%d.key", i);
		mkdir(L(name), 0755);
		strcat(name, "/f");
		make_file(L(name));
	}
	CHECK("changes.tree", make_file(L("d.key/sub/f")) && make_file(L("d.key/sub/x.key")) &&
				      make_file(L("open.key")) && make_file(L("plain")));
}

/* Lets the view know all of these names, also those that are absent. */
static void use_all(void)
{
	CHECK("changes.before", exists(V("d.key/sub/x.key")) && exists(V("open.key")) &&
					exists(V("plain")) && absent(V("absent.key")) &&
					absent(V("absent")) && chdir(V("d.key/sub")) == 0);
	dir_fd = open(V("d.key"), O_RDONLY | O_DIRECTORY);
	file_fd = open(V("open.key"), O_RDWR);
	CHECK("changes.mount-inside",
	      mount("none", V("m.key"), "tmpfs", 0, NULL) == 0 && make_file(V("m.key/inside")));
}

static void check_hidden(const char *name)
{
	char check[64], c;
	struct stat st;

	sprintf(check, "changes.%s.names", name);
	CHECK(check, absent(V("d.key")) && absent(V("d.key/sub/f")) && absent(V("open.key")) &&
			     absent(V("m.key/inside")) && exists(V("plain")));
	sprintf(check, "changes.%s.listing", name);
	CHECK(check, count_keys(view) == 0);
	sprintf(check, "changes.%s.absent-name", name);
	CHECK(check, absent(V("absent.key")) && refused(mkdir(V("absent.key"), 0755), EPERM) &&
			     refused(mkdir(V("d.key"), 0755), EPERM) &&
			     refused(open(V("new.key"), O_CREAT | O_RDWR, 0644), EPERM) &&
			     refused(rename(V("plain"), V("plain.key")), EPERM) &&
			     refused(link(V("plain"), V("open.key")), EPERM) &&
			     refused(unlink(V("open.key")), ENOENT));
	sprintf(check, "changes.%s.open-file", name);
	CHECK(check, fstat(file_fd, &st) == 0 && pread(file_fd, &c, 1, 0) == 1 &&
			     pwrite(file_fd, "t", 1, 0) == 1 &&
			     faccessat(dir_fd, "sub/f", R_OK, 0) == 0);
	/* The new filter holds for names in directories that no path leads to any more. */
	sprintf(check, "changes.%s.working-directory", name);
	CHECK(check, exists("f") && absent("x.key") && exists("../sub") && count_keys(".") == 0 &&
			     refused(faccessat(dir_fd, "sub/x.key", R_OK, 0), ENOENT));
}

static void check_visible(const char *name)
{
	char check[64];

	sprintf(check, "changes.%s.names", name);
	CHECK(check, exists(V("d.key/sub/x.key")) && exists(V("open.key")) && exists("x.key") &&
			     count_keys(view) == 3 + N_NAMES);
	sprintf(check, "changes.%s.absent-name", name);
	CHECK(check, mkdir(V("absent.key"), 0755) == 0 && exists(V("absent.key")) &&
			     rmdir(V("absent.key")) == 0);
	sprintf(check, "changes.%s.mount-is-left", name);
	CHECK(check, exists(V("m.key/inside")));
}

static void check_one_task(void)
{
	make_tree();
	use_all();
	CHECK("changes.add", filter("add", "key", NULL));
	check_hidden("added");
	CHECK("changes.add-twice", !filter("add", "key", NULL));
	CHECK("changes.remove-absent", !filter("remove", "absent", NULL));
	CHECK("changes.replace-refused", !filter("replace", "key", "quota,files=3"));
	CHECK("changes.add-refused", !filter("add", "key,name=two,at=/d", NULL));
	check_hidden("refused");
	CHECK("changes.replace", filter("replace", "key", "key,name=other"));
	check_hidden("replaced");
	CHECK("changes.add-second", filter("add", "key,name=two", NULL));
	CHECK("changes.remove-first", filter("remove", "other", NULL));
	check_hidden("two");
	CHECK("changes.remove", filter("remove", "two", NULL));
	check_visible("removed");
}

/* ---- cells ------------------------------------------------------------------------------- */

/* Returns what the filter "depth" shows for a file, or -1. */
static int depth_of(int fd)
{
	char c;

	return fgetxattr(fd, "user.depth", &c, 1) == 1 ? c - '0' : -1;
}

/* Cells of files that are open, or that the view knows, when the filter is added. */
static void check_cells(void)
{
	int deep = open(V("d.key/sub/f"), O_RDONLY), sub = open("/", O_PATH), free_fd, gone;

	mkdir(L("free"), 0755);
	CHECK("changes.cells-tree", make_file(L("free/f")) && make_file(L("gone")));
	free_fd = open(V("free/f"), O_RDONLY);
	gone = open(V("gone"), O_RDONLY);
	unlink(V("gone"));
	close(sub);
	sub = open(V("d.key/sub"), O_RDONLY);
	CHECK("changes.cells-add", filter("add", "depth", NULL));
	CHECK("changes.cells", depth_of(deep) == 3 && depth_of(sub) == 2);
	CHECK("changes.cells-not-held", depth_of(free_fd) == -1);
	/* No name says that the filter does not hold for this one. */
	CHECK("changes.cells-removed-file", depth_of(gone) >= 0);
	CHECK("changes.cells-second", filter("add", "depth,name=second", NULL) &&
					      filter("remove", "depth", NULL) &&
					      depth_of(deep) == 3);
	CHECK("changes.cells-remove", filter("remove", "second", NULL) && depth_of(deep) == -1);
	CHECK("changes.cells-again",
	      filter("add", "depth", NULL) && depth_of(deep) == 3 && depth_of(free_fd) == -1);
	CHECK("changes.cells-end", filter("remove", "depth", NULL));
	close(deep);
	close(sub);
	close(free_fd);
	close(gone);
}

/* ---- shown attributes -------------------------------------------------------------------- */

static bool shows(const char *name, uid_t uid)
{
	struct stat st;

	return stat(name, &st) == 0 && st.st_uid == uid;
}

/* Nobody looks at "seldom" while the second filter is there; the third has the bit of the first. */
static void check_shown(void)
{
	struct stat st;

	CHECK("changes.shown-tree", make_file(L("seldom")) && shows(V("seldom"), 0));
	CHECK("changes.shown-add", filter("add", "owner,uid=5", NULL) && shows(V("plain"), 5) &&
					   shows(V("seldom"), 5) && fstat(file_fd, &st) == 0 &&
					   st.st_uid == 5);
	CHECK("changes.shown-replace",
	      filter("replace", "owner", "owner,uid=6") && shows(V("plain"), 6));
	CHECK("changes.shown-again", filter("replace", "owner", "owner,uid=7") &&
					     shows(V("plain"), 7) && shows(V("seldom"), 7));
	CHECK("changes.shown-remove",
	      filter("remove", "owner", NULL) && shows(V("plain"), 0) && shows(V("seldom"), 0));
}

/* ---- all the time ------------------------------------------------------------------------ */

enum mode { CHANGING, VISIBLE, HIDDEN };

/* state: the number of the change and the mode. Each task ends when ended is set. */
static struct {
	_Atomic unsigned int state;
	_Atomic bool ended;
} * shared;

/*
 * Does one thing with a name that is there, or not. Returns whether the result fits to the mode; it
 * is only true if the mode was the same all the time.
 */
static bool fits(enum mode mode, int way, const char *name)
{
	char file[4200];
	int r = -1;

	snprintf(file, sizeof(file), "%s/%s/f", view, name);
	switch (way) {
	case 0:
		return (mode == HIDDEN ? absent : exists)(file);
	case 1:
		r = open(file, O_RDONLY);
		if (r >= 0)
			close(r);
		return mode == HIDDEN ? refused(r, ENOENT) : r >= 0;
	case 2:
		return (mode == HIDDEN ? absent : exists)("x.key") && exists("f");
	case 3:
		r = faccessat(dir_fd, "sub/x.key", R_OK, 0);
		return mode == HIDDEN ? refused(r, ENOENT) : r == 0;
	case 4:
		r = mkdir(V(name), 0755);
		return refused(r, mode == HIDDEN ? EPERM : EEXIST);
	case 5:
		return count_keys(".") == (mode == HIDDEN ? 0 : 1);
	default:
		/* A name of this task alone, which is absent. */
		snprintf(file, sizeof(file), "%s/absent%d.key", view, getpid());
		r = mkdir(file, 0755);
		if (mode == HIDDEN)
			return refused(r, EPERM);
		/* The name may be left from a time when it was visible. */
		return r == 0 ? rmdir(file) == 0 : errno == EEXIST && rmdir(file) == 0;
	}
}

static int look(int i)
{
	unsigned long n = 0, n_sure = 0;

	srand(i);
	if (i == 1 && setresuid(77, 77, 77) < 0)
		return 1;
	for (; !shared->ended; n++) {
		unsigned int before = shared->state;
		/* User 77 may not write to the directory. */
		int way = rand() % (i == 1 ? 4 : 7);
		char name[16];
		bool good;
		int error;

		sprintf(name, "n%d.key", rand() % N_NAMES);
		good = fits(before % 4, way, name);
		error = errno;
		if (before != shared->state || before % 4 == CHANGING)
			continue;
		n_sure++;
		if (!good) {
			printf("# task %d, way %d, %s: %s: %s\n", i, way, name,
			       before % 4 == HIDDEN ? "it is hidden" : "it is not hidden",
			       strerror(error));
			return 1;
		}
	}
	printf("# task %d: %lu looks, %lu between changes\n", i, n, n_sure);
	fflush(stdout);
	return n_sure == 0;
}

static void check_all_the_time(int seconds)
{
	time_t end = time(NULL) + seconds;
	unsigned int n = 0, n_bad = 0;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	shared->state = VISIBLE;
	fflush(stdout);
	for (int i = 0; i < N_TASKS; i++)
		if (fork() == 0)
			_exit(look(i));
	while (n < MIN_CHANGES || time(NULL) < end) {
		bool hide = ++n % 2;

		shared->state = n << 2 | CHANGING;
		if (!filter(hide ? "add" : "remove", "key", NULL))
			n_bad++;
		shared->state = n << 2 | (hide ? HIDDEN : VISIBLE);
		usleep(300000);
	}
	shared->ended = true;
	CHECK("changes.each-succeeds", n_bad == 0);
	while (wait(&status) > 0)
		n_bad += status != 0;
	CHECK("changes.no-old-answer", n_bad == 0);
	if (n % 2)
		CHECK("changes.end", filter("remove", "key", NULL));
	printf("# %u changes\n", n);
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	lower = argv[1];
	view = argv[2];
	check_one_task();
	check_cells();
	check_shown();
	check_all_the_time(atoi(argv[3]));
	CHECK("changes.unmount-inside", umount(V("m.key")) == 0);
	return failed;
}
