// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rows of the table of mount options.
 *
 * libmount removes some options before it runs the helper, as "private": an option of a view must
 * not have such a name, or mount(8) and fstab would lose it. The mount ring tries each row by both.
 *
 * Options of mount(8), fstab(5), systemd, libfuse and other file systems have rows, too, so that
 * none is dropped silently that a user relies on. It is ignored because it is for another program;
 * accepted because every view is so, with a message; or refused, with the option to use in its
 * place.
 */
#include "cmd/option-table.h"
#include "cmd/options.h"

#include <penstock/penstock.h>

#include <stdio.h>
#include <string.h>

/* The value of a choice is the index of its word in row->values. */
_Static_assert(PST_PASSTHROUGH_ON == 1 && PST_PASSTHROUGH_OFF == 2, "passthrough=");
_Static_assert(PST_CACHE_TTL == 1 && PST_CACHE_NONE == 2 && PST_CACHE_EXCLUSIVE == 3, "cache=");
_Static_assert(PST_LOCKS_LOWER == 1 && PST_XATTR_OFF == 1 && PST_OPENDIR_OFF == 1, "two words");
_Static_assert(PST_XDEV_HIDE == 1 && PST_PSEUDO_SHOW == 1, "two words");
_Static_assert(PST_TRANSPORT_URING == 1 && PST_TRANSPORT_DEV == 2, "transport=");
_Static_assert(PST_LOG_WARNING == 1 && PST_LOG_INFO == 2 && PST_LOG_DEBUG == 3, "log=");

#define VIEW(member)  .offset = offsetof(struct mount_options, view.member)
#define OWN(member)   .offset = offsetof(struct mount_options, member)
#define GIVEN(member) .given = offsetof(struct mount_options, member)
#define ATIME         (PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME | PST_MOUNT_RELATIME)

#define PROPAGATION(word)                                                                          \
	{                                                                                          \
		word, OPTION_REFUSED, NULL,                                                        \
			"propagation to other namespaces is set after mounting: "                  \
			"`mount --make-" word " MOUNTPOINT`"                                       \
	}

