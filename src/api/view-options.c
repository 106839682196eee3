// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checks the options that a program gives. The library refuses values that it does not know: such a
 * program was built for another version or has not initialised the struct, and would get a view
 * with other properties than it asked for.
 */
#include "api/view-options.h"
#include "api/view-paths.h"
#include "fs/fs.h"
#include "mount/fusermount.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <penstock/source.h>
#include <stddef.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_WORKERS 256
#define MAX_POOL    256
#define MAX_DEPTH   1024
#define MAX_FETCHES 256u
/* Bytes of a piece of struct pst_source. */
#define MIN_PIECE 4096u
#define MAX_PIECE (1u << 30)

#define ALL_FLAGS   (2 * PST_MOUNT_DIRSYNC - 1)
#define ATIME_FLAGS (PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME | PST_MOUNT_RELATIME)

/* Checks the members that may have any value from 0 to a maximum. */
static int check_ranges(const struct pst_view_options *options, struct pst_error *error)
{
	const struct {
		const char *name;
		unsigned int value, last;
	} rows[] = {
		{ "passthrough", options->passthrough, PST_PASSTHROUGH_OFF },
		{ "cache", options->cache, PST_CACHE_EXCLUSIVE },
		{ "locks", options->locks, PST_LOCKS_LOWER },
		{ "xdev", options->xdev, PST_XDEV_HIDE },
		{ "transport", options->transport, PST_TRANSPORT_DEV },
		{ "xattr", options->xattr, PST_XATTR_OFF },
		{ "opendir", options->opendir, PST_OPENDIR_OFF },
		{ "pseudo", options->pseudo, PST_PSEUDO_SHOW },
		{ "run_filters", options->run_filters, PST_RUN_FILTERS_PROCESS },
		{ "control", options->control, PST_CONTROL_OFF },
		{ "log_level", options->log_level, PST_LOG_DEBUG },
		{ "idmap", options->idmap, 1 },
		{ "allow_other", options->allow_other, 1 },
		{ "enable_uring", options->enable_uring, 1 },
		{ "detached", options->detached, 1 },
		{ "engine", options->engine, PST_ENGINE_AUTO },
		{ "n_workers", options->n_workers, MAX_WORKERS },
		{ "n_pool", options->n_pool, MAX_POOL },
		{ "uring_depth", options->uring_depth, MAX_DEPTH },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value > rows[i].last)
			return error_set(error, -EINVAL,
					 "%s=%u: give a value from 0 to %u; "
					 "PST_VIEW_OPTIONS_INIT sets the defaults",
					 rows[i].name, rows[i].value, rows[i].last);
	return 0;
}

static int check_pads(const struct pst_view_options *options, struct pst_error *error)
{
	static const uint8_t zeros[8];

	if (memcmp(options->pad0, zeros, sizeof(options->pad0)) == 0 &&
	    memcmp(options->pad1, zeros, sizeof(options->pad1)) == 0)
		return 0;
	return error_set(error, -EINVAL,
			 "a padding member is not 0; initialize the options with "
			 "PST_VIEW_OPTIONS_INIT");
}

static int check_mount_flags(unsigned int flags, struct pst_error *error)
{
	unsigned int atime = flags & ATIME_FLAGS;

	if (flags & ~ALL_FLAGS)
		return error_set(error, -EINVAL, "mount_flags=%#x: a view has no flag %#x", flags,
				 flags & ~ALL_FLAGS);
	if (atime & (atime - 1))
		return error_set(error, -EINVAL,
				 "mount_flags=%#x: set only one of NOATIME, STRICTATIME and "
				 "RELATIME",
				 flags);
	return 0;
}

static int check_server(const struct pst_server *server, struct pst_error *error)
{
	if (!server->fields || !server->getattr || !server->setattr)
		return error_set(error, -EINVAL,
				 "server: the program must set all of the functions fields, "
				 "getattr and setattr");
	return 0;
}

