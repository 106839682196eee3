// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads an object in a child process. A read can block forever (a FIFO, a dead network mount), and
 * libbpf trusts the object: a damaged one can crash the process, which may serve a view in use.
 *
 * So the child finds, reads and opens the object by libbpf as a trial, and writes a header with the
 * result and then the object to a memfd. The child executes this program again, because a forked
 * child of a process with threads could deadlock in malloc(), on a lock that another thread had at
 * the fork. A program that uses the library needs no code for this: the constructor below
 * recognises the child by argv[0] before main(). LD_PRELOAD loads the library early in a program
 * that has it by dlopen(3), or main() would run.
 *
 * The child has only three descriptors and the memfd, limits on CPU time and memory, and no
 * capabilities after it has opened the object. The parent kills a child that takes too long. If the
 * child is blocked in the kernel, it does not end then: the parent goes on and reaps it later, and
 * starts no child while MAX_LEFT of them are blocked.
 */
#include "ebpf/reader.h"
#include "ebpf/spec.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/spawn.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PROGRAM_NAME "penstock-filter-reader"
#define OBJECT_FD    3
#define MAX_SIZE     (16u << 20)
#define MAX_MS       10000
#define MAX_CPU_S    5
#define MAX_MEMORY   (1ul << 30)
#define MAX_LEFT     8

/* At the start of the memfd; the object follows it. */
struct header {
	uint32_t tried; /* 1: the child has finished */
	int32_t result; /* 0, or -errno with error set */
	struct pst_error error;
	char path[4096];
	uint64_t size;
	_Alignas(64) char object[];
};

extern char **environ;

void object_file_fini(struct object_file *file)
{
	if (file->memory)
		munmap(file->memory, file->memory_size);
	free(file->path);
	*file = (struct object_file){ 0 };
}

/* -- the child -------------------------------------------------------------------------------- */

static void limit(int what, unsigned long most)
{
	setrlimit(what, &(struct rlimit){ most, most });
}

static void limit_all(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, MAX_CPU_S);
#ifndef __SANITIZE_ADDRESS__
	/* The address sanitizer reserves terabytes. */
	limit(RLIMIT_AS, MAX_MEMORY);
#endif
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int check_file(const char *path, const struct stat *st, struct pst_error *error)
{
	if (!S_ISREG(st->st_mode))
		return error_set(error, -EINVAL, "%.300s is not a regular file", path);
	if (st->st_size > MAX_SIZE)
		return error_set(error, -EFBIG, "%.300s is too large for a filter: %u MiB at most",
				 path, MAX_SIZE >> 20);
	return 0;
}

/* Appends the file to the memfd, which has only the header so far. */
static int copy_in(int fd, const char *path, size_t *ret_size, struct pst_error *error)
{
	size_t size = 0;
	char buf[65536];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0 && size + (size_t)n <= MAX_SIZE) {
		off_t at = (off_t)(sizeof(struct header) + size);

		if (pwrite(OBJECT_FD, buf, (size_t)n, at) != n)
			return error_set(error, -ENOMEM, "out of memory");
		size += (size_t)n;
	}
	if (n < 0)
		return error_set(error, -errno, "cannot read the filter %.300s: %s", path,
				 strerror(errno));
	if (n > 0)
		return error_set(error, -EFBIG,
				 "the filter %.300s has grown while it was read: "
				 "try again when it is complete",
				 path);
	*ret_size = size;
	return 0;
}

/* Finds and reads the object: fills *header, and writes the object to the memfd after it. */
static int read_in(const char *what, struct header *header)
{
	_cleanup_(freep) char *path = NULL;
	_cleanup_(fd_closep) int fd = -1;
	size_t size;
	struct stat st;
	int r;

	r = spec_find(what, &path, &header->error);
	if (r < 0)
		return r;
	/* O_NONBLOCK: opening a FIFO would wait for a writer. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(&header->error, -errno, "cannot open the filter %.300s: %s", path,
				 strerror(errno));
	caps_limit(0);
	r = check_file(path, &st, &header->error);
	if (r == 0)
		r = copy_in(fd, path, &size, &header->error);
	if (r < 0)
		return r;
	header->size = size;
	snprintf(header->path, sizeof(header->path), "%s", path);
	return 0;
}

static int try_it(struct header *header)
{
	size_t size = sizeof(*header) + header->size;
	char *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE, OBJECT_FD, 0);
	int r;

	if (memory == MAP_FAILED)
		return error_set(&header->error, -ENOMEM, "out of memory");
	r = object_try(header->path, memory + sizeof(*header), header->size, &header->error);
	munmap(memory, size);
	return r;
}

static void child(const char *what)
{
	struct header header = { 0 };

	limit_all();
	header.result = read_in(what, &header);
	/* Write the path now: the parent names it if the trial crashes this process. */
	if (pwrite(OBJECT_FD, &header, sizeof(header), 0) != sizeof(header))
		_exit(1);
	if (header.result == 0)
		header.result = try_it(&header);
	header.tried = 1;
	_exit(pwrite(OBJECT_FD, &header, sizeof(header), 0) == sizeof(header) ? 0 : 1);
}

/* The path of the shared library; "" in a program that is linked statically. */
static char library[PATH_MAX];

/* Runs before main(). If argv[0] is PROGRAM_NAME, this process is the child; main() never runs. */
__attribute__((constructor)) static void be_the_child(int argc, char **argv)
{
	struct link_map *map = NULL;
	Dl_info info;

	/* Resolved at once, because the name may be relative to the working directory. */
	if (dladdr1(be_the_child, &info, (void **)&map, RTLD_DL_LINKMAP) && map && *map->l_name &&
	    !realpath(map->l_name, library))
		library[0] = '\0';
	if (argc == 2 && strcmp(argv[0], PROGRAM_NAME) == 0)
		child(argv[1]);
}

