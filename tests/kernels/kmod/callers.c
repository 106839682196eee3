// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * callers LOWER VIEW SECONDS: in VIEW "*.key" is hidden from user 77, and from no other user. Tasks
 * look the same names up, half of them as user 77; one task changes its user all the time. No task
 * may get the answer for another user. The parent drops what the kernel has cached and renames
 * names in both trees meanwhile.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_TASKS = 6, N_NAMES = 4, HIDDEN_FROM = 77 };

static char base[4096];

static int fail(const char *what, int uid, const char *path)
{
	printf("user %d: %s %s: %s\n", uid, what, path, strerror(errno));
	return 1;
}

/* Looks at a name, which exists, in one of several ways. */
static int look(int uid, const char *name, int way)
{
	char path[4200];
	struct stat st;
	int fd, r;

	snprintf(path, sizeof(path), "%s/%s", base, name);
	switch (way) {
	case 0:
		r = stat(path, &st);
		break;
	case 1:
		strcat(path, "/f");
		r = stat(path, &st);
		break;
	case 2:
		strcat(path, "/f");
		r = fd = open(path, O_RDONLY);
		if (fd >= 0)
			close(fd);
		break;
	default:
		r = mkdir(path, 0777);
		/* Creating a name fails if it is hidden, and if it exists. */
		if (r == 0 || errno != (uid == HIDDEN_FROM ? EPERM : EEXIST))
			return fail("mkdir", uid, path);
		return 0;
	}
	if (uid == HIDDEN_FROM ? r >= 0 || errno != ENOENT : r < 0)
		return fail(r < 0 ? "cannot see" : "sees", uid, path);
	return 0;
}

static int list(int uid)
{
	DIR *dir = opendir(base);
	struct dirent *e;
	int n = 0;

	while (dir && (e = readdir(dir)))
		n += strstr(e->d_name, ".key") != NULL;
	if (dir)
		closedir(dir);
	return dir && n == (uid == HIDDEN_FROM ? 0 : N_NAMES) ? 0 : fail("lists", uid, base);
}

static int work(int i, time_t end)
{
	int uid = i % 2 ? HIDDEN_FROM : 55, n_bad = 0;
	unsigned long n = 0;
	char name[16];

	srand(i);
	if (i && setresuid(uid, uid, uid) < 0)
		return 1;
	while (time(NULL) < end && !n_bad)
		for (int j = 0; j < 200 && !n_bad; j++, n++) {
			/* Task 0 is one process, and two users by turns. */
			if (!i)
				setfsuid(uid = n % 2 ? HIDDEN_FROM : 55);
			sprintf(name, "d%d.key", rand() % N_NAMES);
			n_bad += look(uid, name, rand() % 4);
			if (j % 50 == 0)
				n_bad += list(uid);
		}
	printf("task %d, user %d: %lu looks\n", i, uid, n);
	fflush(stdout);
	return n_bad;
}

/* Swaps two names, which exist all the time. */
static void swap(const char *top)
{
	char a[4200], b[4200];

	snprintf(a, sizeof(a), "%s/d%d.key", top, rand() % N_NAMES);
	snprintf(b, sizeof(b), "%s/d%d.key", top, rand() % N_NAMES);
	renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc == 4 ? atoi(argv[3]) : 0);
	struct timespec pause = { .tv_nsec = 20000000 };
	int n_bad = 0, status, drop = open("/proc/sys/vm/drop_caches", O_WRONLY);
	char path[4200];

	if (argc != 4)
		return 2;
	snprintf(base, sizeof(base), "%s", argv[2]);
	for (int i = 0; i < N_NAMES; i++) {
		snprintf(path, sizeof(path), "%s/d%d.key", argv[1], i);
		mkdir(path, 0755);
		strcat(path, "/f");
		close(open(path, O_CREAT | O_WRONLY, 0644));
	}
	chmod(argv[1], 0777);
	for (int i = 0; i < N_TASKS; i++)
		if (fork() == 0)
			_exit(work(i, end));
	for (int i = 0; time(NULL) < end; i++) {
		nanosleep(&pause, NULL);
		swap(argv[1 + i % 2]);
		if (i % 8 == 0 && write(drop, "2", 1) < 0)
			n_bad++;
	}
	while (wait(&status) > 0)
		n_bad += status != 0;
	return n_bad != 0;
}
