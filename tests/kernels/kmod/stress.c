// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * stress LOWER VIEW SECONDS PROCESSES: changes names at random in the view and, in each third
 * process, below; all processes use the same few names. No call may fail with an errno that the
 * same calls in LOWER alone never give, and afterwards both trees have to agree.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_DIRS = 4, N_NAMES = 12, N_SUBNAMES = 3 };

static unsigned long seen[256];

static void count(long result)
{
	seen[result < 0 ? errno & 255 : 0]++;
}

static const char *name(char *buf)
{
	sprintf(buf, "d%d/n%d", rand() % N_DIRS, rand() % N_NAMES);
	return buf;
}

static const char *subname(char *buf)
{
	sprintf(buf, "d%d/n%d/m%d", rand() % N_DIRS, rand() % N_NAMES, rand() % N_SUBNAMES);
	return buf;
}

static void write_file(const char *path)
{
	static const char text[50] = "text";
	struct stat st;
	int fd = open(path, O_CREAT | O_RDWR, 0644);

	count(fd);
	if (fd < 0)
		return;
	count(write(fd, text, sizeof(text)));
	count(fstat(fd, &st));
	close(fd);
}

static void read_file(const char *path)
{
	char buf[64];
	void *map;
	int fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);

	count(fd);
	if (fd < 0)
		return;
	count(read(fd, buf, sizeof(buf)));
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED)
		munmap(map, 4096);
	count(ftruncate(fd, rand() % 9000));
	close(fd);
}

static void list(const char *path)
{
	DIR *dir = opendir(path);

	count(dir ? 0 : -1);
	while (dir && readdir(dir))
		;
	if (dir)
		closedir(dir);
}

static void one_call(void)
{
	char a[64], b[64];
	struct stat st;

	name(a);
	name(b);
	switch (rand() % 19) {
	case 0:
	case 1:
		write_file(a);
		break;
	case 2:
		count(unlink(a));
		break;
	case 3:
	case 4:
		count(rename(a, b));
		break;
	case 5:
		count(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
		break;
	case 6:
		count(renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_NOREPLACE));
		break;
	case 7:
		count(link(a, b));
		break;
	case 8:
		count(symlink("x", a));
		break;
	case 9:
		count(mkdir(a, 0755));
		break;
	case 10:
		count(rmdir(a));
		break;
	case 11:
	case 12:
		count(lstat(a, &st));
		break;
	case 13:
		read_file(a);
		break;
	case 14:
		a[2] = '\0';
		list(a);
		break;
	case 15:
		count(mkdir(subname(a), 0755));
		break;
	case 16:
		count(rename(subname(a), subname(b)));
		break;
	case 17:
		count(chmod(a, 0600 + rand() % 64));
		break;
	case 18:
		write_file(subname(a));
		break;
	}
}

static int work(const char *base, unsigned int seed, time_t end)
{
	/* In a tree that changes all the time these come from lower directories too. */
	static const int allowed[] = { 0,      ENOENT, EEXIST, ENOTDIR, EISDIR, ENOTEMPTY,
				       EINVAL, ELOOP,  EPERM,  ETXTBSY, EBUSY };
	int bad = 0;

	srand(seed);
	if (chdir(base) < 0)
		return 9;
	while (time(NULL) < end)
		for (int i = 0; i < 50; i++)
			one_call();
	printf("%s:", base);
	for (int e = 0; e < 256; e++) {
		bool ok = false;

		for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
			ok = ok || allowed[i] == e;
		if (seen[e])
			printf(" %s=%lu%s", e ? strerrorname_np(e) : "ok", seen[e],
			       ok ? "" : "(!)");
		bad += seen[e] && !ok;
	}
	printf("\n");
	fflush(stdout);
	return bad ? 1 : 0;
}

static bool same(const char *lower, const char *view, const char *path)
{
	char a[8300], b[8300];
	struct stat x, y;
	int r, s;

	snprintf(a, sizeof(a), "%s/%s", lower, path);
	snprintf(b, sizeof(b), "%s/%s", view, path);
	r = lstat(a, &x) ? errno : 0;
	s = lstat(b, &y) ? errno : 0;
	if (r == s &&
	    (r || (x.st_ino == y.st_ino && x.st_mode == y.st_mode && x.st_size == y.st_size &&
		   x.st_nlink == y.st_nlink && x.st_ctime == y.st_ctime)))
		return true;
	printf("%s: below errno %d inode %lu, view errno %d inode %lu\n", path, r, r ? 0 : x.st_ino,
	       s, s ? 0 : y.st_ino);
	return false;
}

int main(int argc, char **argv)
{
	int n_bad = 0, n_differ = 0, status;
	char path[4200];

	if (argc != 5)
		return 2;
	for (int i = 0; i < N_DIRS; i++) {
		sprintf(path, "%s/d%d", argv[1], i);
		mkdir(path, 0755);
	}
	time_t end = time(NULL) + atoi(argv[3]);
	for (int i = 0; i < atoi(argv[4]); i++)
		if (fork() == 0)
			_exit(work(i % 3 == 2 ? argv[1] : argv[2], 77 + i, end));
	while (wait(&status) > 0)
		n_bad += status != 0;
	for (int i = 0; i < N_DIRS; i++)
		for (int j = 0; j < N_NAMES; j++)
			for (int k = -1; k < N_SUBNAMES; k++) {
				sprintf(path, k < 0 ? "d%d/n%d" : "d%d/n%d/m%d", i, j, k);
				n_differ += !same(argv[1], argv[2], path);
			}
	printf("%d processes got a wrong errno, %d names differ\n", n_bad, n_differ);
	return n_bad || n_differ;
}
