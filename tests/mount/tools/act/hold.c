// SPDX-License-Identifier: LGPL-2.1-or-later
/* Verbs that hold a lock, an open file or a mapping until the test ends them. */
#include <dlfcn.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>

#include "act.h"

/* Prints "held", or the name of the error. */
int act_lock(int argc, char **argv)
{
	if (argc < 3)
		return 2;
	bool exclusive = strcmp(argv[2], "ex") == 0, wait = argc > 3;
	struct flock l = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
	int fd = open(argv[0], O_RDWR), r;

	if (fd < 0)
		err(1, "%s", argv[0]);
	if (strcmp(argv[1], "flock") == 0)
		r = flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB));
	else if (strcmp(argv[1], "posix") == 0)
		r = fcntl(fd, wait ? F_SETLKW : F_SETLK, &l);
	else
		r = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l);
	puts(r < 0 ? strerrorname_np(errno) : "held");
	if (r < 0)
		return 1;
	wait_for_end();
	return 0;
}

/*
 * Opens files in MODE: r, w, or d for O_PATH. Prints how many could be opened, and the first error.
 */
int act_hold(int argc, char **argv)
{
	int n = 0, error = 0;

	if (argc < 2)
		return 2;
	int flags = argv[0][0] == 'w' ? O_RDWR : argv[0][0] == 'd' ? O_PATH : O_RDONLY;
	for (int i = 1; i < argc; i++) {
		if (open(argv[i], flags) < 0)
			error = errno;
		else
			n++;
	}
	printf("open %d %s\n", n, strerrorname_np(error));
	wait_for_end();
	return 0;
}

/* Takes leases and prints how many it got. */
int act_lease(int argc, char **argv)
{
	int n = 0;

	/* The kernel sends this signal when a process waits for the lease. */
	signal(SIGIO, SIG_IGN);
	for (int i = 0; i < argc; i++) {
		int fd = open(argv[i], O_RDWR);

		n += fd >= 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == 0;
	}
	printf("leases %d\n", n);
	wait_for_end();
	return 0;
}

int act_map(int argc, char **argv)
{
	char line[64], c;
	struct stat st;
	long at;

	if (argc != 1)
		return 2;
	int fd = open(argv[0], O_RDWR);
	if (fd < 0 || fstat(fd, &st) < 0)
		err(1, "%s", argv[0]);
	char *p = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		err(1, "mmap");
	puts("mapped");
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "s %ld %c", &at, &c) == 2)
			((volatile char *)p)[at] = c;
		else if (line[0] == 'm')
			msync(p, st.st_size, MS_SYNC);
		else if (line[0] == 'u')
			munmap(p, st.st_size);
		else if (line[0] == 'c')
			close(fd);
		puts("done");
	}
	return 0;
}

/*
 * Writes N times SIZE bytes at random offsets of the first MiB; with "stat", calls fstat(2) after
 * each.
 */
int act_write(int argc, char **argv)
{
	static char data[1 << 20];
	uint64_t state = 1;
	struct stat st;

	if (argc < 3)
		return 2;
	int n = atoi(argv[0]);
	size_t size = strtoul(argv[1], NULL, 10);
	int fd = open(argv[2], O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		err(1, "%s", argv[2]);
	for (int i = 0; i < n; i++) {
		if (pwrite(fd, data, size, dice(&state) % (1 << 20)) != (ssize_t)size)
			err(1, "write");
		if (argc > 3 && fstat(fd, &st) < 0)
			err(1, "fstat");
	}
	return 0;
}

int act_load(int argc, char **argv)
{
	if (argc != 1)
		return 2;
	void *library = dlopen(argv[0], RTLD_NOW);
	if (!library)
		errx(1, "%s", dlerror());
	puts("loaded");
	dlclose(library);
	return 0;
}
