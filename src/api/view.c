/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A mounted view: the public interface over mount, channels, file system and server.
 *
 * Nothing is visible before everything works: LOWER is reached through a private clone of its mount,
 * the view's mount is made detached, INIT is answered and threads run; only then it is attached.
 */
#include "mount/mount.h"
#include "server/chain-update.h"
#include "api/handles-key.h"
#include "server/fs-callbacks.h"
#include "mount/lower-flags.h"
#include "server/server.h"
#include "server/request-pool.h"
#include "request/trace.h"
#include "transport/select.h"
#include "api/view-options.h"
#include "api/view-paths.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_WORKERS 256
#define DEFAULT_POOL 8
#define MAX_POOL 256
#define MAX_DEPTH 1024
#define MAX_BACKGROUND 64
#define OWN_FDS 256

/* What a view with xattr=off does not have. */
#define XATTR_OPS                                                                                  \
	(1ULL << FUSE_SETXATTR | 1ULL << FUSE_GETXATTR | 1ULL << FUSE_LISTXATTR |                  \
	 1ULL << FUSE_REMOVEXATTR)

struct pst_view {
	char *lower, *mountpoint;
	unsigned int connection;
	unsigned int n_workers;
	struct init_terms terms;
	const char *passthrough_why;	/* "" when it is on */
	bool backings_refused;		/* this process may not register backing files */
	bool uring;
	char transport_why[200];
	struct server *server;
	int lower_fd;			/* LOWER on the private mount */
	unsigned int mount_flags;	/* PST_MOUNT_*, as the mount below has them; under flags_lock */
	bool was_readonly;		/* LOWER's mount or file system, when the view was made */
	bool readonly_below;		/* mounts below LOWER are read-only by themselves */
	pthread_mutex_t flags_lock;
	struct lower_flags *lower_flags;	/* NULL: not followed */
	_Atomic bool mounted;
};

DEFINE_CLEANUP(struct pst_view *, pst_view_free);

/* -- what was asked for ---------------------------------------------------------------------- */

static int check_lower(const char *lower, enum pst_pseudo pseudo, struct pst_error *error)
{
	_cleanup_(fd_closep) int path_fd = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fd_closep) int fd = path_fd < 0 ? -errno : fs_open_dir(path_fd);
	const struct fstype *type;

	if (fd < 0)
		return view_unreachable("LOWER", lower, -fd, error);
	type = pseudo == PST_PSEUDO_HIDE ? fstype_of(fd) : NULL;
	if (type && type->pseudo)
		return error_set(error, -EINVAL,
				 "LOWER lies on %s, whose files are parts of the kernel: say pseudo=show "
				 "if all users of the view may use them: %s",
				 type->name, lower);
	return 0;
}

/* What this library does not know of the options must be 0; what the program does not, is. */
static int copy_options(const struct pst_view_options *given, struct pst_view_options *ret_options,
			struct pst_error *error)
{
	const char *rest = (const char *)given;
	struct pst_view_options options = { 0 };

	for (size_t i = sizeof(options); i < given->size; i++)
		if (rest[i])
			return error_set(error, -E2BIG,
					 "the program asks for what this libpenstock does not have");
	memcpy(&options, given, given->size < sizeof(options) ? given->size : sizeof(options));
	*ret_options = options;
	return 0;
}

/*
 * Names the capability that is missing before system calls fail one by one. CAP_DAC_READ_SEARCH is not
 * needed: without it the nodes of the view keep descriptors.
 */
static int check_privilege(struct pst_error *error)
{
	static const struct {
		int cap;
		const char *text;
	} needed[] = {
		{ CAP_SYS_ADMIN, "CAP_SYS_ADMIN (to mount)" },
		{ CAP_SETUID, "CAP_SETUID (to create files as the caller)" },
		{ CAP_SETGID, "CAP_SETGID (to create files as the caller)" },
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!caps_have(needed[i].cap))
			return error_set(error, -EPERM, "mounting a view takes %s: %s", needed[i].text,
					 geteuid() ? "run it as root, or in a user namespace and a mount "
						     "namespace (`unshare -Urm`)" :
						     "root lacks it here; a container gets it with "
						     "--cap-add SYS_ADMIN, and --device /dev/fuse");
	return 0;
}

/*
 * An ACL that nobody looks at does harm: the group is given what is the ACL's mask. One at the top is
 * a sign that there are more; others are not looked for.
 */