static int check_source(const struct pst_source *source, struct pst_error *error)
{
	if (!source->fetch)
		return error_set(error, -EINVAL, "source: the program must set fetch");
	if (source->when > PST_FETCH_AHEAD)
		return error_set(error, -EINVAL, "source: when=%u: give a value of pst_fetch_when",
				 source->when);
	if (source->piece && (source->piece & (source->piece - 1) || source->piece < MIN_PIECE ||
			      source->piece > MAX_PIECE))
		return error_set(error, -EINVAL,
				 "source: piece=%u: give 0, or a power of 2 from %u to %u bytes",
				 source->piece, MIN_PIECE, MAX_PIECE);
	if (source->guard > 1 || source->hollow_root > 1)
		return error_set(error, -EINVAL, "source: guard=%u, hollow_root=%u: set 0 or 1",
				 source->guard, source->hollow_root);
	if (source->hollow_root && !source->list)
		return error_set(error, -EINVAL,
				 "source: hollow_root=1: the program must set list, which makes "
				 "the names of LOWER");
	if (source->n_fetches > MAX_FETCHES)
		return error_set(error, -EINVAL, "source: n_fetches=%u: give %u at most",
				 source->n_fetches, MAX_FETCHES);
	return 0;
}

static int check_node_ops(const struct pst_view_options *options, struct pst_error *error)
{
	const struct pst_node_ops *ops = options->node_ops;

	if (ops->quick & ~(uint32_t)PST_ANSWERS_ALL)
		return error_set(error, -EINVAL, "node_ops.quick=%#x: set bits of enum pst_answers",
				 ops->quick);
	if (ops->loop > 1 || ops->serial > 1 || ops->by_filters > 1)
		return error_set(error, -EINVAL,
				 "node_ops.loop=%u, serial=%u, by_filters=%u: set 0 or 1",
				 ops->loop, ops->serial, ops->by_filters);
	if (ops->by_filters && ops->ops)
		return error_set(
			error, -EINVAL,
			"node_ops: with by_filters ops has to be NULL, because only filters "
			"send operations to the program");
	if (!ops->getattr && (ops->setattr || ops->write || ops->find))
		return error_set(error, -EINVAL,
				 "node_ops: a program with setattr, write or find must set "
				 "getattr; without it, a file keeps the attributes of its entry");
	if (options->locks == PST_LOCKS_LOWER &&
	    (ops->lookup || ops->readdir || ops->make || ops->create))
		return error_set(error, -EINVAL,
				 "locks=lower: files of the program have no lower file to lock; "
				 "leave it out, and the kernel locks them in the view");
	if (options->opendir == PST_OPENDIR_OFF)
		return error_set(error, -EINVAL,
				 "opendir=off: the kernel would keep the names that the program "
				 "lists; leave it out with node_ops");
	return 0;
}

int view_options_check(const struct pst_view_options *options, struct pst_error *error)
{
	int r = check_ranges(options, error);

	if (r == 0)
		r = check_pads(options, error);
	if (r == 0)
		r = check_mount_flags(options->mount_flags, error);
	if (r < 0)
		return r;
	if (options->max_write && (options->max_write < 4096 || options->max_write > 1u << 24))
		return error_set(error, -EINVAL,
				 "max_write=%u: give a number of bytes from 4096 "
				 "to 16777216, or 0 for the default",
				 options->max_write);
	r = options->server ? check_server(options->server, error) : 0;
	if (r == 0 && options->source)
		r = check_source(options->source, error);
	if (r == 0 && options->node_ops)
		r = check_node_ops(options, error);
	if (r < 0)
		return r;
	/* Without OPENDIR, only an invalidation makes the kernel drop a cached listing. */
	if (options->opendir == PST_OPENDIR_OFF && options->cache != PST_CACHE_EXCLUSIVE &&
	    options->cache != PST_CACHE_AUTO)
		return error_set(error, -EINVAL,
				 "opendir=off needs cache=auto or cache=exclusive, because the "
				 "kernel then caches listings");
	return 0;
}

