// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * coherence outrun SECONDS UID DIR NAME PENSTOCK VIEW SPEC [FREEZER] [SLOW]: adds and removes a
 * filter that hides NAME in DIR from UID, again and again, while readers look at the name in every
 * way. After "filter add" has returned, no look that begins may find the name; after "filter
 * remove", every look must find it.
 *
 * Readers are delayed between the reply of the view and its use. Some have SCHED_IDLE and compete
 * with a busy loop on each CPU; some are stopped during the change and continue after it, one at a
 * time. Two more are in the control groups (version 2) FREEZER, which is frozen during changes, and
 * SLOW, which has a small share of the CPU. "" means that there is no such group.
 *
 * A directory that was open before the change may list its names from before it for a moment, if a
 * delayed reader then completes the listing that the kernel has cached (fs/listings.c). It has to
 * be right within LATE_MS.
 */
#include "coherence.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

extern char **environ;

#define N_READERS 8
#define LATE_MS   2000

/* Readers by the way in which they are delayed; the others are stopped. */
enum { OTHER_USER, NOT_IDLE, FROZEN, SLOWED };

enum { CHANGING, HIDDEN, VISIBLE };

struct shared {
	_Atomic uint32_t state; /* how many changes there were, times 4, and one of the above */
	_Atomic uint64_t n_looks, n_late;
	_Atomic bool wrong;
};

struct outrun {
	struct shared *shared;
	const char *dir, *name;
	uid_t uid;
	const char *groups[N_READERS]; /* control groups of readers; NULL: none */
	DIR *open;                     /* opened once, read over and over */
};

static bool lists(DIR *dir, const char *name)
{
	struct dirent *entry;
	bool found = false;

	/* readdir(3) leaves an error in errno, which look_once() prints, and 0 at the end. */
	while (errno = 0, (entry = readdir(dir)))
		found |= strcmp(entry->d_name, name) == 0;
	return found;
}

static bool is_listed(const struct outrun *o)
{
	DIR *dir = opendir(o->dir);
	bool found = dir && lists(dir, o->name);

	if (dir)
		closedir(dir);
	return found;
}

static bool is_listed_again(const struct outrun *o)
{
	rewinddir(o->open);
	return lists(o->open, o->name);
}

static bool has_stat(const struct outrun *o)
{
	struct stat st;

	return fstatat(dirfd(o->open), o->name, &st, 0) == 0;
}