static int check_no_acl(const char *lower, struct pst_error *error)
{
	static const char *const names[] = { "system.posix_acl_access", "system.posix_acl_default" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (getxattr(lower, names[i], NULL, 0) > 0)
			return error_set(error, -EINVAL,
					 "xattr=off: LOWER has an ACL, which would not be seen: %s",
					 lower);
	return 0;
}

static int check_options(const struct pst_view_options *options, struct pst_error *error)
{
	int r = view_options_check(options, error);

	if (r < 0)
		return r;
	if (options->n_workers > MAX_WORKERS || options->n_pool > MAX_POOL)
		return error_set(error, -EINVAL, "at most %d workers and %d pool threads",
				 MAX_WORKERS, MAX_POOL);
	if (options->max_write && (options->max_write < 4096 || options->max_write > 1u << 24))
		return error_set(error, -EINVAL, "max_write must be 4096 to 16777216 bytes");
	if (options->server &&
	    (options->server->size != sizeof(struct pst_server) || !options->server->fields ||
	     !options->server->getattr || !options->server->setattr))
		return error_set(error, -EINVAL,
				 "a server needs its size, fields, getattr and setattr");
	/* A listing that the kernel keeps without having asked is to be taken back when it changes. */
	if (options->opendir == PST_OPENDIR_OFF && options->cache != PST_CACHE_EXCLUSIVE &&
	    options->cache != PST_CACHE_AUTO)
		return error_set(error, -EINVAL,
				 "opendir=off takes cache=auto or cache=exclusive: the kernel keeps "
				 "listings");
	if (options->uring_depth > MAX_DEPTH)
		return error_set(error, -EINVAL, "at most %d requests at a time in a queue of io_uring",
				 MAX_DEPTH);
	return 0;
}

/* A quarter of what the process may have: open files and the program need the rest. */
static unsigned int default_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 < 16)
		return 16;
	return limit.rlim_cur / 4 > 4096 ? 4096 : (unsigned int)(limit.rlim_cur / 4);
}

/* Descriptors for open files and directories: what is left of the limit by those for nodes and our own. */
static unsigned int open_budget(unsigned int fd_budget)
{
	struct rlimit limit;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	n = limit.rlim_cur > UINT32_MAX / 2 ? UINT32_MAX / 2 : limit.rlim_cur;
	/* Half of a small limit: threads, sockets and filters need some, how many is not known before. */
	return n > fd_budget + 2 * OWN_FDS ? (unsigned int)n - fd_budget - OWN_FDS :
					     (unsigned int)n / 2;
}

/* A file system that lies on another counts as a level of its own; the kernel allows two levels. */
static uint32_t stack_depth_over(int lower)
{
	const struct fstype *type = fstype_of(lower);

	return type && type->stacked ? 2 : 1;
}

/* -- mounting -------------------------------------------------------------------------------- */

/* What is held on the way to a server. */
struct building {
	int lower;
	int mount_fd;
	struct host *host;
	struct fs *fs;
	struct transport transport;
};

static void building_end(struct building *b)
{
	fs_free(b->fs);
	transport_fini(&b->transport);
	host_free(b->host);
	fd_close(b->mount_fd);
	fd_close(b->lower);
}

/* Whether a filter that was asked for is such a one. What cannot be opened is refused later. */
static bool any_filter(const struct pst_view_options *options,
		       bool (*is)(const struct filter_facts *facts))
{
	for (size_t i = 0; options->filters && options->filters[i]; i++) {
		struct filter_facts facts;
		struct pst_error error;

		if (filter_peek(options->filters[i], &facts, &error) == 0 &&
		    is(&facts))
			return true;
	}
	return false;
}

/* handles=: it does nothing where no handle would ever be taken after the mount has ended. */
static int check_handles(const struct pst_view_options *options, const struct fs *fs,
			 struct pst_error *error)
{
	if (!fs_revives(fs))
		return error_set(error, -EOPNOTSUPP,
				 "handles=%s: file handles of LOWER's file system cannot be opened here, "
				 "or do not fit into those of a view; those of ext4, xfs, tmpfs and btrfs "
				 "do",
				 options->handles);
	if (any_filter(options, chain_goes_by_names))
		return error_set(error, -EOPNOTSUPP,
				 "handles=%s: with a filter that goes by names no file can be found by "
				 "its handle alone: leave out the one or the other",
				 options->handles);
	return 0;
}

