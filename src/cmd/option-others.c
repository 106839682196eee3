// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Words that mount(8), fstab(5), systemd, libfuse and other file systems have as mount options.
 *
 * Nothing is dropped in silence that a user could miss. A word is passed over because it is for another
 * program; or it is accepted because every view is so, and the user is told once; or it is refused, and the
 * user is told the word that this program has for it.
 */
#include "cmd/option-others.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum verdict {
	PASSED_OVER,			/* for another program, or for the lower file system to decide */
	TRUE_ANYWAY,			/* every view is so */
	REFUSED,
};

struct other {
	const char *name;		/* ended by '*': all words that begin so */
	enum verdict verdict;
	const char *text;		/* of REFUSED: why, and what to do */
};

#define PROPAGATION(word)                                                                          \
	{                                                                                          \
		word, REFUSED,                                                                     \
			"how mounts spread to other namespaces is said after mounting: "           \
			"`mount --make-" word " MOUNTPOINT`"                                       \
	}
#define BY_KERNEL "that is between the kernel and this program; leave it out"
#define MODES "modes are those of the lower files, or what a filter makes of them; see penstock-filters(7)"
#define IMAGE "LOWER is a directory: mount the image or the device first"
#define LABELS "labels are those of the lower files"
#define HELPER "umount(8) needs no helper for a view"
#define LOCKS_WORD "say locks=lower or locks=local"
#define XATTR_OFF "say xattr=off"

