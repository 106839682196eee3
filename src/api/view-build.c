// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Builds a view: creates its mount, replies to INIT, starts the file system and the server.
 *
 * Attaches the mount last, so users never see a view that does not work. The view reaches LOWER
 * through a detached clone of LOWER's mount, whose flags it can change and which no process can
 * unmount.
 */
#include "api/handles-key.h"
#include "api/view-paths.h"
#include "api/view.h"
#include "filter/chain.h"
#include "fs/hollow.h"
#include "mount/mount.h"
#include "server/chain-entry.h"
#include "server/fs-callbacks.h"
#include "server/request-pool.h"
#include "transport/select.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/fstype.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#define DEFAULT_POOL   8
#define MAX_BACKGROUND 64
/* With a source, readahead may wait for pieces, and readahead of other files waits behind it. */
#define MAX_BACKGROUND_WAITING 256
#define OWN_FDS                256

/* The operations that xattr=off disables. */
#define XATTR_OPS                                                                                  \
	(1ULL << FUSE_SETXATTR | 1ULL << FUSE_GETXATTR | 1ULL << FUSE_LISTXATTR |                  \
	 1ULL << FUSE_REMOVEXATTR)

/* Returns a quarter of RLIMIT_NOFILE, because open files and the program need the rest. */
static unsigned int default_fds(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 < 16)
		return 16;
	return limit.rlim_cur / 4 > 4096 ? 4096 : (unsigned int)(limit.rlim_cur / 4);
}

/*
 * Returns the number of descriptors for open files and directories: RLIMIT_NOFILE less the
 * descriptors for nodes (fd_budget) and for the daemon itself.
 */
static unsigned int open_budget(unsigned int fd_budget)
{
	struct rlimit limit;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 0;
	n = limit.rlim_cur > UINT32_MAX / 2 ? UINT32_MAX / 2 : limit.rlim_cur;
	/* Half of a small limit: threads, sockets and filters need an unknown number. */
	return n > fd_budget + 2 * OWN_FDS ? (unsigned int)n - fd_budget - OWN_FDS :
					     (unsigned int)n / 2;
}

/*
 * Returns the stack depth for INIT: a lower file system that lies on another one is one more level.
 * The kernel allows two.
 */
static uint32_t stack_depth_over(int lower)
{
	const struct fstype *type = fstype_of(lower);

	return type && type->stacked ? 2 : 1;
}

/*
 * The parts of a view that exist before its server. build_server() passes fs, callbacks and the
 * channels to the server; building_end() frees all others.
 */
struct building {
	int lower;
	int mount_fd;
	struct fs_callbacks *callbacks;
	struct fs *fs;
	struct source *source;
	struct transport transport;
};

static void building_end(struct building *b)
{
	source_free(b->source);
	fs_free(b->fs);
	transport_fini(&b->transport);
	fs_callbacks_free(b->callbacks);
	fd_close(b->mount_fd);
	fd_close(b->lower);
}

/*
 * Returns true if is() returns true for one of the filters. Ignores a filter that cannot be opened,
 * because server_new() refuses it later with a better message.
 */
static bool any_filter(const struct pst_view_options *options,
		       bool (*is)(const struct filter_facts *facts))
{
	for (size_t i = 0; options->filters && options->filters[i]; i++) {
		struct filter_facts facts;
		struct pst_error error;

		if (filter_peek(options->filters[i], &facts, &error) == 0 && is(&facts))
			return true;
	}
	return false;
}