static int connect_kernel(struct pst_view *view, const struct pst_view_options *options,
			  struct building *b, struct pst_error *error)
{
	struct transport *transport = &b->transport;
	struct mount_options mount = {
		.source = options->fsname ? options->fsname : view->lower,
		.mount_flags = options->mount_flags,
		.allow_other = options->allow_other,
		.readonly = view->was_readonly && !(options->mount_flags & PST_MOUNT_RDONLY),
	};
	struct init_wants wants = {
		.max_stack_depth = stack_depth_over(b->lower),
		.max_background = MAX_BACKGROUND,
	};
	int r;

	r = transport_open(options, options->n_pool ? options->n_pool : DEFAULT_POOL, transport, error);
	if (r < 0)
		return r;
	mount.max_read = wants.max_write = transport->max_write;
	if (transport->uring)
		wants.also |= FUSE_OVER_IO_URING;

	if (options->locks == PST_LOCKS_LOCAL)
		wants.off |= FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	if (options->xattr == PST_XATTR_OFF)
		wants.off |= FUSE_POSIX_ACL;
	if (options->passthrough == PST_PASSTHROUGH_OFF || (options->mount_flags & PST_MOUNT_SYNC))
		wants.off |= FUSE_PASSTHROUGH;
	if (!options->idmap)
		wants.off |= FUSE_ALLOW_IDMAP;
	if (any_filter(options, filters_vary_links))
		wants.off |= FUSE_CACHE_SYMLINKS;
	mount.dev_fd = transport->chans[0]->fd;
	b->mount_fd = mount_create(&mount, &view->connection, error);
	if (b->mount_fd < 0)
		return b->mount_fd;
	r = transport_join(transport, error);
	if (r == 0)
		r = server_handshake(transport->chans[0], &wants, &view->terms, error);
	if (r == 0)
		r = transport_connected(transport, options, view->terms.features, error);
	if (r == 0 && (view->terms.features & FUSE_PASSTHROUGH) &&
	    !chan_dev_may_register(transport->chans[0]->fd)) {
		view->backings_refused = true;
		view->terms.features &= ~(uint64_t)FUSE_PASSTHROUGH;
	}
	return r;
}

static const char *passthrough_why(const struct pst_view *view,
				   const struct pst_view_options *options)
{
	if (view->terms.features & FUSE_PASSTHROUGH)
		return "";
	if (options->passthrough == PST_PASSTHROUGH_OFF)
		return "passthrough=off was asked for";
	if (options->mount_flags & PST_MOUNT_SYNC)
		return "sync was asked for, and the kernel does not tell the lower file of it";
	if (view->backings_refused)
		return "the kernel registers files for passthrough only with CAP_SYS_ADMIN in the "
		       "initial user namespace";
	return "the kernel has no FUSE passthrough: it takes Linux 6.9 with CONFIG_FUSE_PASSTHROUGH";
}

static int build_fs(struct pst_view *view, const struct pst_view_options *options,
		    struct building *b, struct pst_error *error)
{
	struct fs_config config = {
		.lower = b->lower,
		.passthrough = view->terms.features & FUSE_PASSTHROUGH,
		.passthrough_asked = options->passthrough == PST_PASSTHROUGH_ON,
		.sync = options->mount_flags & PST_MOUNT_SYNC,
		.pseudo = options->pseudo == PST_PSEUDO_SHOW,
		.hide_mounts = options->xdev == PST_XDEV_HIDE,
		.no_opendir = options->opendir == PST_OPENDIR_OFF,
		.cache = options->cache,
		.ttl_ns = options->ttl_ns,
		.locks = options->locks,
		.n_waiting_locks = b->transport.uring ? SUPPLY_FOR_LOCKS : 0,
		.fd_budget = options->fd_budget ? options->fd_budget : default_fds(),
		.open_budget = open_budget(options->fd_budget ? options->fd_budget : default_fds()),
		.server = options->server ? *options->server : (struct pst_server){ 0 },
		.keyed = options->handles,
	};
	struct host_config host = {
		.connection = view->connection,
		.can_expire = view->terms.features & FUSE_HAS_EXPIRE_ONLY,
	};
	int r = 0;

