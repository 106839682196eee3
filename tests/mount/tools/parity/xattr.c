// SPDX-License-Identifier: LGPL-2.1-or-later
/* Extended attributes of every namespace, on every file type, as root and as other users. */
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "parity.h"

static void list(struct side *s, const char *path)
{
	char names[8192];
	ssize_t n = llistxattr(path, names, sizeof(names));
	long sum = 0;

	if (n < 0) {
		note(s, "list of %s = %s", path, strerrorname_np(errno));
		return;
	}
	/* Adds up the names, because the order of the list differs between file systems. */
	for (ssize_t i = 0; i < n; i++)
		sum += (unsigned char)names[i];
	note(s, "list of %s: %zd bytes, sum %ld", path, n, sum);
}

static void get(struct side *s, const char *path, const char *name)
{
	static char value[70000];
	ssize_t n = lgetxattr(path, name, value, sizeof(value));

	if (n < 0)
		note(s, "%s of %s = %s", name, path, strerrorname_np(errno));
	else
		note(s, "%s of %s: %zd bytes, sum %llx", name, path, n,
		     (long long)checksum(value, n));
}

static void basics(struct side *s)
{
	char small[4];

	put(s, "f", "x");
	get(s, "f", "user.a");
	list(s, "f");
	DO(s, setxattr("f", "user.a", "value", 5, 0));
	get(s, "f", "user.a");
	DO(s, setxattr("f", "user.a", "other", 5, XATTR_CREATE));
	DO(s, setxattr("f", "user.b", "other", 5, XATTR_REPLACE));
	DO(s, setxattr("f", "user.a", "other", 5, XATTR_REPLACE));
	DO(s, setxattr("f", "user.b", "second", 6, XATTR_CREATE));
	DO(s, setxattr("f", "user.c", "", 0, 0));
	DO(s, setxattr("f", "user.a", "x", 1, 3));
	get(s, "f", "user.c");
	list(s, "f");
	DO(s, getxattr("f", "user.a", NULL, 0));
	DO(s, getxattr("f", "user.a", small, sizeof(small)));
	DO(s, getxattr("f", "user.c", small, sizeof(small)));
	DO(s, listxattr("f", NULL, 0));
	DO(s, listxattr("f", small, sizeof(small)));
	DO(s, removexattr("f", "user.a"));
	DO(s, removexattr("f", "user.a"));
	get(s, "f", "user.a");
	list(s, "f");
	DO(s, setxattr("f", "user.bin", "\0\1\2\377\0", 5, 0));
	get(s, "f", "user.bin");
	DO(s, setxattr("absent", "user.a", "x", 1, 0));
	DO(s, getxattr("absent", "user.a", small, 4));
}

static void names_and_sizes(struct side *s)
{
	static const size_t sizes[] = { 1, 100, 1000, 3000, 4000, 5000, 60000, 65536, 65537 };
	char name[300] = "user.", *value = (char *)pattern(70000, 1);

	put(s, "f", "x");
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		note(s, "%zu bytes", sizes[i]);
		DO(s, setxattr("f", "user.big", value, sizes[i], 0));
		get(s, "f", "user.big");
		DO(s, getxattr("f", "user.big", NULL, 0));
	}
	DO(s, removexattr("f", "user.big"));
	for (size_t n = 253; n <= 257; n++) {
		memset(name + 5, 'n', n - 5);
		name[n] = '\0';
		note(s, "name of %zu", n);
		DO(s, setxattr("f", name, "x", 1, 0));
		get(s, "f", name);
		DO(s, removexattr("f", name));
	}
	DO(s, setxattr("f", "", "x", 1, 0));
	DO(s, setxattr("f", "user.", "x", 1, 0));
	DO(s, setxattr("f", "nospace", "x", 1, 0));
	DO(s, setxattr("f", "foo.bar", "x", 1, 0));
	DO(s, setxattr("f", "system.foo", "x", 1, 0));
	get(s, "f", "foo.bar");
	get(s, "f", "system.foo");
	DO(s, removexattr("f", "foo.bar"));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "user.number-%d", i);
		if (setxattr("f", name, value, 50, 0) < 0)
			note(s, "at %d %s", i, strerrorname_np(errno));
	}
	list(s, "f");
}

