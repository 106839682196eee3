// SPDX-License-Identifier: LGPL-2.1-or-later
/* POSIX ACLs: set, enforced, inherited with every umask, and consistent with the mode. */
#include <sys/xattr.h>

#include "parity.h"

#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

/* The format of an ACL in an extended attribute: little endian. */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };

struct acl {
	uint32_t version;
	struct acl_entry entries[8];
	size_t n;
};

/* "u=rw u1001=r g=r g2000=rw m=rwx o=-": tag, number, rights. */
static struct acl acl_parse(const char *text)
{
	struct acl acl = { .version = 2 };

	while (*text) {
		struct acl_entry *e = &acl.entries[acl.n++];
		char tag = *text++;
		char *end;
		bool named = *text >= '0' && *text <= '9';

		e->id = named ? strtoul(text, &end, 10) : 0xffffffff;
		text = named ? end : text;
		e->tag = tag == 'u' ? (named ? USER : USER_OBJ) :
			 tag == 'g' ? (named ? GROUP : GROUP_OBJ) :
			 tag == 'm' ? MASK :
				      OTHER;
		for (text++; *text && *text != ' '; text++)
			e->perm |= *text == 'r' ? 4 : *text == 'w' ? 2 : *text == 'x' ? 1 : 0;
		text += *text == ' ';
	}
	return acl;
}

static int acl_set(const char *path, const char *kind, const char *text)
{
	struct acl acl = acl_parse(text);

	return setxattr(path, kind, &acl, 4 + acl.n * sizeof(acl.entries[0]), 0);
}

static void acl_note(struct side *s, const char *path, const char *kind)
{
	struct acl acl = {};
	ssize_t n = getxattr(path, kind, &acl, sizeof(acl));
	char text[512] = "";

	if (n < 0) {
		note(s, "%s %s = %s", kind + 13, path, strerrorname_np(errno));
		return;
	}
	for (size_t i = 0; i < (n - 4) / sizeof(acl.entries[0]); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), " %u:%d=%o",
			 acl.entries[i].tag, (int)acl.entries[i].id, acl.entries[i].perm);
	note(s, "%s %s:%s", kind + 13, path, text);
}

static void look(struct side *s, const char *path)
{
	note_stat(s, s->dir, path);
	acl_note(s, path, ACCESS);
	acl_note(s, path, DEFAULT);
}

static void access_acl(struct side *s)
{
	put_mode(s, "f", 1, 0640, 1000, 1000);
	look(s, "f");
	DO(s, acl_set("f", ACCESS, "u=rw u1001=r g=r m=rw o="));
	look(s, "f");
	DO(s, fchmodat(s->dir, "f", 0600, 0));
	look(s, "f");
	DO(s, fchmodat(s->dir, "f", 0777, 0));
	look(s, "f");
	DO(s, acl_set("f", ACCESS, "u=rwx g=r o=x"));
	look(s, "f");
	DO(s, acl_set("f", ACCESS, "u=rw u1001=rw u1002=r g= g2000=rw m=r o="));
	look(s, "f");
	DO(s, removexattr("f", ACCESS));
	look(s, "f");
	DO(s, removexattr("f", ACCESS));
	DO(s, acl_set("f", ACCESS, ""));
	look(s, "f");
}