	view->passthrough_why = passthrough_why(view, options);
	if (options->passthrough == PST_PASSTHROUGH_ON && !config.passthrough)
		return error_set(error, -EOPNOTSUPP, "passthrough=on: %s", view->passthrough_why);
	if (options->idmap && !(view->terms.features & FUSE_ALLOW_IDMAP))
		return error_set(error, -EOPNOTSUPP,
				 "idmap: the kernel has no idmapped FUSE mounts: it takes Linux 6.12");
	if (options->handles)
		r = handles_key_read(options->handles, config.key, error);
	if (r < 0)
		return r;
	r = host_new(b->transport.chans[0], &host, &b->host, &config.host);
	if (r < 0)
		return error_set(error, r, "no memory");
	b->lower = -1;
	r = fs_new(&config, &b->fs);
	if (r < 0)
		return error_set(error, r, "cannot set up the view of %s: %s", view->lower,
				 strerror(-r));
	return options->handles ? check_handles(options, b->fs, error) : 0;
}

/* The operations that this view is not to have. */
static uint64_t lacks(const struct pst_view_options *options)
{
	uint64_t ops = 0;

	if (options->xattr == PST_XATTR_OFF)
		ops |= XATTR_OPS;
	if (options->opendir == PST_OPENDIR_OFF)
		ops |= 1ULL << FUSE_OPENDIR;
	return ops;
}

static int build_server(struct pst_view *view, const struct pst_view_options *options,
			struct building *b, struct pst_error *error)
{
	struct server_config config = {
		.fs = b->fs,
		.host = b->host,
		.chans = b->transport.chans,
		.n_chans = b->transport.n_chans,
		.n_pool = options->n_pool ? options->n_pool : DEFAULT_POOL,
		.max_write = view->terms.max_write,
		.features = view->terms.features,
		.sync = options->mount_flags & PST_MOUNT_SYNC,
		.dirsync = options->mount_flags & PST_MOUNT_DIRSYNC,
		.lacks = lacks(options),
		.filters = options->filters,
	};
	int r, begin;

	/* With io_uring the first has nothing to serve, and the others are pairs. */
	view->n_workers = b->transport.uring ? b->transport.n_chans / 2 : b->transport.n_chans;
	r = server_new(&config, &view->server, error);
	b->fs = NULL;
	b->host = NULL;
	b->transport.n_chans = 0;
	if (r < 0)
		return r;
	begin = server_begin_error(view->server);
	if (begin < 0)
		r = transport_fell_back(&b->transport, options, begin, error);
	view->uring = b->transport.uring;
	memcpy(view->transport_why, b->transport.why_text, sizeof(view->transport_why));
	return r;
}

static void lower_is_readonly(void *aux)
{
	lower_flags_look(aux);
}

/* From now on the view is read-only while the file system of LOWER is. */
static int follow_lower(struct pst_view *view, struct pst_error *error)
{
	bool own = view->mount_flags & PST_MOUNT_RDONLY;
	struct lower_flags_config config = {
		.path = view->lower,
		.mountpoint = view->mountpoint,
		.connection = view->connection,
		.was_readonly = view->was_readonly,
		.readonly = view->was_readonly && !own,
		.suspended = own,
	};
	const struct fstype *type;
	int r;

	if (config.readonly)
		log_warning("%s: LOWER is read-only, so the view is, too", view->mountpoint);
	/* Looking would wait for others, and for ever where they have died. */
	type = fstype_of(view->lower_fd);
	if (type && type->remote)
		return 0;
	config.lower = fcntl(view->lower_fd, F_DUPFD_CLOEXEC, 3);
	r = config.lower < 0 ? -errno : lower_flags_start(&config, &view->lower_flags);
	if (r < 0)
		return error_set(error, r, "cannot follow the flags of LOWER's file system: %s",
				 strerror(-r));
	server_on_readonly(view->server, lower_is_readonly, view->lower_flags);
	return 0;
}

/* The flags of the private mount, for later changes of them. */
static int keep_lower(struct pst_view *view, const struct pst_view_options *options, int lower)
{
	struct statvfs st;
	/* The clone of a view that shall be read-only is so already. */
	bool was_readonly = statvfs(view->lower, &st) == 0 && (st.f_flag & ST_RDONLY);

	view->mount_flags = options->mount_flags;
	view->readonly_below = mount_has_readonly_below(view->lower);
	view->lower_fd = fcntl(lower, F_DUPFD_CLOEXEC, 3);
	if (view->lower_fd < 0)
		return -errno;
	view->was_readonly = was_readonly;
	/* From here on the file system is followed; where the flag is locked, it stays read-only. */
	if (was_readonly && !(options->mount_flags & PST_MOUNT_RDONLY))
		mount_clear_readonly(lower);
	return 0;
}

static int build(struct pst_view *view, const struct pst_view_options *options, struct building *b,
		 struct pst_error *error)
{
	int r;

