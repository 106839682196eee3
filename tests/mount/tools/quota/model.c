// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several processes change sizes, owners and links of the same files at random, and keep some files
 * open without a name. Between phases all processes pause, and the model adds up the files: those
 * with names from the directory, those without from the processes that have them open. The filter's
 * usage of each owner must equal this sum, and must never exceed the limits.
 */
#include <err.h>
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "quota.h"

#define N_NAMES       12
#define N_OPEN        4
#define N_OWNERS      3 /* user IDs from 0 */
#define MAX_PROCESSES 16
#define OPS_IN_PHASE  60
#define MAX_FILES     4096

struct file {
	uint64_t ino, size;
	uint32_t uid;
};

/* Shared by all processes. */
static struct shared {
	pthread_barrier_t still, on;
	struct file held[MAX_PROCESSES][N_OPEN];
} * shared;

static const char *pin;
static uint64_t state, limit_bytes, limit_files;
static bool per_uid;
static int fds[N_OPEN];

static uint32_t dice(uint32_t n)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

static const char *name(void)
{
	static char names[4][8];
	static unsigned int i;

	i = (i + 1) % 4;
	snprintf(names[i], sizeof(names[i]), "f%u", dice(N_NAMES));
	return names[i];
}

static int *slot(void)
{
	return &fds[dice(N_OPEN)];
}

static void keep(int fd)
{
	int *at = slot();

	if (fd < 0)
		return;
	if (*at >= 0)
		close(*at);
	*at = fd;
}

static off_t some_size(void)
{
	/* Sometimes returns a size that overflows. */
	return dice(40) ? (off_t)dice(100000) : INT64_MAX - (off_t)dice(3);
}

static void write_some(int fd)
{
	static char data[40000];

	if (dice(2))
		pwrite(fd, data, dice(sizeof(data)), dice(60000));
	else
		write(fd, data, dice(sizeof(data)));
}

static void allocate(int fd)
{
	static const int modes[] = { 0,
				     0x1 /* KEEP_SIZE */,
				     0x3 /* PUNCH_HOLE */,
				     0x10 /* ZERO_RANGE */,
				     0x11,
				     0x8 /* COLLAPSE_RANGE */,
				     0x20 /* INSERT_RANGE */ };

	fallocate(fd, modes[dice(7)], dice(16) * 4096,
		  dice(40) ? 1 + dice(20) * 4096 : INT64_MAX - 100000);
}

static void store(int fd)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct stat st;

	if (p == MAP_FAILED)
		return;
	/* Another process may have truncated the file meanwhile; model() ignores the signal. */
	if (fstat(fd, &st) == 0 && st.st_size > 0 && dice(4) == 0)
		msync(p, 4096, MS_SYNC);
	munmap(p, 4096);
}

static void give(int fd, const char *path)
{
	uid_t uid = dice(N_OWNERS);

	if (dice(2))
		fchown(fd, uid, (gid_t)-1);
	else
		lchown(path, uid, (gid_t)-1);
}

static void link_held(int fd, const char *path)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* Also opens pipes, with O_NONBLOCK, because no process may open the other end. */
static void step(void)
{
	int fd = *slot();

	switch (dice(22)) {
	case 0:
		keep(open(name(), O_CREAT | O_RDWR | O_NONBLOCK, 0666));
		break;
	case 1:
		keep(open(name(), O_CREAT | O_RDWR | O_TRUNC | O_NONBLOCK, 0666));
		break;
	case 2:
		keep(open(name(), O_CREAT | O_WRONLY | O_APPEND | O_NONBLOCK, 0666));
		break;
	case 3:
		keep(open(".", O_TMPFILE | O_RDWR, 0666));
		break;
	case 4:
		keep(open(name(), O_PATH | O_NOFOLLOW));
		break;
	case 5:
	case 6:
	case 7:
		write_some(fd);
		break;
	case 8:
		ftruncate(fd, some_size());
		break;
	case 9:
		truncate(name(), some_size());
		break;
	case 10:
		allocate(fd);
		break;
	case 11:
	case 12:
		unlink(name());
		break;
	case 13:
		rename(name(), name());
		break;
	case 14:
		renameat2(AT_FDCWD, name(), AT_FDCWD, name(), RENAME_EXCHANGE);
		break;
	case 15:
		link(name(), name());
		break;
	case 16:
		link_held(fd, name());
		break;
	case 17:
		if (dice(2))
			symlink("target", name());
		else
			mknod(name(), S_IFIFO | 0666, 0);
		break;
	case 18:
		if (dice(2))
			mkdir(name(), 0777);
		else
			rmdir(name());
		break;
	case 19:
		copy_file_range(fd, &(off_t){ 0 }, *slot(), &(off_t){ dice(5000) }, 20000, 0);
		break;
	case 20:
		store(fd);
		break;
	case 21:
		give(fd, name());
		break;
	}
}

static struct file file_of(const struct stat *st)
{
	return (struct file){ st->st_ino, S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0,
			      st->st_uid };
}

static void process(unsigned int number, unsigned int phases)
{
	for (int i = 0; i < N_OPEN; i++)
		fds[i] = -1;
	state += number * 7919;
	for (unsigned int phase = 0; phase < phases; phase++) {
		struct stat st;

		for (int i = 0; i < OPS_IN_PHASE; i++)
			step();
		for (int i = 0; phase == phases - 1 && i < N_OPEN; i++) {
			close(fds[i]);
			fds[i] = -1;
		}
		memset(shared->held[number], 0, sizeof(shared->held[number]));
		pthread_barrier_wait(&shared->still);
		for (int i = 0; i < N_OPEN; i++)
			if (fds[i] >= 0 && fstat(fds[i], &st) == 0)
				shared->held[number][i] = file_of(&st);
		pthread_barrier_wait(&shared->on);
		pthread_barrier_wait(&shared->on);
	}
	exit(0);
}

