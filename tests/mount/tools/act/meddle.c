// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act meddle DIR SEED PROCESSES STEPS HIDDEN READONLY: each process does random operations on names
 * and open files of DIR, which is a view with filters that hide the files with the inode numbers
 * HIDDEN, and protect those with the numbers READONLY (numbers with commas between them).
 *
 * Prints a line and exits with 1 when an operation reaches a hidden file, or a protected one in a
 * way that could change it.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "act.h"

enum { N_HELD = 8, MAX_INOS = 64 };

struct inos {
	ino_t ino[MAX_INOS];
	int n;
};

static struct inos hidden, readonly;
static int top, held[N_HELD];
static uint64_t state;

static void read_inos(char *text, struct inos *inos)
{
	for (char *at = strtok(text, ","); at && inos->n < MAX_INOS; at = strtok(NULL, ","))
		inos->ino[inos->n++] = strtoull(at, NULL, 10);
}

static bool is_one_of(const struct inos *inos, ino_t ino)
{
	for (int i = 0; i < inos->n; i++)
		if (inos->ino[i] == ino)
			return true;
	return false;
}

static void wrong(const char *what, const char *path)
{
	printf("%s: %s\n", path, what);
	exit(1);
}

/* Checks a file that the view shows. */
static void see(const struct stat *st, const char *path)
{
	if (is_one_of(&hidden, st->st_ino))
		wrong("a hidden file is shown", path);
}

static const char *pick(void)
{
	static const char *const dirs[] = { "",      "d0/", "d1/",   "d0/d2/", "r/",
					    "r/d3/", "h/",  "h/d4/", "x.ro/" };
	static const char *const names[] = {
		"a",    "b",  "c",  "d",  "e",  "a.key", "b.key", "a.ro",
		"b.ro", "d0", "d1", "d2", "d3", "r",     "h",     "x.ro",
	};
	static char paths[4][64];
	static int n;
	char *path = paths[n++ % 4];

	snprintf(path, sizeof(paths[0]), "%s%s",
		 dirs[dice(&state) % (sizeof(dirs) / sizeof(dirs[0]))],
		 names[dice(&state) % (sizeof(names) / sizeof(names[0]))]);
	return path;
}

static const char *fd_name(int fd)
{
	static char name[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

/* Keeps a descriptor for later operations, in the place of another one. */
static void keep(int fd, const char *path, bool writes)
{
	int *place = &held[dice(&state) % N_HELD];
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0) {
		see(&st, path);
		if (writes && is_one_of(&readonly, st.st_ino))
			wrong("a protected file is open for writing", path);
	}
	if (*place >= 0)
		close(*place);
	*place = fd;
}

static void open_one(void)
{
	static const int flags[] = {
		O_PATH | O_NOFOLLOW,    O_RDONLY,           O_RDWR,
		O_WRONLY | O_APPEND,    O_RDWR | O_TRUNC,   O_RDWR | O_CREAT | O_EXCL,
		O_RDONLY | O_DIRECTORY, O_WRONLY | O_CREAT,
	};
	int how = flags[dice(&state) % (sizeof(flags) / sizeof(flags[0]))] | O_NONBLOCK | O_CLOEXEC;
	const char *path = pick();

	keep(openat(top, path, how, 0666), path, !(how & O_PATH) && (how & (O_ACCMODE | O_TRUNC)));
}

static void reopen_one(int fd)
{
	int how = dice(&state) % 2 ? O_RDWR : O_RDONLY;

	keep(open(fd_name(fd), how | O_NONBLOCK | O_CLOEXEC), "a descriptor that is opened again",
	     how != O_RDONLY);
}

static void list_one(void)
{
	const char *path = pick();
	int fd = openat(top, path, O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d))) {
		if (strstr(e->d_name, ".key"))
			wrong("a hidden name is listed", path);
		if (e->d_name[0] != '.' && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			see(&st, e->d_name);
	}
	if (d)
		closedir(d);
}

static void name_step(const char *a, const char *b)
{
	static const unsigned int flags[] = { 0, 0, RENAME_EXCHANGE, RENAME_NOREPLACE,
					      RENAME_WHITEOUT };

	switch (dice(&state) % 8) {
	case 0:
	case 1:
	case 2:
		renameat2(top, a, top, b, flags[dice(&state) % 5]);
		break;
	case 3:
		linkat(top, a, top, b, 0);
		break;
	case 4:
		unlinkat(top, a, dice(&state) % 4 ? 0 : AT_REMOVEDIR);
		break;
	case 5:
		mkdirat(top, a, 0777);
		break;
	case 6:
		symlinkat(b, top, a);
		break;
	default:
		mknodat(top, a, S_IFIFO | 0666, 0);
	}
}

static void file_step(const char *a)
{
	struct stat st;

	switch (dice(&state) % 6) {
	case 0:
	case 1:
		if (fstatat(top, a, &st, AT_SYMLINK_NOFOLLOW) == 0)
			see(&st, a);
		break;
	case 2:
		fchmodat(top, a, 0777, 0);
		break;
	case 3:
		utimensat(top, a, NULL, AT_SYMLINK_NOFOLLOW);
		break;
	case 4:
		fchownat(top, a, -1, getgid(), AT_SYMLINK_NOFOLLOW);
		break;
	default:
		open_one();
	}
}

static void held_step(int fd)
{
	if (fd < 0)
		return;
	switch (dice(&state) % 8) {
	case 0:
		linkat(AT_FDCWD, fd_name(fd), top, pick(), AT_SYMLINK_FOLLOW);
		break;
	case 1:
		linkat(fd, "", top, pick(), AT_EMPTY_PATH);
		break;
	case 2:
		reopen_one(fd);
		break;
	case 3:
		truncate(fd_name(fd), dice(&state) % 100);
		break;
	case 4:
		write(fd, "changed", 7);
		break;
	case 5:
		fsetxattr(fd, "user.x", "y", 1, 0);
		setxattr(fd_name(fd), "user.x", "y", 1, 0);
		break;
	case 6:
		renameat(fd, "a", top, pick());
		linkat(fd, "b", top, pick(), 0);
		break;
	default:
		keep(openat(top, "d0", O_TMPFILE | O_RDWR, 0666), "a file without a name", true);
	}
}

static int meddle(long steps)
{
	/* Most of these operations are expected to fail. */
	for (int i = 0; i < N_HELD; i++)
		held[i] = -1;
	for (long i = 0; i < steps; i++) {
		switch (dice(&state) % 8) {
		case 0:
		case 1:
		case 2:
			name_step(pick(), pick());
			break;
		case 3:
			list_one();
			break;
		case 4:
		case 5:
			file_step(pick());
			break;
		default:
			held_step(held[dice(&state) % N_HELD]);
		}
	}
	return 0;
}

int act_meddle(int argc, char **argv)
{
	int bad = 0, status;

	if (argc != 6)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	umask(0);
	top = open(argv[0], O_RDONLY | O_DIRECTORY);
	if (top < 0)
		err(1, "%s", argv[0]);
	read_inos(argv[4], &hidden);
	read_inos(argv[5], &readonly);
	for (int p = 0; p < atoi(argv[2]); p++) {
		if (fork())
			continue;
		state = strtoull(argv[1], NULL, 10) * 1000 + p;
		exit(meddle(atol(argv[3])));
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}