static void invalid(struct side *s)
{
	put(s, "f", "x");
	MUST(mkdirat(s->dir, "d", 0755) == 0);
	DO(s, acl_set("f", ACCESS, "u=rw"));
	DO(s, acl_set("f", ACCESS, "u=rw u1001=r g=r o="));
	DO(s, acl_set("f", ACCESS, "g=r u=rw o="));
	DO(s, acl_set("f", ACCESS, "u=rw u5=r u5=w g=r m=r o="));
	DO(s, setxattr("f", ACCESS, "nonsense", 8, 0));
	DO(s, setxattr("f", ACCESS, "\2\0\0\0", 4, 0));
	DO(s, setxattr("f", ACCESS, "", 0, 0));
	DO(s, acl_set("f", DEFAULT, "u=rw g=r o="));
	DO(s, acl_set("d", DEFAULT, "u=rwx g=rx o="));
	look(s, "d");
	DO(s, removexattr("d", DEFAULT));
	DO(s, removexattr("d", DEFAULT));
	look(s, "d");
	MUST(symlinkat("f", s->dir, "l") == 0);
	DO(s, lsetxattr("l", ACCESS, "\2\0\0\0", 4, 0));
	become(1001, 1001, 0);
	DO(s, acl_set("f", ACCESS, "u=rwx g=rwx o=rwx"));
	DO(s, removexattr("f", ACCESS));
	acl_note(s, "f", ACCESS);
}

static void try_all(struct side *s, const char *path)
{
	for (int what = 1; what < 8; what++)
		note(s, "%s %d: %s", path, what,
		     faccessat(s->dir, path, what, 0) < 0 ? strerrorname_np(errno) : "yes");
	int fd = openat(s->dir, path, O_RDONLY);
	note(s, "read: %s", fd < 0 ? strerrorname_np(errno) : "yes");
	close(fd);
	fd = openat(s->dir, path, O_WRONLY);
	note(s, "write: %s", fd < 0 ? strerrorname_np(errno) : "yes");
	close(fd);
}

static void honoured(struct side *s)
{
	static const char *const acls[] = {
		"u=rw u1001=rw g= m=rw o=",   "u=rw u1001=rw g= m=r o=rw",
		"u=rw u1001= g=rw m=rw o=rw", "u=rw g=r g2000=rw m=rw o=",
		"u=rw g=r g2000= m=rw o=rw",  "u= u1001=rwx g=rwx m=rwx o=rwx",
		"u=rwx u1001=x g=w m=rwx o=", "u=rw u1001=r g=rw m=w o=",
	};

	for (size_t i = 0; i < sizeof(acls) / sizeof(acls[0]); i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%zu", i);
		put_mode(s, name, 1, 0600, 1000, 1000);
		MUST(acl_set(name, ACCESS, acls[i]) == 0);
		for (uid_t uid = 1000; uid <= 1003; uid++) {
			become(uid, uid, uid == 1003, 2000);
			note(s, "%s for %u", acls[i], uid);
			try_all(s, name);
			become_root();
		}
		become(1002, 1000, 0);
		note(s, "%s for the group", acls[i]);
		try_all(s, name);
		become_root();
	}
}

/* The ACL changes after a process has looked: a cached copy must not decide. */
static void changed(struct side *s)
{
	put_mode(s, "f", 1, 0600, 1000, 1000);
	for (int i = 0; i < 6; i++) {
		become(1001, 1001, 0);
		DO(s, faccessat(s->dir, "f", R_OK, 0));
		become_root();
		if (i % 2)
			DO(s, removexattr("f", ACCESS));
		else
			DO(s, acl_set("f", ACCESS, "u=rw u1001=r g= m=r o="));
	}
}

static void make_each(struct side *s, const char *dir, const char *tag)
{
	char path[128], proc[64];

	for (int i = 0; i < 4; i++) {
		static const mode_t modes[] = { 0666, 0777, 0600, 0640 };

		snprintf(path, sizeof(path), "%s/file%d%s", dir, i, tag);
		close(FD(s, openat(s->dir, path, O_CREAT | O_EXCL | O_RDWR, modes[i])));
		look(s, path);
		snprintf(path, sizeof(path), "%s/dir%d%s", dir, i, tag);
		DO(s, mkdirat(s->dir, path, modes[i] | 0100));
		look(s, path);
		snprintf(path, sizeof(path), "%s/fifo%d%s", dir, i, tag);
		DO(s, mkfifoat(s->dir, path, modes[i]));
		look(s, path);
	}
	snprintf(path, sizeof(path), "%s/link%s", dir, tag);
	DO(s, symlinkat("x", s->dir, path));
	note_stat(s, s->dir, path);
	int fd = FD(s, openat(s->dir, dir, O_TMPFILE | O_RDWR, 0666));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	snprintf(path, sizeof(path), "%s/tmp%s", dir, tag);
	DO(s, linkat(AT_FDCWD, proc, s->dir, path, AT_SYMLINK_FOLLOW));
	close(fd);
	look(s, path);
}