/*
 * Without this check the first system call that needs the capability would fail, with a message
 * that does not name it. CAP_DAC_READ_SEARCH is not required: without it the view keeps a
 * descriptor open for each node, instead of opening files by handle.
 */
int view_check_privilege(bool *ret_by_helper, struct pst_error *error)
{
	static const struct {
		int cap;
		const char *text;
	} needed[] = {
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN (to mount)" },
		{ CAP_SETUID, "CAP_SETUID (to create files as the caller)" },
		{ CAP_SETGID, "CAP_SETGID (to create files as the caller)" },
	};

	*ret_by_helper = geteuid() && !caps_have(CAP_SYS_ADMIN) && fusermount_exists();
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]) && !*ret_by_helper; i++)
		if (!caps_have(needed[i].cap))
			return error_set(error, -EPERM, "mounting a view needs %s: %s",
					 needed[i].text,
					 geteuid() ? "install fusermount3, run this command as "
						     "root, or in a user namespace and a mount "
						     "namespace (`unshare -Urm`)" :
						     "root does not have it here; give the "
						     "container --cap-add SYS_ADMIN and --device "
						     "/dev/fuse");
	return 0;
}

/* The flags that fusermount3 knows; nosuid and nodev it always sets. */
#define HELPER_FLAGS                                                                               \
	(PST_MOUNT_RDONLY | PST_MOUNT_NOSUID | PST_MOUNT_NODEV | PST_MOUNT_NOEXEC |                \
	 PST_MOUNT_NOATIME | PST_MOUNT_RELATIME | PST_MOUNT_SYNC | PST_MOUNT_DIRSYNC)

int view_check_helper(const char *lower, const char *mountpoint,
		      const struct pst_view_options *options, struct pst_error *error)
{
	size_t len = strlen(lower);

	if (strncmp(mountpoint, lower, len) == 0 && (mountpoint[len] == '/' || !mountpoint[len]))
		return error_set(error, -EINVAL,
				 "MOUNTPOINT is inside LOWER, which needs root: without root the "
				 "view would show itself there; `penstock run` shows a view at the "
				 "directory itself");
	if (options->xdev == PST_XDEV_HIDE)
		return error_set(error, -EPERM, "xdev=hide needs root");
	if (options->mount_flags & ~(unsigned int)HELPER_FLAGS)
		return error_set(error, -EPERM,
				 "without root fusermount3 mounts, which knows neither "
				 "nosymfollow, strictatime nor nodiratime: leave it out");
	return 0;
}

static int check_pseudo(const char *lower, enum pst_pseudo pseudo, struct pst_error *error)
{
	_cleanup_(fd_closep) int path_fd = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fd_closep) int fd = path_fd < 0 ? -errno : fs_open_dir(path_fd);
	const struct fstype *type;

	if (fd < 0)
		return view_unreachable("LOWER", lower, -fd, error);
	type = pseudo == PST_PSEUDO_HIDE ? fstype_of(fd) : NULL;
	if (type && type->pseudo)
		return error_set(error, -EINVAL,
				 "LOWER is on %s, whose files are parts of the kernel; use "
				 "pseudo=show if all users of the view may use them: %s",
				 type->name, lower);
	return 0;
}

/*
 * Refuses LOWER if it has an ACL, because a view that ignores ACLs gives the group the rights of
 * the ACL's mask. Only LOWER itself is checked: an ACL there is a sign of more below.
 */
static int check_no_acl(const char *lower, struct pst_error *error)
{
	static const char *const names[] = { "system.posix_acl_access",
					     "system.posix_acl_default" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getxattr(lower, names[i], NULL, 0) > 0)
			return error_set(
				error, -EINVAL,
				"xattr=off: LOWER has an ACL, which the view would ignore; leave "
				"out xattr=off, or remove the ACL: %s",
				lower);
	return 0;
}

int view_check_lower(const char *lower, const struct pst_view_options *options,
		     struct pst_error *error)
{
	int r = check_pseudo(lower, options->pseudo, error);

	return r == 0 && options->xattr == PST_XATTR_OFF ? check_no_acl(lower, error) : r;
}
