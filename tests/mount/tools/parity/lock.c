// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * flock, POSIX and open-file-description locks between users of one tree. tests/mount/16-locks.sh
 * checks that they reach the lower file.
 */
#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

#include "parity.h"

static int lock(int fd, int cmd, int type, off_t start, off_t length)
{
	return fcntl(
		fd, cmd,
		&(struct flock){
			.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length });
}

/*
 * Waits up to two seconds for a lock that another process drops by close(2). Natively the lock has
 * gone when close() returns; the kernel's FUSE sends RELEASE a moment later.
 */
#define SOON(s, call)                                                                              \
	({                                                                                         \
		for (int soon = 0; soon < 200 && (call) < 0; soon++)                               \
			pause_ms(10);                                                              \
		DO(s, call);                                                                       \
	})

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/* Notes the result of F_GETLK: the process that has the blocking lock, its kind and its range. */
static void note_lock(struct side *s, int fd, int cmd, int type, off_t start, off_t length,
		      pid_t child)
{
	struct flock l = { .l_type = type, .l_start = start, .l_len = length };

	if (fcntl(fd, cmd, &l) < 0) {
		note(s, "getlk = %s", strerrorname_np(errno));
		return;
	}
	if (l.l_type == F_UNLCK)
		note(s, "[%ld,+%ld) is free for %d", (long)start, (long)length, type);
	else
		note(s, "[%ld,+%ld) is not free for %d: type %d, [%ld,+%ld), whence %d, by %s",
		     (long)start, (long)length, type, l.l_type, (long)l.l_start, (long)l.l_len,
		     l.l_whence,
		     l.l_pid == child    ? "the child" :
		     l.l_pid == -1       ? "nobody (-1)" :
		     l.l_pid == getpid() ? "us" :
					   "somebody else");
}

/* A child that runs fn on an open of its own, and then waits for its end. */
struct holder {
	pid_t pid;
	int go;
};

static struct holder hold(struct side *s, void (*fn)(struct side *s, int fd))
{
	int ready[2], go[2];
	struct holder h;
	char c;