/* clang-format off */
const struct option_row option_rows[] = {
	/* data and attributes */
	{ "passthrough", OPTION_CHOICE, "auto|on|off", "reads and writes in the kernel (auto)",
	  VIEW(passthrough) },
	{ "cache", OPTION_CACHE, "auto|ttl=SECONDS|none|exclusive",
	  "how long attributes and names are cached (auto)", VIEW(cache) },
	{ "locks", OPTION_CHOICE, "local|lower", "where locks are kept (local)", VIEW(locks) },
	{ "xattr", OPTION_CHOICE, "on|off", "extended attributes and ACLs (on)", VIEW(xattr) },
	{ "opendir", OPTION_CHOICE, "on|off", "off: cached listings cost nothing (on)",
	  VIEW(opendir) },
	{ "handles", OPTION_TEXT, "FILE", "file handles outlive the mount, with the key in FILE",
	  VIEW(handles) },
	{ "xdev", OPTION_CHOICE, "cross|hide", "file systems mounted below LOWER (cross)",
	  VIEW(xdev) },
	{ "pseudo", OPTION_CHOICE, "hide|show", "proc, sysfs, cgroup and their like (hide)",
	  VIEW(pseudo) },
	{ "idmap", OPTION_SWITCH, NULL, "allow idmapped mounts of the view",
	  VIEW(idmap), .max = 1 },
	{ "attr_timeout entry_timeout negative_timeout", OPTION_TIMEOUT, "SECONDS",
	  "same as cache=ttl=SECONDS; the least of the three" },

	/* what runs before and after operations */
	{ "filter", OPTION_FILTER, "SPEC", "NAME|FILE[,option=value...]; several run in order" },

	/* who may do what */
	{ "ro", OPTION_FLAG, NULL, "nothing can be changed through the view",
	  .set = PST_MOUNT_RDONLY },
	{ "rw", OPTION_FLAG, .clear = PST_MOUNT_RDONLY },
	{ "nosuid", OPTION_FLAG, NULL, "as in mount(8), like suid, nodev, dev, noexec, exec",
	  .set = PST_MOUNT_NOSUID },
	{ "suid", OPTION_FLAG, .clear = PST_MOUNT_NOSUID },
	{ "nodev", OPTION_FLAG, .set = PST_MOUNT_NODEV },
	{ "dev", OPTION_FLAG, .clear = PST_MOUNT_NODEV },
	{ "noexec", OPTION_FLAG, .set = PST_MOUNT_NOEXEC },
	{ "exec", OPTION_FLAG, .clear = PST_MOUNT_NOEXEC },
	{ "nosymfollow", OPTION_FLAG, NULL, "symbolic links of the view are not followed",
	  .set = PST_MOUNT_NOSYMFOLLOW },
	{ "symfollow", OPTION_FLAG, .clear = PST_MOUNT_NOSYMFOLLOW },
	{ "sync", OPTION_FLAG, NULL, "changes are on the disk before they return; no passthrough",
	  .set = PST_MOUNT_SYNC },
	{ "async", OPTION_FLAG, .clear = PST_MOUNT_SYNC },
	{ "dirsync", OPTION_FLAG, NULL, "as sync, for changes of names only",
	  .set = PST_MOUNT_DIRSYNC },
	{ "noatime", OPTION_FLAG, NULL, "as in mount(8), like relatime, strictatime, nodiratime",
	  .set = PST_MOUNT_NOATIME, .clear = ATIME },
	{ "atime", OPTION_FLAG, .clear = PST_MOUNT_NOATIME },
	{ "relatime", OPTION_FLAG, .set = PST_MOUNT_RELATIME, .clear = ATIME },
	{ "norelatime", OPTION_FLAG, .clear = PST_MOUNT_RELATIME },
	{ "strictatime", OPTION_FLAG, .set = PST_MOUNT_STRICTATIME, .clear = ATIME },
	{ "nostrictatime", OPTION_FLAG, .clear = PST_MOUNT_STRICTATIME },
	{ "nodiratime", OPTION_FLAG, .set = PST_MOUNT_NODIRATIME },
	{ "diratime", OPTION_FLAG, .clear = PST_MOUNT_NODIRATIME },
	{ "allow_other", OPTION_SWITCH, NULL, "other users may enter the view (the default)",
	  VIEW(allow_other), .max = 1, .by_kernel = true },
	{ "noallow_other", OPTION_SWITCH, NULL, "only the mounting user may enter the view",
	  VIEW(allow_other), .max = 0 },

	/* the process */
	{ "fsname", OPTION_TEXT, "NAME", "first field of /proc/mounts (LOWER)",
	  VIEW(fsname), .by_kernel = true },
	{ "subtype", OPTION_CHOICE, "penstock", NULL, OWN(subtype), .by_kernel = true },
	{ "workers max_threads", OPTION_NUMBER, "N", "threads that serve (one for each CPU)",
	  VIEW(n_workers), 1, 256 },
	{ "pool", OPTION_NUMBER, "N", "threads for operations that may block",
	  VIEW(n_pool), 1, 256 },
	{ "max_write", OPTION_NUMBER, "BYTES", "data in one request (1M)",
	  VIEW(max_write), 4096, 16 << 20 },
	{ "fds", OPTION_NUMBER, "N", "lower files to keep open (a quarter of RLIMIT_NOFILE)",
	  VIEW(fd_budget), 16, 1 << 24 },
	{ "log", OPTION_CHOICE, "error|warning|info|debug",
	  "the least important messages to log (warning)",
	  OWN(log_level), GIVEN(log_chosen) },
	{ "transport", OPTION_CHOICE, "auto|uring|dev", "how requests come from the kernel (auto)",
	  VIEW(transport) },
	{ "enable_uring enable-uring", OPTION_SWITCH, NULL,
	  "switch io_uring on for all FUSE mounts to come", VIEW(enable_uring), .max = 1 },
	{ "uring_depth io_uring_q_depth", OPTION_NUMBER, "N",
	  "io_uring: requests at a time for each CPU (2)", VIEW(uring_depth), 1, 1024 },
	{ "io_uring", OPTION_CHOICE, VIEW(transport), .max = PST_TRANSPORT_URING },
	{ "syslog", OPTION_SWITCH, NULL, "log to syslog in the foreground, too",
	  OWN(syslog), .max = 1 },

	/* for fstab, mount(8) and systemd; options_parse() has seen "remount" before */
	{ "defaults auto noauto nouser users nousers owner noowner group nogroup nofail _netdev "
	  "comment loud silent x-* remount", OPTION_IGNORED },
	{ "user", OPTION_USER },
	/* what the lower file system decides: writes are as synchronous as they are there */
	{ "lazytime nolazytime iversion noiversion mand nomand", OPTION_IGNORED },
	/* FUSE: what every view has. Many tools write these two by themselves. */
	{ "default_permissions", OPTION_IGNORED, .by_kernel = true },
	{ "clone_fd", OPTION_IGNORED },
	{ "nonempty use_ino readdir_ino big_writes large_read hard_remove async_read "
	  "atomic_o_trunc auto_cache intr splice_read splice_write splice_move "
	  "no_writeback_cache acl posix_acl user_xattr", OPTION_ALWAYS },

	/* mount flags that are not about a view */
	{ "private", OPTION_REFUSED, NULL,
	  "say noallow_other: mount(8) and fstab take \"private\" for a flag of the mount and "
	  "lose it" },
	PROPAGATION("rprivate"), PROPAGATION("shared"), PROPAGATION("rshared"),
	PROPAGATION("slave"), PROPAGATION("rslave"), PROPAGATION("unbindable"),
	PROPAGATION("runbindable"),
	{ "bind", OPTION_REFUSED, NULL,
	  "a view is no bind mount: say `mount --bind`, or leave it out" },
	{ "rbind", OPTION_REFUSED, NULL,
	  "a view is no bind mount: say `mount --rbind`, or leave it out" },
	{ "move", OPTION_REFUSED, NULL, "say `mount --move OLD NEW`" },
	{ "loop offset sizelimit encryption verity.* blkdev", OPTION_REFUSED, NULL,
	  "LOWER is a directory: mount the image or the device first" },
	{ "blksize", OPTION_REFUSED, NULL,
	  "LOWER is a directory: mount the image or the device first",
	  .by_kernel = true },
	{ "helper uhelper", OPTION_REFUSED, NULL, "umount(8) needs no helper for a view" },
	{ "context fscontext defcontext rootcontext", OPTION_REFUSED, NULL,
	  "labels are those of the lower files" },
	{ "X-mount.idmap", OPTION_REFUSED, NULL,
	  "mount with the option idmap, then map the users of a bind mount of the view: "
	  "`mount --bind -o X-mount.idmap=... VIEW OTHER` (util-linux 2.39)" },
	{ "X-mount.*", OPTION_REFUSED, NULL,
	  "this is done by mount(8) itself: say `mount -t penstock -o X-mount...`" },
	{ "X-*", OPTION_IGNORED },

	/* FUSE: what a view has another word for, or does not have */
	{ "allow_root", OPTION_REFUSED, NULL,
	  "the kernel knows only everybody (allow_other) and the mounting user (noallow_other)" },
	{ "auto_unmount", OPTION_REFUSED, NULL,
	  "it takes a helper process; put `umount -l` into the unit that starts the view" },
	{ "direct_io", OPTION_REFUSED, NULL, "whether data is cached is decided file by file" },
	{ "kernel_cache", OPTION_REFUSED, NULL, "say cache=exclusive" },
	{ "noauto_cache", OPTION_REFUSED, NULL, "say cache=exclusive, or cache=ttl=SECONDS" },
	{ "ac_attr_timeout timeout", OPTION_REFUSED, NULL, "say cache=ttl=SECONDS" },
	{ "remember noforget", OPTION_REFUSED, NULL,
	  "files are known as long as the kernel knows them; leave it out" },
	{ "writeback writeback_cache", OPTION_REFUSED, NULL,
	  "data is written to the lower file at once; leave it out" },
	{ "max_read", OPTION_REFUSED, NULL, "say max_write=BYTES, which bounds reads as well",
	  .by_kernel = true },
	{ "max_readahead", OPTION_REFUSED, NULL,
	  "read-ahead is set for each mount in /sys/class/bdi" },
	{ "max_background congestion_threshold", OPTION_REFUSED, NULL,
	  "the program chooses it; workers= and pool= say how much is done at a time" },
	{ "max_idle_threads", OPTION_REFUSED, NULL, "say workers=N" },
	{ "thread_pool_size", OPTION_REFUSED, NULL, "say pool=N" },
	{ "sync_read", OPTION_REFUSED, NULL, "reads run at the same time; leave it out" },
	{ "nointr", OPTION_REFUSED, NULL,
	  "requests of a process that is killed always end; leave it out" },
	{ "intr_signal", OPTION_REFUSED, NULL,
	  "requests are interrupted without signals; leave it out" },
	{ "no_splice_read no_splice_write no_splice_move", OPTION_REFUSED, NULL,
	  "passthrough=off serves data, without splicing" },
	{ "umask fmask dmask file_mode dir_mode", OPTION_REFUSED, NULL,
	  "modes are those of the lower files, or what a filter makes of them; see "
	  "penstock-filters(7)" },
	{ "uid", OPTION_REFUSED, NULL,
	  "say --filter owner,uid=USER (in a list: filter=owner;uid=USER)" },
	{ "gid", OPTION_REFUSED, NULL,
	  "say --filter owner,gid=GROUP (in a list: filter=owner;gid=GROUP)" },
	{ "fd rootmode user_id group_id", OPTION_REFUSED, NULL,
	  "that is between the kernel and this program; leave it out",
	  .by_kernel = true },
	{ "modules", OPTION_REFUSED, NULL,
	  "filters do what modules of libfuse do: --filter SPEC" },
	{ "subdir lowerdir source", OPTION_REFUSED, NULL, "name the directory as LOWER" },
	{ "posix_lock no_posix_lock flock no_flock", OPTION_REFUSED, NULL,
	  "say locks=lower or locks=local" },
	{ "nolock", OPTION_REFUSED, NULL, "say locks=local" },
	{ "noxattr no_xattr noacl nouser_xattr", OPTION_REFUSED, NULL, "say xattr=off" },
};
/* clang-format on */

const size_t option_n_rows = sizeof(option_rows) / sizeof(option_rows[0]);

bool option_next_word(const char **list, char separator, char *word, size_t size)
{
	size_t len;

	if (!**list)
		return false;
	len = strchrnul(*list, separator) - *list;
	snprintf(word, size, "%.*s", (int)len, *list);
	*list += len + ((*list)[len] == separator);
	return true;
}

static bool fits(const char *pattern, const char *name)
{
	size_t len = strlen(pattern);

	return pattern[len - 1] == '*' ? strncmp(pattern, name, len - 1) == 0 :
					 strcmp(pattern, name) == 0;
}

const struct option_row *option_find(const char *name)
{
	char word[64];

	for (size_t i = 0; i < option_n_rows; i++)
		for (const char *names = option_rows[i].names;
		     option_next_word(&names, ' ', word, sizeof(word));)
			if (fits(word, name))
				return &option_rows[i];
	return NULL;
}