	b->lower = mount_clone_lower(view->lower, options->mount_flags,
				     options->xdev == PST_XDEV_CROSS,
				     options->pseudo == PST_PSEUDO_HIDE ? fstype_is_pseudo : NULL, error);
	if (b->lower < 0)
		return b->lower;
	r = keep_lower(view, options, b->lower);
	if (r < 0)
		return error_set(error, r, "cannot keep LOWER open: %s", strerror(-r));
	r = connect_kernel(view, options, b, error);
	if (r < 0)
		return r;
	r = build_fs(view, options, b, error);
	if (r < 0)
		return r;
	r = build_server(view, options, b, error);
	if (r < 0)
		return r;
	return mount_attach(b->mount_fd, view->mountpoint, error);
}

int pst_view_mount(const struct pst_view_options *given, struct pst_view **ret_view,
		   struct pst_error *error)
{
	_cleanup_(pst_view_freep) struct pst_view *view = calloc(1, sizeof(*view));
	struct pst_view_options copy = { 0 }, *options = &copy;
	struct building b = { .lower = -1, .mount_fd = -1 };
	int r;

	if (!view)
		return error_set(error, -ENOMEM, "no memory");
	view->lower_fd = -1;
	pthread_mutex_init(&view->flags_lock, NULL);
	r = copy_options(given, &copy, error);
	if (r == 0)
		r = check_options(options, error);
	if (r == 0)
		r = check_privilege(error);
	if (r == 0)
		r = view_directory("LOWER", options->lower, &view->lower, error);
	if (r == 0)
		r = view_directory("MOUNTPOINT", options->mountpoint, &view->mountpoint, error);
	if (r == 0)
		r = check_lower(view->lower, options->pseudo, error);
	if (r == 0 && options->xattr == PST_XATTR_OFF)
		r = check_no_acl(view->lower, error);
	if (r == 0 && mount_is_view(view->mountpoint))
		r = view_refuse_second(view->mountpoint, error);
	if (r < 0)
		return r;
	r = build(view, options, &b, error);
	building_end(&b);
	if (r < 0)
		return r;
	view->mounted = true;
	r = follow_lower(view, error);
	if (r < 0)
		return r;
	if (view->backings_refused && options->passthrough == PST_PASSTHROUGH_AUTO)
		log_warning("%s: data is served, not passed through: %s", view->mountpoint,
			    view->passthrough_why);
	log_info("mounted %s at %s, connection %u, by %s, passthrough %s%s", view->lower,
		 view->mountpoint, view->connection, view->uring ? "io_uring" : "/dev/fuse",
		 view->passthrough_why[0] ? "off: " : "on", view->passthrough_why);
	*ret_view = take_ptr(view);
	return 0;
}

/* -- afterwards ------------------------------------------------------------------------------ */

int pst_view_wait(struct pst_view *view)
{
	int r = server_wait(view->server);

	view->mounted = false;
	return r;
}

int pst_view_unmount(struct pst_view *view, int lazy)
{
	return mount_detach(view->connection, view->mountpoint, lazy, lazy);
}

void pst_view_free(struct pst_view *view)
{
	if (!view)
		return;
	if (view->mounted)
		mount_detach(view->connection, view->mountpoint, true, true);
	server_free(view->server);
	lower_flags_stop(view->lower_flags);
	fd_close(view->lower_fd);
	pthread_mutex_destroy(&view->flags_lock);
	free(view->lower);
	free(view->mountpoint);
	free(view);
}

int pst_view_remounted(struct pst_view *view, unsigned int mount_flags, unsigned int changed,
		       struct pst_error *error)
{
	int r = 0;

	error->text[0] = '\0';
	pthread_mutex_lock(&view->flags_lock);
	mount_flags = (view->mount_flags & ~changed) | (mount_flags & changed);
	/* Which of the mounts below were read-only before LOWER's was is not known any more. */
	if (view->readonly_below && (view->mount_flags & PST_MOUNT_RDONLY) &&
	    !(mount_flags & PST_MOUNT_RDONLY))
		r = error_set(error, -EBUSY,
			      "file systems below LOWER are mounted read-only, and would become writable: "
			      "unmount the view and mount it again");
	else
		r = mount_reflag_lower(view->lower_fd, mount_flags);
	/* Files that are open for writing below are the view's own, and it refuses to write to them. */
	if (r == -EBUSY && (mount_flags & PST_MOUNT_RDONLY) && !(view->mount_flags & PST_MOUNT_RDONLY))
		r = mount_reflag_lower(view->lower_fd, mount_flags & ~PST_MOUNT_RDONLY);
	if (r == 0 && view->lower_flags && (changed & ~mount_flags & PST_MOUNT_RDONLY) &&
	    lower_flags_now(view->lower_flags)) {
		mount_reflag_lower(view->lower_fd, view->mount_flags);
		r = error_set(error, -EROFS, "LOWER is read-only, so the view stays read-only");
	}
	if (r < 0 && !error->text[0])
		error_set(error, r, "the flags of the mount below cannot be changed: %s", strerror(-r));
	if (r == 0)
		view->mount_flags = mount_flags;
	if (r == 0 && view->lower_flags)
		lower_flags_suspend(view->lower_flags, mount_flags & PST_MOUNT_RDONLY);
	pthread_mutex_unlock(&view->flags_lock);
	return r;
}