/* clang-format off */
static const struct other others[] = {
	/* what fstab, mount(8) and systemd write for themselves */
	{ "defaults", PASSED_OVER, NULL },
	{ "auto", PASSED_OVER, NULL },
	{ "noauto", PASSED_OVER, NULL },
	{ "nouser", PASSED_OVER, NULL },
	{ "users", PASSED_OVER, NULL },
	{ "nousers", PASSED_OVER, NULL },
	{ "owner", PASSED_OVER, NULL },
	{ "noowner", PASSED_OVER, NULL },
	{ "group", PASSED_OVER, NULL },
	{ "nogroup", PASSED_OVER, NULL },
	{ "nofail", PASSED_OVER, NULL },
	{ "_netdev", PASSED_OVER, NULL },
	{ "comment", PASSED_OVER, NULL },
	{ "loud", PASSED_OVER, NULL },
	{ "silent", PASSED_OVER, NULL },
	{ "x-*", PASSED_OVER, NULL },

	/* what the lower file system decides: writes are as synchronous as they are there */
	{ "lazytime", PASSED_OVER, NULL },
	{ "nolazytime", PASSED_OVER, NULL },
	{ "iversion", PASSED_OVER, NULL },
	{ "noiversion", PASSED_OVER, NULL },
	{ "mand", PASSED_OVER, NULL },
	{ "nomand", PASSED_OVER, NULL },

	/* FUSE: what every view has. Many tools write the first two by themselves. */
	{ "default_permissions", PASSED_OVER, NULL },
	{ "clone_fd", PASSED_OVER, NULL },
	{ "nonempty", TRUE_ANYWAY, NULL },
	{ "use_ino", TRUE_ANYWAY, NULL },
	{ "readdir_ino", TRUE_ANYWAY, NULL },
	{ "big_writes", TRUE_ANYWAY, NULL },
	{ "large_read", TRUE_ANYWAY, NULL },
	{ "hard_remove", TRUE_ANYWAY, NULL },
	{ "async_read", TRUE_ANYWAY, NULL },
	{ "atomic_o_trunc", TRUE_ANYWAY, NULL },
	{ "auto_cache", TRUE_ANYWAY, NULL },
	{ "intr", TRUE_ANYWAY, NULL },
	{ "splice_read", TRUE_ANYWAY, NULL },
	{ "splice_write", TRUE_ANYWAY, NULL },
	{ "splice_move", TRUE_ANYWAY, NULL },
	{ "no_writeback_cache", TRUE_ANYWAY, NULL },
	{ "acl", TRUE_ANYWAY, NULL },
	{ "posix_acl", TRUE_ANYWAY, NULL },
	{ "user_xattr", TRUE_ANYWAY, NULL },

	/* mount flags that are not about a view */
	{ "private", REFUSED,
	  "say noallow_other: mount(8) and fstab take \"private\" for a flag of the mount and lose it" },
	PROPAGATION("rprivate"), PROPAGATION("shared"), PROPAGATION("rshared"),
	PROPAGATION("slave"), PROPAGATION("rslave"),
	PROPAGATION("unbindable"), PROPAGATION("runbindable"),
	{ "bind", REFUSED, "a view is no bind mount: say `mount --bind`, or leave it out" },
	{ "rbind", REFUSED, "a view is no bind mount: say `mount --rbind`, or leave it out" },
	{ "move", REFUSED, "say `mount --move OLD NEW`" },
	{ "loop", REFUSED, IMAGE },
	{ "offset", REFUSED, IMAGE },
	{ "sizelimit", REFUSED, IMAGE },
	{ "encryption", REFUSED, IMAGE },
	{ "verity.*", REFUSED, IMAGE },
	{ "blkdev", REFUSED, IMAGE },
	{ "blksize", REFUSED, IMAGE },
	{ "helper", REFUSED, HELPER },
	{ "uhelper", REFUSED, HELPER },
	{ "context", REFUSED, LABELS },
	{ "fscontext", REFUSED, LABELS },
	{ "defcontext", REFUSED, LABELS },
	{ "rootcontext", REFUSED, LABELS },
	{ "X-mount.idmap", REFUSED,
	  "mount with the option idmap, then map the users of a bind mount of the view: "
	  "`mount --bind -o X-mount.idmap=... VIEW OTHER` (util-linux 2.39)" },
	{ "X-mount.*", REFUSED, "this is done by mount(8) itself: say `mount -t penstock -o X-mount...`" },
	{ "X-*", PASSED_OVER, NULL },
	{ "remount", PASSED_OVER, NULL },	/* read before all others, options.c */

	/* FUSE: what a view has another word for, or does not have */
	{ "allow_root", REFUSED,
	  "the kernel knows only everybody (allow_other) and the mounting user (noallow_other)" },
	{ "auto_unmount", REFUSED,
	  "it takes a helper process; put `umount -l` into the unit that starts the view" },
	{ "direct_io", REFUSED, "whether data is cached is decided file by file" },
	{ "kernel_cache", REFUSED, "say cache=exclusive" },
	{ "noauto_cache", REFUSED, "say cache=exclusive, or cache=ttl=SECONDS" },
	{ "ac_attr_timeout", REFUSED, "say cache=ttl=SECONDS" },
	{ "timeout", REFUSED, "say cache=ttl=SECONDS" },
	{ "remember", REFUSED, "files are known as long as the kernel knows them; leave it out" },
	{ "noforget", REFUSED, "files are known as long as the kernel knows them; leave it out" },
	{ "writeback", REFUSED, "data is written to the lower file at once; leave it out" },
	{ "writeback_cache", REFUSED, "data is written to the lower file at once; leave it out" },
	{ "max_read", REFUSED, "say max_write=BYTES, which bounds reads as well" },
	{ "max_readahead", REFUSED, "read-ahead is set for each mount in /sys/class/bdi" },
	{ "max_background", REFUSED, "the program chooses it; workers= and pool= say how much is done at a time" },
	{ "congestion_threshold", REFUSED,
	  "the program chooses it; workers= and pool= say how much is done at a time" },
	{ "max_idle_threads", REFUSED, "say workers=N" },
	{ "thread_pool_size", REFUSED, "say pool=N" },
	{ "sync_read", REFUSED, "reads run at the same time; leave it out" },
	{ "nointr", REFUSED, "requests of a process that is killed always end; leave it out" },
	{ "intr_signal", REFUSED, "requests are interrupted without signals; leave it out" },
	{ "no_splice_read", REFUSED, "passthrough=off serves data, without splicing" },
	{ "no_splice_write", REFUSED, "passthrough=off serves data, without splicing" },
	{ "no_splice_move", REFUSED, "passthrough=off serves data, without splicing" },
	{ "umask", REFUSED, MODES },
	{ "fmask", REFUSED, MODES },
	{ "dmask", REFUSED, MODES },
	{ "file_mode", REFUSED, MODES },
	{ "dir_mode", REFUSED, MODES },
	{ "uid", REFUSED, "say --filter owner,uid=USER (in a list: filter=owner;uid=USER)" },
	{ "gid", REFUSED, "say --filter owner,gid=GROUP (in a list: filter=owner;gid=GROUP)" },
	{ "fd", REFUSED, BY_KERNEL },
	{ "rootmode", REFUSED, BY_KERNEL },
	{ "user_id", REFUSED, BY_KERNEL },
	{ "group_id", REFUSED, BY_KERNEL },
	{ "modules", REFUSED, "filters do what modules of libfuse do: --filter SPEC" },
	{ "subdir", REFUSED, "name the directory as LOWER" },
	{ "lowerdir", REFUSED, "name the directory as LOWER" },
	{ "source", REFUSED, "name the directory as LOWER" },
	{ "posix_lock", REFUSED, LOCKS_WORD },
	{ "no_posix_lock", REFUSED, LOCKS_WORD },
	{ "flock", REFUSED, LOCKS_WORD },
	{ "no_flock", REFUSED, LOCKS_WORD },
	{ "nolock", REFUSED, "say locks=local" },
	{ "noxattr", REFUSED, XATTR_OFF },
	{ "no_xattr", REFUSED, XATTR_OFF },
	{ "noacl", REFUSED, XATTR_OFF },
	{ "nouser_xattr", REFUSED, XATTR_OFF },
};
/* clang-format on */