/* -- the parent ------------------------------------------------------------------------------- */

/* Killed children that are still blocked in the kernel. */
static pthread_mutex_t left_lock = PTHREAD_MUTEX_INITIALIZER;
static pid_t left[MAX_LEFT]; /* left_lock; 0: free */

/* Reaps children that have ended. Returns a free place, or NULL. Caller holds left_lock. */
static pid_t *reap(void)
{
	pid_t *free_place = NULL;

	for (unsigned int i = 0; i < MAX_LEFT; i++) {
		if (left[i] && spawn_wait(left[i], 0, NULL))
			left[i] = 0;
		if (!left[i])
			free_place = &left[i];
	}
	return free_place;
}

static bool may_start(void)
{
	bool may;

	pthread_mutex_lock(&left_lock);
	may = reap();
	pthread_mutex_unlock(&left_lock);
	return may;
}

static void leave(pid_t pid)
{
	pid_t *place;

	pthread_mutex_lock(&left_lock);
	place = reap();
	if (place)
		*place = pid;
	pthread_mutex_unlock(&left_lock);
}

/*
 * Returns the environment of the child, for free(): with LD_PRELOAD, so that the constructor runs
 * before main() even if the program has loaded the library by dlopen(3).
 */
static char **child_environment(char *preload, size_t size)
{
	char **copy, *old = getenv("LD_PRELOAD");
	size_t n = 0;

	while (environ && environ[n])
		n++;
	copy = calloc(n + 2, sizeof(*copy));
	if (!copy)
		return NULL;
	snprintf(preload, size, "LD_PRELOAD=%s%s%s", library, old ? ":" : "", old ? old : "");
	if (*library)
		copy[0] = preload;
	for (size_t i = 0, at = *library != 0; i < n; i++)
		if (!*library || strncmp(environ[i], "LD_PRELOAD=", 11) != 0)
			copy[at++] = environ[i];
	return copy;
}

static int start(const char *what, int fd, pid_t *ret_pid)
{
	char *argv[] = { (char *)PROGRAM_NAME, (char *)what, NULL };
	char preload[PATH_MAX + 4096];
	_cleanup_(freep) char **environment = child_environment(preload, sizeof(preload));
	struct spawn child = {
		.file = "/proc/self/exe",
		.argv = argv,
		.envp = environment,
		.third = fd,
		.errors = -1,
		.close_rest = true,
	};
	pid_t pid = environment ? spawn(&child) : -ENOMEM;

	*ret_pid = pid;
	return pid < 0 ? pid : 0;
}

/* Runs the child. Returns 0 when it has ended, even by a signal, or -errno with *error set. */
static int run(const char *what, int fd, struct pst_error *error)
{
	pid_t pid;
	int r;

	if (!may_start())
		return error_set(error, -EBUSY,
				 "cannot read the filter %.200s: %u earlier processes that read "
				 "filters have not ended; a file system that does not answer "
				 "blocks them",
				 what, MAX_LEFT);
	/* A privileged program ignores LD_PRELOAD, and would begin its main() again. */
	if (*library && (getauxval(AT_SECURE) || access(library, R_OK) < 0))
		return error_set(error, -EPERM,
				 "cannot read the filter %.200s: a process for that has to load "
				 "%.200s, which is gone or not allowed in this set-user-ID program",
				 what, library);
	r = start(what, fd, &pid);
	if (r < 0)
		return error_set(error, r, "cannot start a process to read the filter: %s",
				 strerror(-r));
	if (spawn_wait(pid, MAX_MS, NULL))
		return 0;
	kill(pid, SIGKILL);
	if (!spawn_wait(pid, 100, NULL))
		leave(pid);
	return error_set(error, -ETIMEDOUT,
			 "cannot read the filter %.200s within %d seconds: copy it to a file "
			 "system that answers faster",
			 what, MAX_MS / 1000);
}

/* Returns the child's result, and its error in *error. */
static int take(const char *what, const struct object_file *file, struct pst_error *error)
{
	const struct header *header = file->memory;

	if (file->memory_size < sizeof(*header))
		return error_set(error, -EIO,
				 "the process that reads the filter %.200s has failed: try again",
				 what);
	if (!header->tried)
		return error_set(error, -EINVAL,
				 "%.300s is damaged: it crashes the process that reads it. "
				 "Compile it again",
				 header->path);
	if (header->result < 0) {
		if (error)
			*error = header->error;
		return header->result;
	}
	return file->memory_size == sizeof(*header) + header->size ? 0 : -EIO;
}

int reader_read(const char *what, struct object_file *ret_file, struct pst_error *error)
{
	_cleanup_(object_file_fini) struct object_file file = { 0 };
	_cleanup_(fd_closep) int fd = memfd_create(PROGRAM_NAME, MFD_CLOEXEC);
	const struct header *header;
	struct stat st;
	int r;

	if (fd < 0)
		return error_set(error, -errno, "no memory for the filter: %s", strerror(errno));
	r = run(what, fd, error);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0 || st.st_size == 0)
		return take(what, &file, error);
	file.memory_size = (size_t)st.st_size;
	file.memory = mmap(NULL, file.memory_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.memory == MAP_FAILED) {
		file.memory = NULL;
		return error_set(error, -ENOMEM, "out of memory");
	}
	r = take(what, &file, error);
	if (r < 0)
		return r;
	header = file.memory;
	file.bytes = header->object;
	file.size = header->size;
	file.path = strdup(header->path);
	if (!file.path)
		return error_set(error, -ENOMEM, "out of memory");
	*ret_file = file;
	file = (struct object_file){ 0 };
	return 0;
}