void pst_view_changed(struct pst_view *view, uint64_t nodeid)
{
	server_changed(view->server, nodeid);
}

unsigned int pst_view_connection(const struct pst_view *view)
{
	return view->connection;
}

int pst_view_info(struct pst_view *view, struct pst_view_info *ret_info)
{
	struct fs_stat stat;

	if (ret_info->size != sizeof(*ret_info))
		return -EINVAL;
	server_fs_stat(view->server, &stat);
	*ret_info = (struct pst_view_info){
		.size = sizeof(*ret_info),
		.lower = view->lower,
		.mountpoint = view->mountpoint,
		.transport = view->uring ? "uring" : "dev",
		.transport_why = view->transport_why,
		.passthrough = !view->passthrough_why[0],
		.passthrough_why = view->passthrough_why,
		.kernel_major = view->terms.major,
		.kernel_minor = view->terms.minor,
		.n_workers = view->n_workers,
		.kernel_flags = view->terms.features,
		.n_nodes = stat.nodes.n_nodes,
		.n_handles = stat.n_handles,
		.n_fds = stat.n_fds,
		.n_backings = stat.n_backings,
		.n_registered = stat.n_registered,
		.n_refused = stat.n_refused,
		.node_bytes = stat.nodes.bytes,
		.n_watched = stat.n_watched,
		.n_events = stat.n_events,
		.n_own_events = stat.n_own_events,
		.n_overflows = stat.n_overflows,
	};
	return 0;
}

int pst_view_filter_add(struct pst_view *view, const char *spec, struct pst_error *error)
{
	return filters_add(server_filters(view->server), spec, error);
}

int pst_view_filter_remove(struct pst_view *view, const char *name, struct pst_error *error)
{
	return filters_remove(server_filters(view->server), name, error);
}

int pst_view_filter_replace(struct pst_view *view, const char *name, const char *spec,
			    struct pst_error *error)
{
	return filters_replace(server_filters(view->server), name, spec, error);
}

int pst_view_filters(struct pst_view *view, struct pst_filter *rows, size_t n, size_t *ret_n)
{
	return filters_list(server_filters(view->server), rows, n, ret_n);
}

int pst_view_bypassed(struct pst_view *view, const char *name, struct pst_bypassed *rows, size_t n,
		      size_t *ret_n)
{
	return filters_bypassed(server_filters(view->server), name, rows, n, ret_n);
}

int pst_view_filter_stats(struct pst_view *view, struct pst_filter_stat *rows, size_t n,
			  size_t *ret_n)
{
	return filters_stats(server_filters(view->server), rows, n, ret_n);
}

int pst_filter_check(const char *spec, struct pst_filter_report *ret_report, char *log,
		     size_t log_size, struct pst_error *error)
{
	return filter_check(spec, ret_report, log, log_size, error);
}

int pst_view_trace(struct pst_view *view, int fd, int all, struct pst_error *error)
{
	int r = trace_add(server_trace(view->server), fd, all);

	return r < 0 ? error_set(error, r, "cannot trace: %s", strerror(-r)) : 0;
}

int pst_view_op_stats(struct pst_view *view, struct pst_op_stat *rows, size_t n, size_t *ret_n)
{
	size_t found = 0;

	for (uint32_t opcode = 0; opcode < OP_MAX; opcode++) {
		const struct op *op = op_find(opcode);
		struct pst_op_stat row = { .opcode = opcode };

		if (!op)
			continue;
		server_op_stat(view->server, opcode, &row.n_requests, &row.n_errors);
		if (!row.n_requests)
			continue;
		row.name = op->name;
		if (found < n)
			rows[found] = row;
		found++;
	}
	*ret_n = found;
	return 0;
}