#define N_OTHERS (sizeof(others) / sizeof(others[0]))

static const struct other *find(const char *name)
{
	for (size_t i = 0; i < N_OTHERS; i++) {
		size_t len = strlen(others[i].name);
		bool is_prefix = others[i].name[len - 1] == '*';

		if (is_prefix ? strncmp(others[i].name, name, len - 1) == 0 :
				strcmp(others[i].name, name) == 0)
			return &others[i];
	}
	return NULL;
}

/*
 * "user" lets users mount by fstab. With a name it is mount(8)'s note of the user who mounts; as a request
 * to act as another user it would mean nothing.
 */
static int apply_user(const char *value, struct pst_error *error)
{
	const struct passwd *self = value ? getpwuid(getuid()) : NULL;

	if (!value || (self && strcmp(self->pw_name, value) == 0))
		return 0;
	return error_set(error, -EINVAL,
			 "option user=%s: a view does what each caller may do, never as one user; "
			 "--filter owner,uid=%s shows another owner",
			 value, value);
}

/* Words that changed nothing, for options->always. */
static int note(struct mount_options *options, const char *name)
{
	char *all;

	if (asprintf(&all, "%s%s%s", options->always ? options->always : "",
		     options->always ? ", " : "", name) < 0)
		return -ENOMEM;
	free(options->always);
	options->always = all;
	return 0;
}

int others_apply(struct mount_options *options, const char *name, const char *value,
		 struct pst_error *error)
{
	const struct other *other = find(name);

	if (strcmp(name, "user") == 0)
		return apply_user(value, error);
	if (!other)
		return 1;
	switch (other->verdict) {
	case REFUSED:
		return error_set(error, -EINVAL, "option %s: %s", name, other->text);
	case TRUE_ANYWAY:
		return note(options, name);
	default:
		return 0;
	}
}

void others_suggest(struct suggestion *suggestion, const char *written)
{
	for (size_t i = 0; i < N_OTHERS; i++)
		if (others[i].verdict != REFUSED && !strchr(others[i].name, '*'))
			suggest_try(suggestion, written, others[i].name);
	suggest_try(suggestion, written, "user");
}

void others_print_help(void)
{
	static const char *const texts[] = {
		[PASSED_OVER] = "passed over: it is for other programs, or always so",
		[TRUE_ANYWAY] = "accepted: every view is so",
		[REFUSED] = "refused",
	};

	printf("\nWords of other programs:\n");
	for (size_t i = 0; i < N_OTHERS; i++)
		printf("  %-32s %s%s%s\n", others[i].name, texts[others[i].verdict],
		       others[i].text ? ": " : "", others[i].text ? others[i].text : "");
}
