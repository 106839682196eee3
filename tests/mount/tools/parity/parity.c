// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The vocabulary of scenarios: see parity.h. Nothing here knows which group is run; that is main.c.
 */
#include <grp.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <time.h>

#include "../compare.h"
#include "parity.h"
#include "transcript.h"

void note(struct side *s, const char *format, ...)
{
	struct transcript *t = s->transcript;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->text + t->used, sizeof(t->text) - t->used - 2, format, args);
	va_end(args);
	if (n > 0 && t->used + n < sizeof(t->text) - 2) {
		t->used += n;
		t->text[t->used++] = '\n';
		t->text[t->used] = '\0';
	}
}

long note_result(struct side *s, const char *what, long result, int error)
{
	if (result == -1)
		note(s, "%s = %s", what, error ? strerrorname_np(error) : "-1");
	else
		note(s, "%s = %ld", what, result);
	agree(s, what);
	errno = error;
	return result;
}

long note_fd(struct side *s, const char *what, long result, int error)
{
	if (result < 0)
		note(s, "%s = %s", what, strerrorname_np(error));
	else
		note(s, "%s = fd", what);
	agree(s, what);
	errno = error;
	return result;
}

void note_stat(struct side *s, int dir, const char *name)
{
	struct stat st;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH)) < 0) {
		note(s, "stat '%s' = %s", name, strerrorname_np(errno));
		return;
	}
	note(s, "stat '%s': mode %o, %lu links, owner %u:%u, size %lld, device %lx", name,
	     st.st_mode, S_ISDIR(st.st_mode) ? 0 : (unsigned long)st.st_nlink, st.st_uid, st.st_gid,
	     S_ISDIR(st.st_mode) ? 0 : (long long)st.st_size, (unsigned long)st.st_rdev);
}

void note_content(struct side *s, const char *name)
{
	int fd = openat(s->dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		note(s, "content '%s' = %s", name, strerrorname_np(errno));
		return;
	}
	off_t end = lseek(fd, 0, SEEK_END);
	note(s, "content '%s': %lld bytes, sum %llx", name, (long long)end,
	     (long long)compare_checksum(fd));
	close(fd);
}

void note_data(struct side *s, const char *what, const void *data, ssize_t n)
{
	note(s, "%s: %zd bytes, sum %llx", what, n, n > 0 ? (long long)checksum(data, n) : 0LL);
}

static void disagreement(void *aux, const char *path, const char *what)
{
	struct transcript *t = aux;

	if (t->n_disagreements++ == 0)
		snprintf(t->disagreement, sizeof(t->disagreement), "after %.300s: %.200s: %.400s",
			 t->last_call, path, what);
}

/*
 * Compares as root, whatever user the scenario acts as, because that user may not read the lower
 * tree. The two trees are small here; scenarios with many files set S_NO_AGREE.
 */
void agree(struct side *s, const char *what)
{
	struct transcript *t = s->transcript;
	uid_t uid = geteuid(), fsuid_kept = uid;
	gid_t gid = getegid();

	if (!s->view || !t->agree || t->n_disagreements)
		return;
	snprintf(t->last_call, sizeof(t->last_call), "%s", what);
	if (uid && syscall(SYS_setresuid, -1, 0, -1) < 0)
		return;
	if (gid && uid)
		syscall(SYS_setresgid, -1, 0, -1);
	compare_tree(s->dir, s->below, t->compare_flags, disagreement, t);
	if (gid && uid)
		syscall(SYS_setresgid, -1, gid, -1);
	if (fsuid_kept)
		syscall(SYS_setresuid, -1, uid, -1);
}

void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "preparation failed: %s: %s\n", what, strerror(errno));
	_exit(90);
}

void put(struct side *s, const char *name, const char *text)
{
	int fd = openat(s->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	must(fd >= 0, name);
	must(write(fd, text, strlen(text)) == (ssize_t)strlen(text), name);
	close(fd);
}

/*
 * Makes the file without opening it. The kernel sends RELEASE after close(2) has returned, so a
 * file that had been opened here could still be open when the scenario opens it, passed through by
 * the privileges that fitted the mode it had before (fs/passthrough.c).
 */
void put_mode(struct side *s, const char *name, off_t size, mode_t mode, uid_t uid, gid_t gid)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", s->dir, name);
	must(mknodat(s->dir, name, S_IFREG | 0600, 0) == 0 && truncate(path, size) == 0, name);
	MUST(fchownat(s->dir, name, uid, gid, 0) == 0);
	MUST(fchmodat(s->dir, name, mode, 0) == 0);
}

void put_dir(struct side *s, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	MUST(mkdirat(s->dir, name, 0700) == 0);
	MUST(fchownat(s->dir, name, uid, gid, 0) == 0);
	MUST(fchmodat(s->dir, name, mode, 0) == 0);
}

unsigned char *pattern(size_t n, unsigned int seed)
{
	void *data = NULL;
	uint32_t x = seed * 2654435761u + 1;

	must(posix_memalign(&data, 65536, n ? n : 1) == 0, "memory");
	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		((unsigned char *)data)[i] = x >> 24;
	}
	return data;
}

int64_t checksum(const void *data, size_t n)
{
	uint64_t sum = 14695981039346656037u;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ ((const unsigned char *)data)[i]) * 1099511628211u;
	return sum >> 1;
}

/* System calls by number: the C library's would change every thread of the process. */
void become(uid_t uid, gid_t gid, int n_groups, ...)
{
	gid_t groups[64];
	va_list args;

	if (geteuid() != 0)
		become_root();
	va_start(args, n_groups);
	for (int i = 0; i < n_groups; i++)
		groups[i] = va_arg(args, gid_t);
	va_end(args);
	MUST(syscall(SYS_setgroups, n_groups, groups) == 0);
	MUST(syscall(SYS_setresgid, gid, gid, 0) == 0);
	MUST(syscall(SYS_setresuid, uid, uid, 0) == 0);
}

void become_root(void)
{
	MUST(syscall(SYS_setresuid, 0, 0, 0) == 0);
	MUST(syscall(SYS_setresgid, 0, 0, 0) == 0);
	MUST(syscall(SYS_setgroups, 0, NULL) == 0);
}

struct stamp stamp_take(struct side *s, int dir, const char *name)
{
	struct stamp stamp = {};

	statx(dir, name, AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH), STATX_BASIC_STATS,
	      &stamp.stx);
	/* Longer than a tick: times of some file systems are no finer than that. */
	nanosleep(&(struct timespec){ .tv_nsec = 12000000 }, NULL);
	return stamp;
}

void stamp_note(struct side *s, const char *what, int dir, const char *name, struct stamp before)
{
	struct stamp now = {};

	statx(dir, name, AT_SYMLINK_NOFOLLOW | (name[0] ? 0 : AT_EMPTY_PATH), STATX_BASIC_STATS,
	      &now.stx);
#define MOVED(t)                                                                                   \
	(memcmp(&now.stx.stx_##t, &before.stx.stx_##t, sizeof(now.stx.stx_##t)) ? " " #t : "")
	note(s, "%s moves of '%s':%s%s%s", what, name, MOVED(atime), MOVED(mtime), MOVED(ctime));
#undef MOVED
}
