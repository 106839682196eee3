// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tar.h"

#include <err.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
	char magic[8], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};

/* The records before a member that replace parts of its header: GNU long names, and pax. */
struct extra {
	char *path, *link, *size, *mtime;
	char *texts[4]; /* owned: the records, to which the others point */
	unsigned int n_texts;
};

struct member **members;
uint64_t n_members;
static void *paths; /* all members, by tsearch(3) */

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct member *)a)->path, ((const struct member *)b)->path);
}

/* Returns a number in octal, or in binary if the first bit is set. */
static uint64_t number(const char *text, size_t len)
{
	uint64_t n = *text & 0x7f;

	if (!(*text & 0x80))
		return strtoull(strndupa(text, len), NULL, 8);
	while (--len)
		n = n << 8 | (unsigned char)*++text;
	return n;
}

/* Returns the member of a path; makes it, and the directories above, if it is new. */
static struct member *member_at(const char *path)
{
	struct member *member = calloc(1, sizeof(*member)), *parent, **found;
	const char *slash = strrchr(path, '/');

	if (!member || !(member->path = strdup(path)))
		err(1, "out of memory");
	found = tsearch(member, &paths, compare);
	if (*found != member) {
		free(member->path);
		free(member);
		return *found;
	}
	member->name = member->path + (slash ? slash + 1 - path : 0);
	member->file.size = sizeof(member->file);
	member->file.mode = S_IFDIR | 0755;
	member->number = n_members;
	if (!(n_members & (n_members - 1)))
		members = realloc(members, (n_members ? 2 * n_members : 1) * sizeof(*members));
	members[n_members++] = member;
	if (!*path)
		return member;
	parent = member_at(slash ? strndupa(path, (size_t)(slash - path)) : "");
	member->next = parent->children;
	parent->children = member;
	return member;
}

/* Removes "." and "/" without a meaning from a path, in place. Returns it. */
static char *clean(char *path)
{
	char *to = path;

	for (char *from = path, *end; *from; from = end + (*end == '/')) {
		size_t len = strcspn(from, "/");

		end = from + len;
		if (len == 2 && strncmp(from, "..", 2) == 0)
			errx(1, "the archive has a path with '..' in it");
		if (!len || (len == 1 && *from == '.'))
			continue;
		if (to != path)
			*to++ = '/';
		memmove(to, from, len);
		to += len;
	}
	*to = '\0';
	return path;
}

/* Reads records "LENGTH KEY=VALUE\n". */
static void read_pax(char *text, struct extra *extra)
{
	while (*text) {
		char *key = strchr(text, ' ') + 1, *value = strchr(key, '=') + 1;
		char *end = text + strtoul(text, NULL, 10);

		value[-1] = end[-1] = '\0';
		if (strcmp(key, "path") == 0)
			extra->path = value;
		else if (strcmp(key, "linkpath") == 0)
			extra->link = value;
		else if (strcmp(key, "size") == 0)
			extra->size = value;
		else if (strcmp(key, "mtime") == 0)
			extra->mtime = value;
		text = end;
	}
}

static void add(const struct header *head, uint64_t data, uint64_t size, struct extra *extra)
{
	static const mode_t types[] = { S_IFREG, S_IFREG, S_IFLNK, S_IFCHR,
					S_IFBLK, S_IFDIR, S_IFIFO, S_IFREG };
	/* Headers of the format gnu have other members in the place of the prefix. */
	const char *prefix = memcmp(head->magic, "ustar", 6) == 0 ? head->prefix : "";
	char path[300], link[101], *nanoseconds;
	struct pst_hollow *file;
	struct member *member;

	snprintf(path, sizeof(path), "%.155s/%.100s", prefix, head->name);
	snprintf(link, sizeof(link), "%.100s", head->link);
	member = member_at(clean(extra->path ? extra->path : path));
	file = &member->file;
	file->mode = (mode_t)number(head->mode, 8) & 07777;
	file->mode |= head->type >= '0' && head->type <= '7' ? types[head->type - '0'] : S_IFREG;
	file->uid = (uid_t)number(head->uid, 8);
	file->gid = (gid_t)number(head->gid, 8);
	file->mtime.tv_sec = (time_t)number(head->mtime, 12);
	if (extra->mtime) {
		file->mtime.tv_sec = strtoll(extra->mtime, &nanoseconds, 10);
		if (*nanoseconds)
			file->mtime.tv_nsec = (long)(strtod(nanoseconds, NULL) * 1e9 + 0.5);
	}
	if (S_ISCHR(file->mode) || S_ISBLK(file->mode))
		file->rdev = makedev(number(head->major, 8), number(head->minor, 8));
	file->target = strdup(extra->link ? extra->link : link);
	file->length = size;
	member->data = data;
	if (head->type == '1') {
		const struct member *target = member_at(clean((char *)file->target));

		member->file = target->file;
		member->data = target->data;
	}
}

void tar_read(int fd)
{
	struct extra extra = { 0 };
	struct header head;
	uint64_t at = 0;

	member_at("");
	while (pread(fd, &head, sizeof(head), (off_t)at) == sizeof(head) && head.name[0]) {
		uint64_t size = extra.size ? strtoull(extra.size, NULL, 10) : number(head.size, 12);
		char *text = NULL;

		if (head.type == 'L' || head.type == 'K' || head.type == 'x') {
			text = calloc(1, size + 1);
			if (!text || pread(fd, text, size, (off_t)at + 512) != (ssize_t)size)
				errx(1, "the archive is cut off");
		}
		if (head.type == 'L')
			extra.path = text;
		else if (head.type == 'K')
			extra.link = text;
		else if (head.type == 'x')
			read_pax(text, &extra);
		else if (head.type != 'g')
			add(&head, at + 512, size, &extra);
		if (text) {
			extra.texts[extra.n_texts++ % 4] = text;
		} else if (head.type != 'g') {
			for (int i = 0; i < 4; i++)
				free(extra.texts[i]);
			extra = (struct extra){ 0 };
		}
		at += 512 + (size + 511) / 512 * 512;
	}
}