	MUST(pipe(ready) == 0 && pipe(go) == 0);
	h.pid = fork();
	if (h.pid == 0) {
		close(ready[0]);
		close(go[1]);
		fn(s, openat(s->dir, "f", O_RDWR));
		MUST(write(ready[1], "x", 1) == 1);
		MUST(read(go[0], &c, 1) >= 0);
		_exit(0);
	}
	signal(SIGPIPE, SIG_IGN);
	close(ready[1]);
	close(go[0]);
	MUST(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	h.go = go[1];
	return h;
}

/* Sends a byte instead of closing the pipe, because later children hold the pipe open, too. */
static void let_go(struct holder h)
{
	must(write(h.go, "x", 1) == 1 || errno == EPIPE, "let go");
	close(h.go);
	waitpid(h.pid, NULL, 0);
}

static void flock_shared(struct side *s, int fd)
{
	MUST(flock(fd, LOCK_SH) == 0);
}

static void flock_exclusive(struct side *s, int fd)
{
	MUST(flock(fd, LOCK_EX) == 0);
}

static void posix_middle(struct side *s, int fd)
{
	MUST(lock(fd, F_SETLK, F_WRLCK, 100, 100) == 0);
	MUST(lock(fd, F_SETLK, F_RDLCK, 300, 50) == 0);
}

static void ofd_middle(struct side *s, int fd)
{
	MUST(lock(fd, F_OFD_SETLK, F_WRLCK, 100, 100) == 0);
}

static void flocks(struct side *s)
{
	put(s, "f", "x");
	int fd = openat(s->dir, "f", O_RDONLY), two = openat(s->dir, "f", O_RDWR);
	DO(s, flock(fd, LOCK_EX | LOCK_NB));
	DO(s, flock(two, LOCK_EX | LOCK_NB));
	DO(s, flock(two, LOCK_SH | LOCK_NB));
	DO(s, flock(fd, LOCK_SH | LOCK_NB));
	DO(s, flock(two, LOCK_SH | LOCK_NB));
	DO(s, flock(fd, LOCK_EX | LOCK_NB));
	DO(s, flock(two, LOCK_UN));
	DO(s, flock(fd, LOCK_EX | LOCK_NB));
	DO(s, flock(fd, LOCK_UN));
	DO(s, flock(fd, LOCK_UN));
	struct holder h = hold(s, flock_shared);
	DO(s, flock(fd, LOCK_EX | LOCK_NB));
	DO(s, flock(fd, LOCK_SH | LOCK_NB));
	let_go(h);
	SOON(s, flock(fd, LOCK_EX | LOCK_NB));
	/* A duplicate of the descriptor shares the lock, which ends with the last of both. */
	int copy = dup(fd);
	close(fd);
	DO(s, flock(two, LOCK_EX | LOCK_NB));
	close(copy);
	SOON(s, flock(two, LOCK_EX | LOCK_NB));
	int d = openat(s->dir, ".", O_RDONLY), d2 = openat(s->dir, ".", O_RDONLY);
	DO(s, flock(d, LOCK_EX | LOCK_NB));
	DO(s, flock(d2, LOCK_EX | LOCK_NB));
}

static void posix(struct side *s)
{
	put(s, "f", "x");
	struct holder h = hold(s, posix_middle);
	int fd = openat(s->dir, "f", O_RDWR), ro = openat(s->dir, "f", O_RDONLY);
	DO(s, lock(fd, F_SETLK, F_WRLCK, 0, 100));
	DO(s, lock(fd, F_SETLK, F_WRLCK, 0, 101));
	DO(s, lock(fd, F_SETLK, F_RDLCK, 150, 10));
	DO(s, lock(fd, F_SETLK, F_RDLCK, 300, 10));
	DO(s, lock(fd, F_SETLK, F_WRLCK, 300, 10));
	DO(s, lock(fd, F_SETLK, F_WRLCK, 200, 100));
	DO(s, lock(fd, F_SETLK, F_WRLCK, 1000, 0));
	DO(s, lock(ro, F_SETLK, F_WRLCK, 500, 10));
	DO(s, lock(ro, F_SETLK, F_RDLCK, 500, 10));
	note_lock(s, fd, F_GETLK, F_WRLCK, 0, 100, h.pid);
	note_lock(s, fd, F_GETLK, F_WRLCK, 150, 10, h.pid);
	note_lock(s, fd, F_GETLK, F_RDLCK, 310, 5, h.pid);
	note_lock(s, fd, F_GETLK, F_WRLCK, 310, 5, h.pid);
	note_lock(s, fd, F_GETLK, F_WRLCK, 0, 0, h.pid);
	DO(s, lock(fd, F_SETLK, 99, 0, 1));
	DO(s, lock(fd, F_SETLK, F_WRLCK, -1, 1));
	let_go(h);
	SOON(s, lock(fd, F_SETLK, F_WRLCK, 0, 0));
	/* close(2) of any descriptor of the file drops all of the process's locks. */
	close(ro);
	h = hold(s, posix_middle);
	let_go(h);
}

static void posix_drop(struct side *s, int fd)
{
	int other = openat(s->dir, "f", O_RDWR);

	MUST(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
	close(other);
}

static void dropped_at_close(struct side *s)
{
	put(s, "f", "x");
	struct holder h = hold(s, posix_drop);
	int fd = openat(s->dir, "f", O_RDWR);
	DO(s, lock(fd, F_SETLK, F_WRLCK, 0, 0));
	let_go(h);
	DO(s, lock(fd, F_SETLK, F_UNLCK, 0, 0));
	h = hold(s, posix_middle);
	DO(s, lock(fd, F_SETLK, F_WRLCK, 100, 1));
	MUST(kill(h.pid, SIGKILL) == 0);
	let_go(h);
	SOON(s, lock(fd, F_SETLK, F_WRLCK, 100, 1));
}

static void ofd(struct side *s)
{
	put(s, "f", "x");
	int fd = openat(s->dir, "f", O_RDWR), two = openat(s->dir, "f", O_RDWR);
	DO(s, lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
	DO(s, lock(two, F_OFD_SETLK, F_WRLCK, 5, 10));
	DO(s, lock(two, F_OFD_SETLK, F_WRLCK, 10, 10));
	DO(s, lock(two, F_SETLK, F_WRLCK, 0, 1));
	note_lock(s, two, F_OFD_GETLK, F_WRLCK, 0, 1, 0);
	close(openat(s->dir, "f", O_RDWR));
	DO(s, lock(two, F_OFD_SETLK, F_WRLCK, 5, 10));
	close(fd);
	SOON(s, lock(two, F_OFD_SETLK, F_WRLCK, 0, 20));
	struct holder h = hold(s, ofd_middle);
	DO(s, lock(two, F_OFD_SETLK, F_WRLCK, 100, 1));
	let_go(h);
	SOON(s, lock(two, F_OFD_SETLK, F_WRLCK, 100, 1));
}

/* A process waits for the lock and gets it when the holder drops it. */
static void waiting_with(struct side *s, int kind)
{
	int status;
	struct holder h = hold(s, kind == 0 ? flock_exclusive :
				  kind == 1 ? posix_middle :
					      ofd_middle);
	pid_t waiter = fork();

	if (waiter == 0) {
		int fd = openat(s->dir, "f", O_RDWR);
		int r = kind == 0 ? flock(fd, LOCK_EX) :
				    lock(fd, kind == 1 ? F_SETLKW : F_OFD_SETLKW, F_WRLCK, 0, 0);
		_exit(r < 0 ? errno : 0);
	}
	pause_ms(100);
	note(s, "kind %d: waits %d", kind, waitpid(waiter, &status, WNOHANG) == 0);
	let_go(h);
	MUST(waitpid(waiter, &status, 0) == waiter);
	note(s, "then has it: %d", status);
}

static void waiting(struct side *s)
{
	put(s, "f", "x");
	for (int kind = 0; kind < 3; kind++)
		waiting_with(s, kind);
}

static void on_alarm(int number)
{
}

/*
 * A signal ends the wait, and SIGKILL does so at any moment; afterwards the dead process has no
 * lock. The child has the handler and the open file from its beginning, so a signal that comes
 * before it waits does nothing, and the next one ends the wait.
 */
static void interrupted(struct side *s)
{
	struct sigaction before, action = { .sa_handler = on_alarm };

	put(s, "f", "x");
	MUST(sigaction(SIGUSR1, &action, &before) == 0);
	for (int kind = 0; kind < 3; kind++) {
		struct holder h = hold(s, kind == 0 ? flock_exclusive :
					  kind == 1 ? posix_middle :
						      ofd_middle);

		for (int i = 0; i < 12; i++) {
			int status, fd = openat(s->dir, "f", O_RDWR);
			pid_t waiter = fork();

			if (waiter == 0) {
				int r = kind == 0 ? flock(fd, LOCK_EX) :
						    lock(fd, kind == 1 ? F_SETLKW : F_OFD_SETLKW,
							 F_WRLCK, 0, 0);
				_exit(r < 0 ? errno : 0);
			}
			close(fd);
			do {
				pause_ms(i == 0 ? 60 : (i * 3) % 17);
				kill(waiter, i == 0 ? SIGUSR1 : SIGKILL);
			} while (i == 0 && waitpid(waiter, &status, WNOHANG) == 0);
			if (i == 0)
				note(s, "kind %d: %s", kind, strerrorname_np(WEXITSTATUS(status)));
			else
				MUST(waitpid(waiter, &status, 0) == waiter);
		}
		let_go(h);
		int fd = openat(s->dir, "f", O_RDWR);
		SOON(s, flock(fd, LOCK_EX | LOCK_NB));
		SOON(s, lock(fd, F_SETLK, F_WRLCK, 0, 0));
		close(fd);
	}
	sigaction(SIGUSR1, &before, NULL);
}

static void inherited(struct side *s)
{
	int status;

	put(s, "f", "x");
	int fd = openat(s->dir, "f", O_RDWR);
	DO(s, lock(fd, F_SETLK, F_WRLCK, 0, 0));
	DO(s, flock(fd, LOCK_EX));
	if (fork() == 0) {
		int r = lock(fd, F_SETLK, F_WRLCK, 0, 0) < 0 ? errno : 0;

		_exit(r | (flock(fd, LOCK_EX | LOCK_NB) < 0 ? 64 : 0));
	}
	wait(&status);
	note(s, "the child: posix %s, flock %s", strerrorname_np(WEXITSTATUS(status) & 63),
	     WEXITSTATUS(status) & 64 ? "no" : "yes");
}

static void holds_read_and_write(struct side *s, int fd)
{
	MUST(lock(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
	MUST(lock(fd, F_SETLK, F_RDLCK, 20, 10) == 0);
}

/* Locks two ranges, after a query. */
static void holds_two_parts(struct side *s, int fd)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 50, .l_len = 10 };

	MUST(lock(fd, F_SETLK, F_RDLCK, 25, 10) == 0);
	MUST(lock(fd, F_SETLK, F_WRLCK, 50, 10) == 0);
	MUST(lock(fd, F_SETLK, F_UNLCK, 54, 2) == 0);
	MUST(fcntl(fd, F_GETLK, &l) == 0);
}

static void holds_to_the_end(struct side *s, int fd)
{
	MUST(lock(fd, F_SETLK, F_RDLCK, 28, 4) == 0);
	MUST(lock(fd, F_SETLK, F_RDLCK, 100, 0) == 0);
	/* Converts a read lock to a write lock and back. */
	MUST(lock(fd, F_SETLK, F_WRLCK, 100, 0) == 0 && lock(fd, F_SETLK, F_RDLCK, 200, 0) == 0);
}

/* Several processes have locks, and each F_GETLK names the one that blocks. */
static void holders_named(struct side *s)
{
	static const off_t starts[] = { 0,  5,  10, 20, 24, 25, 29,  30,  32,
					36, 50, 54, 55, 56, 60, 100, 199, 200 };
	struct holder h[3];

	put(s, "f", "x");
	h[0] = hold(s, holds_read_and_write);
	h[1] = hold(s, holds_two_parts);
	h[2] = hold(s, holds_to_the_end);
	int fd = openat(s->dir, "f", O_RDWR);
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
			for (int k = 0; k < 4; k++) {
				struct flock l = { .l_type = k % 2 ? F_RDLCK : F_WRLCK,
						   .l_whence = SEEK_SET,
						   .l_start = starts[i],
						   .l_len = k / 2 ? 0 : 1 };
				int who = 0;

				MUST(fcntl(fd, F_GETLK, &l) == 0);
				while (l.l_type != F_UNLCK && who < 3 && h[who].pid != l.l_pid)
					who++;
				note(s, "round %d: %ld %d: type %d [%ld,+%ld) holder %d", round,
				     (long)starts[i], k, l.l_type, (long)l.l_start, (long)l.l_len,
				     l.l_type == F_UNLCK ? -1 : who);
			}
		}
		/* First one holder less, then locks of our own. */
		if (round == 0)
			let_go(h[1]);
		else
			lock(fd, F_SETLK, F_WRLCK, 50, 100);
	}
	let_go(h[0]);
	let_go(h[2]);
	close(fd);
}

/* Two processes deadlock: one of them gets EDEADLK. */
static void deadlock(struct side *s)
{
	int status, ready[2];
	char c;

	put(s, "f", "x");
	MUST(pipe(ready) == 0);
	int fd = openat(s->dir, "f", O_RDWR);
	MUST(lock(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	pid_t child = fork();
	if (child == 0) {
		int own = openat(s->dir, "f", O_RDWR);

		MUST(lock(own, F_SETLK, F_WRLCK, 1, 1) == 0 && write(ready[1], "x", 1) == 1);
		_exit(lock(own, F_SETLKW, F_WRLCK, 0, 1) < 0 ? errno : 0);
	}
	MUST(read(ready[0], &c, 1) == 1);
	pause_ms(100);
	DO(s, lock(fd, F_SETLKW, F_WRLCK, 1, 1));
	close(fd);
	MUST(waitpid(child, &status, 0) == child);
	note(s, "the child %d", status);
}

/* Three waiters in a circle, over two files: the last gets EDEADLK, the others get their locks. */
static void deadlock_of_three(struct side *s)
{
	int status, ready[2], told = 0, got = 0;
	pid_t children[3];
	char c;

	put(s, "f", "x");
	put(s, "g", "x");
	MUST(pipe(ready) == 0);
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			int f = openat(s->dir, "f", O_RDWR), g = openat(s->dir, "g", O_RDWR);
			int own = i == 2 ? g : f, next = i == 1 ? g : f;

			MUST(lock(own, F_SETLK, F_WRLCK, i, 1) == 0);
			MUST(write(ready[1], "x", 1) == 1);
			pause_ms(100 + 100 * i);
			_exit(lock(next, F_SETLKW, F_WRLCK, (i + 1) % 3, 1) < 0 ? errno : 0);
		}
		MUST(read(ready[0], &c, 1) == 1);
	}
	for (int i = 0; i < 3; i++) {
		MUST(waitpid(children[i], &status, 0) == children[i]);
		told += WIFEXITED(status) && WEXITSTATUS(status) == EDEADLK;
		got += WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	note(s, "told %d, got it %d", told, got);
}

static const struct scenario scenarios[] = {
	{ "flock", flocks, 0 },
	{ "posix", posix, 0 },
	{ "dropped-at-close", dropped_at_close, 0 },
	{ "open-file-description", ofd, 0 },
	{ "waiting", waiting, 0 },
	{ "interrupted", interrupted, 0 },
	{ "inherited", inherited, 0 },
	{ "holders-named", holders_named, 0 },
	{ "deadlock", deadlock, 0 },
	{ "deadlock-of-three", deadlock_of_three, 0 },
	{},
};
const struct scenario_group group_lock = { "lock", scenarios };
