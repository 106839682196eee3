// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * quota usage PIN		prints "UID BYTES FILES" for each owner, then "nameless N"
 * quota model ARG...		see quota.h
 */
#include <err.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "quota.h"

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

static int open_map(const char *dir, const char *name)
{
	union bpf_attr attr = { 0 };
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	attr.pathname = (uintptr_t)path;
	fd = bpf(BPF_OBJ_GET, &attr);
	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

/* The key after *key, NULL: the first. */
static bool next(int fd, const uint64_t *key, uint64_t *ret_key)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd,
		.key = (uintptr_t)key,
		.next_key = (uintptr_t)ret_key,
	};

	return bpf(BPF_MAP_GET_NEXT_KEY, &attr) == 0;
}

static bool look(int fd, const uint64_t *key, uint64_t *ret_value)
{
	union bpf_attr attr = {
		.map_fd = (uint32_t)fd,
		.key = (uintptr_t)key,
		.value = (uintptr_t)ret_value,
	};

	return bpf(BPF_MAP_LOOKUP_ELEM, &attr) == 0;
}

unsigned int usage_read(const char *dir, struct usage usage[MAX_OWNERS], unsigned int *ret_nameless)
{
	uint64_t key, at, value[8];
	unsigned int n = 0;
	int fd = open_map(dir, "quota_usage");
	bool more;

	for (more = next(fd, NULL, &key); more && n < MAX_OWNERS;
	     at = key, more = next(fd, &at, &key))
		if (look(fd, &key, value))
			usage[n++] = (struct usage){ key, value[0], value[1] };
	close(fd);
	fd = open_map(dir, "quota_nameless");
	*ret_nameless = 0;
	for (more = next(fd, NULL, &key); more; at = key, more = next(fd, &at, &key))
		(*ret_nameless)++;
	close(fd);
	return n;
}

static int print_usage(const char *dir)
{
	struct usage usage[MAX_OWNERS];
	unsigned int nameless, n = usage_read(dir, usage, &nameless);

	for (unsigned int i = 0; i < n; i++)
		printf("%llu %llu %llu\n", (unsigned long long)usage[i].uid,
		       (unsigned long long)usage[i].bytes, (unsigned long long)usage[i].files);
	printf("nameless %u\n", nameless);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "usage") == 0)
		return print_usage(argv[2]);
	if (argc > 2 && strcmp(argv[1], "model") == 0)
		return model(argc - 2, argv + 2);
	errx(2, "quota usage PIN, or quota model ARG...");
}