static void name_spaces(struct side *s)
{
	static const char *const names[] = { "user.x", "trusted.x", "security.x", "system.x" };
	static const char *const kinds[] = { "f", "d", "l", "p", "n" };

	put_mode(s, "f", 1, 0666, 1000, 1000);
	put_dir(s, "d", 0777, 1000, 1000);
	MUST(symlinkat("f", s->dir, "l") == 0 && mkfifoat(s->dir, "p", 0666) == 0);
	MUST(mknodat(s->dir, "n", S_IFCHR | 0666, makedev(1, 3)) == 0);
	for (size_t k = 0; k < 5; k++)
		for (size_t n = 0; n < 4; n++) {
			note(s, "%s on %s", names[n], kinds[k]);
			DO(s, lsetxattr(kinds[k], names[n], "value", 5, 0));
			get(s, kinds[k], names[n]);
			list(s, kinds[k]);
		}
	become(1000, 1000, 0);
	for (size_t k = 0; k < 5; k++)
		for (size_t n = 0; n < 4; n++) {
			note(s, "by its owner, %s on %s", names[n], kinds[k]);
			get(s, kinds[k], names[n]);
			list(s, kinds[k]);
			DO(s, lsetxattr(kinds[k], names[n], "mine", 4, 0));
			DO(s, lremovexattr(kinds[k], names[n]));
		}
	become(1001, 1001, 0);
	for (size_t n = 0; n < 4; n++) {
		get(s, "f", names[n]);
		DO(s, setxattr("f", names[n], "theirs", 6, 0));
		DO(s, setxattr("d", names[n], "theirs", 6, 0));
	}
}

static void by_right(struct side *s)
{
	static const mode_t modes[] = { 0666, 0644, 0622, 0600 };

	put_dir(s, "sticky", 01777, 0, 0);
	for (size_t i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%o", modes[i]);
		put_mode(s, name, 1, modes[i], 1000, 1000);
		MUST(setxattr(name, "user.a", "value", 5, 0) == 0);
	}
	become(1001, 1001, 0);
	for (size_t i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%o", modes[i]);
		get(s, name, "user.a");
		list(s, name);
		DO(s, setxattr(name, "user.b", "x", 1, 0));
		DO(s, removexattr(name, "user.a"));
	}
	DO(s, setxattr("sticky", "user.a", "x", 1, 0));
}

static void by_descriptor(struct side *s)
{
	char value[16];

	put(s, "f", "x");
	int ro = openat(s->dir, "f", O_RDONLY), rw = openat(s->dir, "f", O_RDWR);
	int path = openat(s->dir, "f", O_PATH);
	DO(s, fsetxattr(ro, "user.a", "one", 3, 0));
	DO(s, fsetxattr(rw, "user.a", "two", 3, 0));
	DO(s, fsetxattr(path, "user.a", "six", 3, 0));
	DO(s, fgetxattr(path, "user.a", value, 16));
	DO(s, fgetxattr(ro, "user.a", value, 16));
	MUST(unlinkat(s->dir, "f", 0) == 0);
	DO(s, fsetxattr(rw, "user.b", "unlinked", 8, 0));
	DO(s, fgetxattr(rw, "user.b", value, 16));
	DO(s, flistxattr(rw, value, 16));
	DO(s, fremovexattr(rw, "user.a"));
	DO(s, fgetxattr(rw, "user.a", value, 16));
}

/* Sets and reads values by turns, so that a stale cached value would appear. */
static void never_stale(struct side *s)
{
	put(s, "f", "x");
	for (int i = 0; i < 20; i++) {
		char value[16];

		snprintf(value, sizeof(value), "number %d", i);
		DO(s, setxattr("f", "user.a", value, strlen(value), 0));
		get(s, "f", "user.a");
		DO(s, setxattr("f", "security.a", value, strlen(value), 0));
		get(s, "f", "security.a");
	}
}

static const struct scenario scenarios[] = {
	{ "basics", basics, 0 },
	{ "names-and-sizes", names_and_sizes, 0 },
	{ "name-spaces", name_spaces, 0 },
	{ "by-right", by_right, 0 },
	{ "by-descriptor", by_descriptor, 0 },
	{ "never-stale", never_stale, 0 },
	{},
};
const struct scenario_group group_xattr = { "xattr", scenarios };