/* -- what there is ---------------------------------------------------------------------------- */

static struct file there[MAX_FILES];
static unsigned int n_there;

static void add(struct file file)
{
	for (unsigned int i = 0; i < n_there; i++)
		if (there[i].ino == file.ino)
			return;
	if (file.ino && n_there < MAX_FILES)
		there[n_there++] = file;
}

static void add_up(unsigned int processes)
{
	DIR *dir = opendir(".");
	struct dirent *entry;
	struct stat st;

	n_there = 0;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' && lstat(entry->d_name, &st) == 0)
			add(file_of(&st));
	closedir(dir);
	for (unsigned int p = 0; p < processes; p++)
		for (int i = 0; i < N_OPEN; i++)
			add(shared->held[p][i]);
}

static struct usage of_owner(uint64_t uid)
{
	struct usage sum = { .uid = uid };

	for (unsigned int i = 0; i < n_there; i++)
		if (!per_uid || there[i].uid == uid) {
			sum.bytes += there[i].size;
			sum.files++;
		}
	return sum;
}

/* Without maps, the files tell only whether they are within the limits. */
static bool files_within_limits(bool say)
{
	for (uint64_t uid = 0; uid < N_OWNERS; uid++) {
		struct usage sum = of_owner(uid);

		if (sum.bytes <= limit_bytes && sum.files <= limit_files)
			continue;
		if (say)
			printf("owner %llu: %llu bytes, %llu files are there\n",
			       (unsigned long long)uid, (unsigned long long)sum.bytes,
			       (unsigned long long)sum.files);
		return false;
	}
	return true;
}

static bool agrees(bool say)
{
	struct usage usage[MAX_OWNERS];
	unsigned int nameless, n;
	uint64_t files = 0;

	if (!pin)
		return files_within_limits(say);
	n = usage_read(pin, usage, &nameless);
	for (unsigned int i = 0; i < n; i++) {
		struct usage want = of_owner(usage[i].uid);

		files += usage[i].files;
		if (want.bytes == usage[i].bytes && want.files == usage[i].files)
			continue;
		if (say)
			printf("owner %llu: %llu bytes, %llu files are counted; "
			       "%llu, %llu are there (%u without a name)\n",
			       (unsigned long long)usage[i].uid, (unsigned long long)usage[i].bytes,
			       (unsigned long long)usage[i].files, (unsigned long long)want.bytes,
			       (unsigned long long)want.files, nameless);
		return false;
	}
	return files == n_there;
}

static bool within_limits(void)
{
	struct usage usage[MAX_OWNERS];
	unsigned int nameless, n = usage_read(pin, usage, &nameless);

	for (unsigned int i = 0; i < n; i++)
		if (usage[i].bytes > limit_bytes || usage[i].files > limit_files) {
			printf("%llu bytes, %llu files: more than the limit\n",
			       (unsigned long long)usage[i].bytes,
			       (unsigned long long)usage[i].files);
			return false;
		}
	return true;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* The kernel forgets files at some later time, and only then the filter frees their usage. */
static bool agrees_soon(void)
{
	for (int i = 0; i < 1000; i++) {
		if (agrees(false))
			return true;
		pause_ms(5);
	}
	return agrees(true);
}

static void watch_limits(void)
{
	for (;; pause_ms(1))
		if (pin && !within_limits())
			exit(1);
}

static void start(unsigned int processes, unsigned int phases)
{
	pthread_barrierattr_t attr;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->still, &attr, processes + 1);
	pthread_barrier_init(&shared->on, &attr, processes + 1);
	for (unsigned int i = 0; i < processes; i++)
		if (fork() == 0)
			process(i, phases);
}

int model(int argc, char **argv)
{
	unsigned int processes, phases;
	bool right = true;
	pid_t watcher;
	int status;

	if (argc < 7)
		errx(2, "quota model DIR PIN SEED PROCESSES PHASES BYTES FILES [uid]");
	pin = strcmp(argv[1], "none") == 0 ? NULL : argv[1];
	state = strtoull(argv[2], NULL, 0);
	processes = (unsigned int)atoi(argv[3]);
	phases = (unsigned int)atoi(argv[4]);
	limit_bytes = strtoull(argv[5], NULL, 0);
	limit_files = strtoull(argv[6], NULL, 0);
	per_uid = argc > 7;
	if (processes > MAX_PROCESSES || chdir(argv[0]) < 0)
		err(1, "%s", argv[0]);
	umask(0);
	setbuf(stdout, NULL);
	signal(SIGPIPE, SIG_IGN);
	start(processes, phases);
	watcher = fork();
	if (watcher == 0)
		watch_limits();
	for (unsigned int phase = 0; phase < phases; phase++) {
		pthread_barrier_wait(&shared->still);
		pthread_barrier_wait(&shared->on);
		add_up(processes);
		if (!agrees_soon()) {
			printf("after phase %u\n", phase);
			right = false;
		}
		pthread_barrier_wait(&shared->on);
	}
	while (processes-- && wait(&status) > 0)
		right &= status == 0;
	kill(watcher, SIGKILL);
	waitpid(watcher, &status, 0);
	right &= WIFSIGNALED(status);
	printf("%u files were there at the end\n", n_there);
	return right ? 0 : 1;
}