/* Refuses handles= if no file handle would be valid after the mount has ended. */
static int check_handles(const struct pst_view_options *options, const struct fs *fs,
			 struct pst_error *error)
{
	if (!fs_revives(fs))
		return error_set(error, -EOPNOTSUPP,
				 "handles=%s: the kernel cannot open files of LOWER by file "
				 "handles, or its handles do not fit into those of a view; use "
				 "LOWER on ext4, xfs, tmpfs or btrfs, or leave handles= out",
				 options->handles);
	if (any_filter(options, chain_goes_by_names))
		return error_set(error, -EOPNOTSUPP,
				 "handles=%s: the view also has a filter that decides by names, "
				 "which a file handle does not contain; leave out handles= or "
				 "the filter",
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
	struct init_request request = {
		.max_stack_depth = stack_depth_over(b->lower),
		.max_background = options->source ? MAX_BACKGROUND_WAITING : MAX_BACKGROUND,
	};
	int r;

	r = transport_open(options, options->n_pool ? options->n_pool : DEFAULT_POOL, transport,
			   error);
	if (r < 0)
		return r;
	mount.max_read = request.max_write = transport->max_write;
	if (transport->uring)
		request.extra |= FUSE_OVER_IO_URING;

	if (options->locks == PST_LOCKS_LOCAL)
		request.disabled |= FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	if (options->xattr == PST_XATTR_OFF)
		request.disabled |= FUSE_POSIX_ACL;
	if (options->passthrough == PST_PASSTHROUGH_OFF || (options->mount_flags & PST_MOUNT_SYNC))
		request.disabled |= FUSE_PASSTHROUGH;
	if (!options->idmap)
		request.disabled |= FUSE_ALLOW_IDMAP;
	if (any_filter(options, chain_entry_varies_symlinks))
		request.disabled |= FUSE_CACHE_SYMLINKS;
	mount.dev_fd = transport->chans[0]->fd;
	if (view->by_helper)
		r = mount_by_helper(&mount, view->mountpoint, &view->connection, error);
	else
		r = b->mount_fd = mount_create(&mount, &view->connection, error);
	if (r < 0)
		return r;
	r = transport_join(transport, error);
	if (r == 0)
		r = server_answer_init(transport->chans[0], &request, &view->negotiated, error);
	if (r == 0)
		r = transport_connected(transport, options, view->negotiated.features, error);
	if (r == 0 && (view->negotiated.features & FUSE_PASSTHROUGH) &&
	    !chan_dev_may_register(transport->chans[0]->fd)) {
		view->backings_refused = true;
		view->negotiated.features &= ~(uint64_t)FUSE_PASSTHROUGH;
	}
	return r;
}

static const char *passthrough_why(const struct pst_view *view,
				   const struct pst_view_options *options)
{
	if (view->negotiated.features & FUSE_PASSTHROUGH)
		return "";
	if (options->passthrough == PST_PASSTHROUGH_OFF)
		return "passthrough=off is set";
	if (options->mount_flags & PST_MOUNT_SYNC)
		return "sync is set, and the kernel would not apply it to the lower file";
	if (view->backings_refused)
		return "the kernel registers files for passthrough only with CAP_SYS_ADMIN in the "
		       "initial user namespace";
	return "the kernel has no FUSE passthrough, which needs Linux 6.9 with "
	       "CONFIG_FUSE_PASSTHROUGH";
}

static int build_fs(struct pst_view *view, const struct pst_view_options *options,
		    struct building *b, struct pst_error *error)
{
	unsigned int fd_budget = options->fd_budget ? options->fd_budget : default_fds();
	struct fs_config config = {
		.lower = b->lower,
		.passthrough = view->negotiated.features & FUSE_PASSTHROUGH,
		.passthrough_asked = options->passthrough == PST_PASSTHROUGH_ON,
		.sync = options->mount_flags & PST_MOUNT_SYNC,
		.pseudo = options->pseudo == PST_PSEUDO_SHOW,
		.hide_mounts = options->xdev == PST_XDEV_HIDE,
		.no_opendir = options->opendir == PST_OPENDIR_OFF,
		.cache = options->cache,
		.ttl_ns = options->ttl_ns,
		.locks = options->locks,
		.n_waiting_locks = b->transport.uring ? REQUEST_POOL_FOR_LOCKS : 0,
		.fd_budget = fd_budget,
		.open_budget = open_budget(fd_budget),
		.server = options->server ? *options->server : (struct pst_server){ 0 },
		.keyed = options->handles,
		.instance = options->source ? fs_instance(view->lower) : 0,
		.piece = options->source && options->source->piece ? options->source->piece :
								     SOURCE_PIECE,
		.node_ops = options->node_ops ? *options->node_ops : (struct pst_node_ops){ 0 },
	};
	int r = 0;