/* A default ACL of the directory replaces the umask. */
static void inherited(struct side *s)
{
	static const char *const acls[] = {
		"u=rwx g=rwx o=rwx",
		"u=rwx u1001=rw g=r m=rw o=",
		"u=rw g= o=",
		"u=rwx g=rx g2000=rwx m=rwx o=rx",
		"u=rwx u1001=rwx g=rwx m= o=",
	};

	for (size_t i = 0; i < sizeof(acls) / sizeof(acls[0]); i++)
		for (int mask = 0; mask <= 077; mask += 077 / 3) {
			char dir[32];

			snprintf(dir, sizeof(dir), "d%zu-%o", i, mask);
			put_dir(s, dir, 0777, 0, 0);
			MUST(acl_set(dir, DEFAULT, acls[i]) == 0);
			umask(mask);
			make_each(s, dir, "");
			become(1000, 1000, 0);
			make_each(s, dir, "-user");
			become_root();
			umask(022);
		}
}

static void inherited_deeply(struct side *s)
{
	put_dir(s, "d", 02777, 0, 3000);
	MUST(acl_set("d", DEFAULT, "u=rwx u1001=rx g=rwx m=rx o=") == 0);
	umask(0);
	become(1000, 1000, 0);
	DO(s, mkdirat(s->dir, "d/e", 0777));
	DO(s, mkdirat(s->dir, "d/e/f", 0750));
	close(FD(s, openat(s->dir, "d/e/f/g", O_CREAT | O_RDWR, 0666)));
	look(s, "d/e");
	look(s, "d/e/f");
	look(s, "d/e/f/g");
	become(1001, 1001, 0);
	DO(s, faccessat(s->dir, "d/e/f/g", R_OK, 0));
	DO(s, faccessat(s->dir, "d/e/f/g", W_OK, 0));
	become(1002, 1002, 0);
	DO(s, faccessat(s->dir, "d/e/f/g", R_OK, 0));
}

/* An owner outside the file's group sets an ACL, which clears the set-group-ID bit. */
static void set_group_id(struct side *s)
{
	put_mode(s, "f", 1, 02755, 1000, 2000);
	put_mode(s, "g", 1, 02755, 1000, 2000);
	put_dir(s, "d", 02755, 1000, 2000);
	become(1000, 1000, 0);
	DO(s, acl_set("f", ACCESS, "u=rwx u1001=r g=rx m=rwx o="));
	look(s, "f");
	DO(s, acl_set("d", ACCESS, "u=rwx u1001=r g=rx m=rwx o="));
	look(s, "d");
	become(1000, 1000, 1, 2000);
	DO(s, acl_set("g", ACCESS, "u=rwx u1001=r g=rx m=rwx o="));
	look(s, "g");
	become_root();
	MUST(fchmodat(s->dir, "f", 02755, 0) == 0);
	DO(s, acl_set("f", ACCESS, "u=rwx u1001=rw g=rx m=rwx o="));
	look(s, "f");
}

static const struct scenario scenarios[] = {
	{ "access", access_acl, 0 },
	{ "invalid", invalid, 0 },
	{ "honoured", honoured, S_NO_AGREE },
	{ "changed", changed, 0 },
	{ "inherited", inherited, S_NO_AGREE },
	{ "inherited-deeply", inherited_deeply, 0 },
	{ "set-group-id", set_group_id, 0 },
	{},
};
const struct scenario_group group_acl = { "acl", scenarios };
