// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rows of the table of mount options.
 *
 * libmount removes some options, such as "private", before it runs the helper. No option of a view
 * may have such a name, or mount(8) and fstab would lose it. The mount tests try each row by both.
 *
 * Options of mount(8), fstab(5), systemd, libfuse and other file systems have rows, too, so that
 * the program drops no option silently that a user relies on. Such an option is ignored, because it
 * is for another program; or accepted with a message, because every view behaves so; or refused,
 * and the message names the option to use instead.
 */
#include "option/table.h"
#include "option/options.h"

#include <penstock/penstock.h>

#include <stdio.h>
#include <string.h>

/* The value of a choice is the index of its word in row->values. */
_Static_assert(PST_PASSTHROUGH_ON == 1 && PST_PASSTHROUGH_OFF == 2, "passthrough=");
_Static_assert(PST_CACHE_TTL == 1 && PST_CACHE_NONE == 2 && PST_CACHE_EXCLUSIVE == 3, "cache=");
_Static_assert(PST_LOCKS_LOWER == 1 && PST_XATTR_OFF == 1 && PST_OPENDIR_OFF == 1, "two words");
_Static_assert(PST_XDEV_HIDE == 1 && PST_PSEUDO_SHOW == 1, "two words");
_Static_assert(PST_RUN_FILTERS_KERNEL == 1 && PST_RUN_FILTERS_PROCESS == 2, "filters=");
_Static_assert(PST_TRANSPORT_URING == 1 && PST_TRANSPORT_DEV == 2, "transport=");
_Static_assert(PST_ENGINE_KERNEL == 1 && PST_ENGINE_AUTO == 2, "engine=");
_Static_assert(PST_LOG_WARNING == 1 && PST_LOG_INFO == 2 && PST_LOG_DEBUG == 3, "log=");

#define VIEW(member)  .offset = offsetof(struct mount_options, view.member)
#define OWN(member)   .offset = offsetof(struct mount_options, member)
#define GIVEN(member) .given = offsetof(struct mount_options, member)
#define ATIME         (PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME | PST_MOUNT_RELATIME)

#define PROPAGATION(word)                                                                          \
	{                                                                                          \
		word, OPTION_REFUSED, NULL,                                                        \
			"set the propagation to other namespaces after mounting: "                 \
			"`mount --make-" word " MOUNTPOINT`"                                       \
	}