	view->passthrough_why = passthrough_why(view, options);
	if (options->passthrough == PST_PASSTHROUGH_ON && !config.passthrough)
		return error_set(error, -EOPNOTSUPP, "passthrough=on: %s", view->passthrough_why);
	if (options->idmap && !(view->negotiated.features & FUSE_ALLOW_IDMAP))
		return error_set(error, -EOPNOTSUPP,
				 "idmap: the kernel has no idmapped FUSE mounts, which need "
				 "Linux 6.12");
	if (options->handles)
		r = handles_key_read(options->handles, config.key, error);
	if (r == 0 && options->source)
		r = source_new(options->source, b->lower, view->connection, &b->source, error);
	if (r < 0)
		return r;
	r = fs_callbacks_new(b->transport.chans[0], view->connection,
			     view->negotiated.features & FUSE_HAS_EXPIRE_ONLY, &b->callbacks,
			     &config.host);
	if (r < 0)
		return error_set(error, r, "out of memory");
	b->lower = -1;
	r = fs_new(&config, &b->fs);
	if (r < 0)
		return error_set(error, r, "cannot set up the file system of the view of %s: %s",
				 view->lower, strerror(-r));
	if (b->source)
		source_begin(b->source, b->fs);
	return options->handles ? check_handles(options, b->fs, error) : 0;
}

/* Returns the operations that this view lacks. */
static uint64_t disabled_ops(const struct pst_view_options *options)
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
		.source = b->source,
		.fs_callbacks = b->callbacks,
		.chans = b->transport.chans,
		.n_chans = b->transport.n_chans,
		.n_pool = options->n_pool ? options->n_pool : DEFAULT_POOL,
		.max_write = view->negotiated.max_write,
		.features = view->negotiated.features,
		.sync = options->mount_flags & PST_MOUNT_SYNC,
		.dirsync = options->mount_flags & PST_MOUNT_DIRSYNC,
		.disabled_ops = disabled_ops(options),
		.filters = options->filters,
		.run_filters = options->run_filters,
		.node_ops = options->node_ops,
	};
	int r, begin;

	/*
	 * With io_uring the first channel serves no operations, and each worker has two of the
	 * others.
	 */
	view->n_workers = b->transport.uring ? b->transport.n_chans / 2 : b->transport.n_chans;
	r = server_new(&config, &view->server, error);
	b->fs = NULL;
	b->source = NULL;
	b->callbacks = NULL;
	b->transport.n_chans = 0;
	if (r < 0)
		return r;
	begin = server_begin_error(view->server);
	if (begin < 0)
		r = transport_fell_back(&b->transport, options, begin, error);
	view->uring = b->transport.uring;
	memcpy(view->transport_why, b->transport.why, sizeof(view->transport_why));
	return r;
}

static int build_all(struct pst_view *view, const struct pst_view_options *options,
		     struct building *b, struct pst_error *error)
{
	/* The source fills LOWER for a read-only view, too; clients cannot write to the view. */
	unsigned int flags = options->mount_flags & ~(options->source ? PST_MOUNT_RDONLY : 0u);
	int r;

	view->fills = options->source;
	if (view->by_helper)
		b->lower = open(view->lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
	else
		b->lower = mount_clone_lower(
			view->lower, flags, options->xdev == PST_XDEV_CROSS,
			options->pseudo == PST_PSEUDO_HIDE ? fstype_is_pseudo : NULL, error);
	if (b->lower < 0)
		return view->by_helper ? view_unreachable("LOWER", view->lower, errno, error) :
					 b->lower;
	r = view_keep_lower(view, options, b->lower);
	if (r < 0)
		return error_set(error, r, "cannot keep a descriptor of LOWER: %s", strerror(-r));
	r = connect_kernel(view, options, b, error);
	if (r < 0)
		return r;
	r = build_fs(view, options, b, error);
	if (r < 0)
		return r;
	r = build_server(view, options, b, error);
	if (r < 0)
		return r;
	if (view->by_helper)
		return 0;
	if (!options->detached)
		return mount_attach(b->mount_fd, view->mountpoint, error);
	view->mount_fd = take_fd(&b->mount_fd);
	return 0;
}

int view_build(struct pst_view *view, const struct pst_view_options *options,
	       struct pst_error *error)
{
	struct building b = { .lower = -1, .mount_fd = -1 };
	int r = build_all(view, options, &b, error);

	/* fusermount3 attaches the mount first. */
	if (r < 0 && view->by_helper && view->connection)
		mount_detach(view->connection, view->mountpoint, true, true);
	building_end(&b);
	return r;
}
