// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looks up users and groups. The list of all users has one position for the whole process, so a
 * mutex guards it.
 */
#include "util/account.h"
#include "util/cleanup.h"

#include <errno.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The most bytes of one entry, which grows with the members of a group. */
#define MAX_ENTRY (16u << 20)

static int find_user(const char *name, char *buf, size_t size, void *entry, bool *ret_found)
{
	struct passwd *found;
	int r = getpwnam_r(name, entry, buf, size, &found);

	*ret_found = found;
	return r;
}

static int find_group(const char *name, char *buf, size_t size, void *entry, bool *ret_found)
{
	struct group *found;
	int r = getgrnam_r(name, entry, buf, size, &found);

	*ret_found = found;
	return r;
}

/*
 * Fills *ret_entry, whose strings lie in *ret_buf. The caller frees *ret_buf. Returns 0, -ENOENT or
 * another -errno.
 */
static int find(int (*find_one)(const char *name, char *buf, size_t size, void *entry,
				bool *ret_found),
		const char *name, void *ret_entry, char **ret_buf)
{
	for (size_t size = 4096; size <= MAX_ENTRY; size *= 4) {
		_cleanup_(freep) char *buf = malloc(size);
		bool found = false;
		int r = buf ? find_one(name, buf, size, ret_entry, &found) : ENOMEM;

		if (r == ERANGE)
			continue;
		/* Some name services report an absent name as an error. */
		if (!found)
			return r == 0 || r == ENOENT || r == ESRCH || r == EBADF || r == EPERM ?
				       -ENOENT :
				       -r;
		*ret_buf = take_ptr(buf);
		return 0;
	}
	return -E2BIG;
}

int account_user(const char *name, uint32_t *ret_uid)
{
	_cleanup_(freep) char *buf = NULL;
	struct passwd entry;
	int r = find(find_user, name, &entry, &buf);

	if (r == 0)
		*ret_uid = entry.pw_uid;
	return r;
}

int account_group(const char *name, uint32_t *ret_gid)
{
	_cleanup_(freep) char *buf = NULL;
	struct group entry;
	int r = find(find_group, name, &entry, &buf);

	if (r == 0)
		*ret_gid = entry.gr_gid;
	return r;
}

/* Calls fn for each user whose primary group this is. */
static int primary_members(gid_t gid, int (*fn)(void *aux, uint32_t uid), void *aux)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	const struct passwd *user;
	int r = 0;

	pthread_mutex_lock(&lock);
	setpwent();
	while (r == 0 && (user = getpwent()))
		if (user->pw_gid == gid)
			r = fn(aux, user->pw_uid);
	endpwent();
	pthread_mutex_unlock(&lock);
	return r;
}

int account_members(const char *group, int (*fn)(void *aux, uint32_t uid), void *aux)
{
	_cleanup_(freep) char *buf = NULL;
	struct group entry;
	int r = find(find_group, group, &entry, &buf);

	for (char **name = r == 0 ? entry.gr_mem : NULL; r == 0 && *name; name++) {
		uint32_t uid = 0;

		r = account_user(*name, &uid);
		/* A list may have names of users that do not exist any more. */
		r = r == -ENOENT ? 0 : r < 0 ? r : fn(aux, uid);
	}
	return r == 0 ? primary_members(entry.gr_gid, fn, aux) : r;
}

void account_suggest_user(struct suggestion *suggestion, const char *name)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry, *found;
	char line[4096];

	while (file && fgetpwent_r(file, &entry, line, sizeof(line), &found) == 0)
		suggest_try(suggestion, name, entry.pw_name);
	if (file)
		fclose(file);
}

void account_suggest_group(struct suggestion *suggestion, const char *name)
{
	FILE *file = fopen("/etc/group", "re");
	struct group entry, *found;
	char line[65536];

	while (file && fgetgrent_r(file, &entry, line, sizeof(line), &found) == 0)
		suggest_try(suggestion, name, entry.gr_name);
	if (file)
		fclose(file);
}