/* clang-format off */
const struct option_row option_rows[] = {
	{ "engine", OPTION_CHOICE, "fuse|kernel|auto",
	  "a process serves the view, or the module penstock (fuse)", VIEW(engine) },

	/* data and attributes */
	{ "passthrough", OPTION_CHOICE, "auto|on|off", "reads and writes run in the kernel (auto)",
	  VIEW(passthrough) },
	{ "cache", OPTION_CACHE, "auto|ttl=SECONDS|none|exclusive",
	  "how long attributes and names are cached (auto)", VIEW(cache) },
	{ "locks", OPTION_CHOICE, "local|lower", "lower: programs outside of the view see locks "
						 "(local)", VIEW(locks) },
	{ "xattr", OPTION_CHOICE, "on|off", "extended attributes and ACLs (on)", VIEW(xattr) },
	{ "opendir", OPTION_CHOICE, "on|off", "off: the kernel opens directories itself (on)",
	  VIEW(opendir) },
	{ "handles", OPTION_TEXT, "FILE", "file handles outlive the mount; FILE has the key",
	  VIEW(handles) },
	{ "xdev", OPTION_CHOICE, "cross|hide", "show or hide file systems mounted below LOWER "
					       "(cross)",
	  VIEW(xdev) },
	{ "pseudo", OPTION_CHOICE, "hide|show", "proc, sysfs, cgroup and the like (hide)",
	  VIEW(pseudo) },
	{ "idmap", OPTION_SWITCH, NULL, "allow idmapped mounts of the view",
	  VIEW(idmap), .max = 1 },
	{ "attr_timeout entry_timeout negative_timeout", OPTION_TIMEOUT, "SECONDS",
	  "same as cache=ttl=SECONDS; the least of the three" },

	/* what runs before and after operations */
	{ "filter", OPTION_FILTER, "SPEC", "NAME|FILE[,option=value...]; several run in order" },
	{ "filters", OPTION_CHOICE, "auto|kernel|process", "where filters run (auto)",
	  VIEW(run_filters) },

	{ "rules", OPTION_RULES, "FILE", "hide, protect and mask files by the lines of FILE" },
	{ "hide", OPTION_LIST, "LIST", "names and /paths that are absent in the view, by colons" },
	{ "readonly", OPTION_LIST, "LIST", "names and /paths that nobody can change in the view" },
	{ "mask", OPTION_LIST, "LIST", "names and /paths of files whose content is blanked" },

	/* who may do what */
	{ "ro", OPTION_FLAG, NULL, "users of the view cannot change anything",
	  .set = PST_MOUNT_RDONLY },
	{ "rw", OPTION_FLAG, .clear = PST_MOUNT_RDONLY },
	{ "nosuid", OPTION_FLAG, NULL, "as in mount(8), like suid, nodev, dev, noexec, exec",
	  .set = PST_MOUNT_NOSUID },
	{ "suid", OPTION_FLAG, .clear = PST_MOUNT_NOSUID },
	{ "nodev", OPTION_FLAG, .set = PST_MOUNT_NODEV },
	{ "dev", OPTION_FLAG, .clear = PST_MOUNT_NODEV },
	{ "noexec", OPTION_FLAG, .set = PST_MOUNT_NOEXEC },
	{ "exec", OPTION_FLAG, .clear = PST_MOUNT_NOEXEC },
	{ "nosymfollow", OPTION_FLAG, NULL, "the kernel follows no symbolic links of the view",
	  .set = PST_MOUNT_NOSYMFOLLOW },
	{ "symfollow", OPTION_FLAG, .clear = PST_MOUNT_NOSYMFOLLOW },
	{ "sync", OPTION_FLAG, NULL,
	  "each change is on the disk when its call returns; no passthrough",
	  .set = PST_MOUNT_SYNC },
	{ "async", OPTION_FLAG, .clear = PST_MOUNT_SYNC },
	{ "dirsync", OPTION_FLAG, NULL, "like sync, but only for changes of names",
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
	{ "pool", OPTION_NUMBER, "N", "threads for operations that may block (8)",
	  VIEW(n_pool), 1, 256 },
	{ "max_write", OPTION_NUMBER, "BYTES", "the most data in one request (1M)",
	  VIEW(max_write), 4096, 16 << 20 },
	{ "fds", OPTION_NUMBER, "N", "lower files kept open (RLIMIT_NOFILE / 4, at most 4096)",
	  VIEW(fd_budget), 16, 1 << 24 },
	{ "log", OPTION_CHOICE, "error|warning|info|debug",
	  "log messages of at least this importance (warning)",
	  OWN(log_level), GIVEN(log_chosen) },
	{ "transport", OPTION_CHOICE, "auto|uring|dev", "how requests come from the kernel (auto)",
	  VIEW(transport) },
	{ "enable_uring enable-uring", OPTION_SWITCH, NULL,
	  "first enable FUSE over io_uring, for all mounts of the system",
	  VIEW(enable_uring), .max = 1 },
	{ "uring_depth io_uring_q_depth", OPTION_NUMBER, "N",
	  "io_uring: requests at a time on each CPU (2)", VIEW(uring_depth), 1, 1024 },
	{ "io_uring", OPTION_CHOICE, VIEW(transport), .max = PST_TRANSPORT_URING },
	{ "syslog", OPTION_SWITCH, NULL, "log to syslog in the foreground as well",
	  OWN(syslog), .max = 1 },

	/* for fstab, mount(8) and systemd; options_parse() has found "remount" in its first pass */
	{ "defaults auto noauto nouser users nousers noowner nogroup nofail _netdev "
	  "comment loud silent x-* remount", OPTION_IGNORED },
	{ "user owner group", OPTION_USER },
	/* The lower file system decides these. */
	{ "lazytime nolazytime iversion noiversion mand nomand", OPTION_IGNORED },
	/* FUSE: every view behaves so. Many tools add the first two by themselves: no message. */
	{ "default_permissions", OPTION_IGNORED, .by_kernel = true },
	{ "clone_fd", OPTION_IGNORED },
	{ "nonempty use_ino readdir_ino big_writes large_read hard_remove async_read "
	  "atomic_o_trunc auto_cache intr splice_read splice_write splice_move "
	  "no_writeback_cache acl posix_acl user_xattr", OPTION_ALWAYS },

	/* mount flags that a view does not have */
	{ "private", OPTION_REFUSED, NULL,
	  "use noallow_other: mount(8) takes \"private\" for a flag of the mount, and does not "
	  "pass it on" },
	PROPAGATION("rprivate"), PROPAGATION("shared"), PROPAGATION("rshared"),
	PROPAGATION("slave"), PROPAGATION("rslave"), PROPAGATION("unbindable"),
	PROPAGATION("runbindable"),
	{ "bind", OPTION_REFUSED, NULL,
	  "a view is no bind mount: leave it out, or use `mount --bind`" },
	{ "rbind", OPTION_REFUSED, NULL,
	  "a view is no bind mount: leave it out, or use `mount --rbind`" },
	{ "move", OPTION_REFUSED, NULL, "use `mount --move OLD NEW`" },
	{ "loop offset sizelimit encryption verity.* blkdev", OPTION_REFUSED, NULL,
	  "LOWER is a directory: mount the image or the device first" },
	{ "blksize", OPTION_REFUSED, NULL,
	  "LOWER is a directory: mount the image or the device first",
	  .by_kernel = true },
	{ "helper uhelper", OPTION_REFUSED, NULL,
	  "umount(8) needs no helper for a view: leave it out" },
	{ "context fscontext defcontext rootcontext", OPTION_REFUSED, NULL,
	  "a view shows the labels of the lower files: set them there" },
	{ "X-mount.idmap", OPTION_REFUSED, NULL,
	  "mount with the option idmap, then map the users of a bind mount of the view: "
	  "`mount --bind -o X-mount.idmap=... VIEW OTHER` (util-linux 2.39)" },
	{ "X-mount.*", OPTION_REFUSED, NULL,
	  "only mount(8) itself can do this: use `mount -t penstock -o X-mount...`" },
	{ "X-*", OPTION_IGNORED },

	/* FUSE: a view has another option instead, or none */
	{ "allow_root", OPTION_REFUSED, NULL,
	  "the kernel lets in all users (allow_other), or only the mounting user (noallow_other)" },
	{ "auto_unmount", OPTION_REFUSED, NULL,
	  "it needs a helper process: add `umount -l` to the unit that starts the view" },
	{ "direct_io direct-io", OPTION_REFUSED, NULL,
	  "a view decides for each file whether its data is cached: leave it out" },
	{ "kernel_cache", OPTION_REFUSED, NULL, "use cache=exclusive" },
	{ "noauto_cache", OPTION_REFUSED, NULL, "use cache=exclusive, or cache=ttl=SECONDS" },
	{ "ac_attr_timeout timeout", OPTION_REFUSED, NULL, "use cache=ttl=SECONDS" },
	{ "remember noforget", OPTION_REFUSED, NULL,
	  "a view forgets a file when the kernel does: leave it out" },
	{ "writeback writeback_cache", OPTION_REFUSED, NULL,
	  "a view writes data to the lower file at once: leave it out" },
	{ "max_read", OPTION_REFUSED, NULL, "use max_write=BYTES, which also bounds reads",
	  .by_kernel = true },
	{ "max_readahead", OPTION_REFUSED, NULL,
	  "set read-ahead in /sys/class/bdi after mounting" },
	{ "max_background congestion_threshold", OPTION_REFUSED, NULL,
	  "penstock chooses it; workers= and pool= set how many requests run at a time" },
	{ "max_idle_threads", OPTION_REFUSED, NULL, "use workers=N" },
	{ "thread_pool_size", OPTION_REFUSED, NULL, "use pool=N" },
	{ "sync_read", OPTION_REFUSED, NULL, "reads always run in parallel: leave it out" },
	{ "nointr", OPTION_REFUSED, NULL,
	  "a request always ends when its process is killed: leave it out" },
	{ "intr_signal", OPTION_REFUSED, NULL,
	  "penstock interrupts requests without a signal: leave it out" },
	{ "no_splice_read no_splice_write no_splice_move", OPTION_REFUSED, NULL,
	  "use passthrough=off: data is then served without splicing" },
	{ "umask fmask dmask file_mode dir_mode", OPTION_REFUSED, NULL,
	  "a view shows the modes of the lower files; a filter can show others, see "
	  "penstock-filters(7)" },
	{ "uid", OPTION_REFUSED, NULL,
	  "use --filter owner,uid=USER (in -o: filter=owner;uid=USER)" },
	{ "gid", OPTION_REFUSED, NULL,
	  "use --filter owner,gid=GROUP (in -o: filter=owner;gid=GROUP)" },
	{ "fd rootmode user_id group_id", OPTION_REFUSED, NULL,
	  "penstock passes this to the kernel itself: leave it out",
	  .by_kernel = true },
	{ "modules", OPTION_REFUSED, NULL,
	  "use --filter SPEC: filters do what modules of libfuse do" },
	{ "subdir lowerdir source lower", OPTION_REFUSED, NULL, "give the directory as LOWER",
	  .by_kernel = true },
	{ "posix_lock no_posix_lock flock no_flock", OPTION_REFUSED, NULL,
	  "use locks=lower or locks=local" },
	{ "nolock", OPTION_REFUSED, NULL, "use locks=local" },
	{ "debug", OPTION_REFUSED, NULL, "use log=debug, or -d for a view in the foreground" },
	{ "noxattr no_xattr noacl nouser_xattr xattr-none", OPTION_REFUSED, NULL,
	  "use xattr=off" },

	/* bindfs: the filter, with "*" for the value */
	{ "force-user", OPTION_BINDFS, .help = "owner,uid=*" },
	{ "force-group", OPTION_BINDFS, .help = "owner,gid=*" },
	{ "perms", OPTION_BINDFS, .help = "perms,show=*" },
	{ "mirror", OPTION_BINDFS, .help = "mirror,users=*" },
	{ "mirror-only", OPTION_BINDFS, .help = "mirror,users=*,only" },
	{ "map", OPTION_BINDFS, .help = "map,users=LOWER/SHOWN,groups=LOWER/SHOWN" },
	{ "map-passwd", OPTION_BINDFS, .help = "map,users=*" },
	{ "map-group", OPTION_BINDFS, .help = "map,groups=*" },
	{ "map-passwd-rev", OPTION_BINDFS, .help = "map,users=*,reverse" },
	{ "map-group-rev", OPTION_BINDFS, .help = "map,groups=*,reverse" },
	{ "uid-offset", OPTION_BINDFS, .help = "map,users=+*" },
	{ "gid-offset", OPTION_BINDFS, .help = "map,groups=+*" },
	{ "create-for-user", OPTION_BINDFS, .help = "owner,create_uid=*" },
	{ "create-for-group", OPTION_BINDFS, .help = "owner,create_gid=*" },
	{ "create-as-mounter", OPTION_BINDFS, .help = "owner,create_uid=USER,create_gid=GROUP" },
	{ "create-with-perms", OPTION_BINDFS, .help = "perms,create=*" },
	{ "chmod-filter", OPTION_BINDFS, .help = "perms,chmod=*" },
	{ "chmod-ignore", OPTION_BINDFS, .help = "changes,chmod=ignore" },
	{ "chmod-deny", OPTION_BINDFS, .help = "changes,chmod=deny" },
	{ "chmod-allow-x", OPTION_BINDFS, .help = "changes,chmod_x" },
	{ "chown-ignore", OPTION_BINDFS, .help = "changes,chown=ignore" },
	{ "chown-deny", OPTION_BINDFS, .help = "changes,chown=deny" },
	{ "chgrp-ignore", OPTION_BINDFS, .help = "changes,chgrp=ignore" },
	{ "chgrp-deny", OPTION_BINDFS, .help = "changes,chgrp=deny" },
	{ "delete-deny", OPTION_BINDFS, .help = "changes,delete=deny" },
	{ "rename-deny", OPTION_BINDFS, .help = "changes,rename=deny" },
	{ "xattr-ro", OPTION_BINDFS, .help = "changes,xattr=deny" },
	{ "read-rate", OPTION_BINDFS, .help = "rate,read=*" },
	{ "write-rate", OPTION_BINDFS, .help = "rate,write=*" },
	{ "ctime-from-mtime", OPTION_BINDFS, .help = "attr,ctime_from_mtime" },
	{ "hide-hard-links", OPTION_BINDFS, .help = "attr,hide_hard_links" },
	{ "enable-lock-forwarding", OPTION_REFUSED, NULL, "use locks=lower" },
	{ "disable-lock-forwarding", OPTION_REFUSED, NULL, "use locks=local, the default" },
	{ "no-allow-other", OPTION_REFUSED, NULL, "use noallow_other" },
	{ "realistic-permissions", OPTION_REFUSED, NULL,
	  "leave it out, and write X instead of x in --filter perms,show=RULES" },
	{ "resolve-symlinks resolved-symlink-deletion", OPTION_REFUSED, NULL,
	  "a view shows links as links: bind the directory that a link leads to into the view by "
	  "`mount --bind`" },
	{ "block-devices-as-files", OPTION_REFUSED, NULL,
	  "a view shows each file with its type: read the device below" },
	{ "create-as-user chmod-normal chown-normal chgrp-normal xattr-rw enable-ioctl "
	  "multithreaded no-direct-io forward-odirect", OPTION_ALWAYS },
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