static bool opens(const struct outrun *o)
{
	int fd = openat(dirfd(o->open), o->name, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static bool is_there(const struct outrun *o)
{
	int fd = openat(dirfd(o->open), o->name, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static const struct {
	const char *name;
	bool (*look)(const struct outrun *o);
} looks[] = {
	{ "stat", has_stat },
	{ "open", opens },
	{ "open_path", is_there },
	{ "listing", is_listed },
	{ "listing again", is_listed_again },
};
#define N_LOOKS (sizeof(looks) / sizeof(looks[0]))

/* Returns true if an open directory lists what it should after a moment, or has changed again. */
static bool is_right_later(const struct outrun *o, uint32_t state, bool hidden)
{
	for (int ms = 0; ms < LATE_MS; ms++) {
		usleep(1000);
		if (is_listed_again(o) != hidden || o->shared->state != state)
			return true;
	}
	return false;
}

/* Looks once. The result counts only if no change began or ended meanwhile. */
static void look_once(const struct outrun *o, const char *who, size_t i)
{
	uint32_t before = o->shared->state;
	bool hidden = before % 4 == HIDDEN && (!o->uid || geteuid() == o->uid);
	bool found;
	int error;

	errno = 0;
	found = looks[i % N_LOOKS].look(o);
	error = found ? 0 : errno;

	o->shared->n_looks++;
	if (before % 4 == CHANGING || before != o->shared->state || found == !hidden)
		return;
	if (looks[i % N_LOOKS].look == is_listed_again && is_right_later(o, before, hidden)) {
		o->shared->n_late++;
		return;
	}
	printf("%s, user %u, %s, after %s %u: the name was %s%s%s\n", who, geteuid(),
	       looks[i % N_LOOKS].name, before % 4 == HIDDEN ? "add" : "remove", before / 4,
	       found ? "there" : "missing", error ? ": " : "", error ? strerror(error) : "");
	/* The first process kills its readers when it sees the flag: write the line before. */
	fflush(stdout);
	o->shared->wrong = true;
}

static pid_t start(void)
{
	pid_t pid = fork();

	if (pid < 0)
		err(2, "fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static void write_group(const char *group, const char *file, const char *text)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", group, file);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		err(2, "%s", path);
	close(fd);
}

static void hold(const struct outrun *o, unsigned int number, pid_t reader)
{
	if (number != SLOWED && o->groups[number])
		write_group(o->groups[number], "cgroup.freeze", "1");
	else
		kill(reader, SIGSTOP);
}

static void let_go(const struct outrun *o, unsigned int number, pid_t reader)
{
	if (number != SLOWED && o->groups[number])
		write_group(o->groups[number], "cgroup.freeze", "0");
	kill(reader, SIGCONT);
}

/*
 * Reader 0 runs as another user. If the filter tells callers apart, this user must always find the
 * name.
 */
static pid_t start_reader(struct outrun *o, unsigned int number)
{
	pid_t pid = start();

	if (pid)
		return pid;
	if (o->groups[number])
		write_group(o->groups[number], "cgroup.procs", "0");
	if (number != OTHER_USER && o->uid && seteuid(o->uid) < 0)
		err(2, "seteuid");
	if (number > SLOWED && sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) < 0)
		err(2, "SCHED_IDLE");
	o->open = opendir(o->dir);
	if (!o->open)
		err(2, "%s", o->dir);
	for (size_t i = number;; i++)
		look_once(o,
			  number > SLOWED  ? "idle reader" :
			  number == SLOWED ? "slow reader" :
			  number == FROZEN ? "frozen reader" :
					     "reader",
			  i);
}

/*
 * Runs before processes with SCHED_IDLE, and after the view and the process that changes filters.
 */
static pid_t start_hog(void)
{
	pid_t pid = start();

	if (!pid && nice(19) < 0)
		err(2, "nice");
	while (!pid)
		;
	return pid;
}

static void run(const char *program, const char *verb, const char *view, const char *what)
{
	const char *const argv[] = { program, "filter", verb, view, what, NULL };
	pid_t pid;
	int status;

	if (posix_spawn(&pid, program, NULL, NULL, (char *const *)argv, environ) ||
	    waitpid(pid, &status, 0) < 0 || status)
		errx(2, "filter %s %s fails", verb, what);
}

/* Continues the delayed readers one by one, and looks at the files after each. */
static void look_after(const struct outrun *o, const pid_t *readers)
{
	if (o->uid && seteuid(o->uid) < 0)
		err(2, "seteuid");
	for (size_t i = 0; i < N_LOOKS; i++)
		look_once(o, "first looks", i);
	for (unsigned int r = 0; r < N_READERS; r++) {
		if (o->uid && seteuid(0) < 0)
			err(2, "seteuid");
		let_go(o, r, readers[r]);
		if (o->uid && seteuid(o->uid) < 0)
			err(2, "seteuid");
		usleep((useconds_t)(random() % 1500));
		for (size_t i = 0; i < N_LOOKS; i++)
			look_once(o, "later looks", i);
	}
	if (o->uid && seteuid(0) < 0)
		err(2, "seteuid");
}

int coherence_outrun(int argc, char **argv)
{
	struct outrun o = { 0 };
	pid_t readers[N_READERS], hogs[64];
	long n_hogs = sysconf(_SC_NPROCESSORS_ONLN);
	double end;
	uint32_t round = 0;

	if (argc < 8 || argc > 10)
		errx(2, "usage: coherence outrun SECONDS UID DIR NAME PENSTOCK VIEW SPEC "
			"[FREEZER] [SLOW]");
	o.uid = (uid_t)atoi(argv[2]);
	o.dir = argv[3];
	o.name = argv[4];
	o.groups[FROZEN] = argc > 8 && argv[8][0] ? argv[8] : NULL;
	o.groups[SLOWED] = argc > 9 && argv[9][0] ? argv[9] : NULL;
	o.open = opendir(o.dir);
	o.shared = mmap(NULL, sizeof(*o.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (!o.open || o.shared == MAP_FAILED)
		err(2, "%s", o.dir);
	for (unsigned int i = 0; i < N_READERS; i++)
		readers[i] = start_reader(&o, i);
	for (long i = 0; i < n_hogs && i < 64; i++)
		hogs[i] = start_hog();
	end = (double)time(NULL) + atof(argv[1]);
	for (; (double)time(NULL) < end && !o.shared->wrong; round++) {
		bool add = round % 2 == 0;

		o.shared->state = round * 4 + CHANGING;
		for (unsigned int i = 0; i < N_READERS; i++)
			if (random() % 2)
				hold(&o, i, readers[i]);
		run(argv[5], add ? "add" : "remove", argv[6], add ? argv[7] : "outrun");
		o.shared->state = round * 4 + (add ? HIDDEN : VISIBLE);
		look_after(&o, readers);
	}
	for (unsigned int i = 0; i < N_READERS; i++) {
		let_go(&o, i, readers[i]);
		kill(readers[i], SIGKILL);
	}
	for (long i = 0; i < n_hogs && i < 64; i++)
		kill(hogs[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	printf("%u changes, %llu looks, %llu late\n", round, (unsigned long long)o.shared->n_looks,
	       (unsigned long long)o.shared->n_late);
	return o.shared->wrong;
}
