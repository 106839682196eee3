// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The file system as a whole: makes and frees it, and finds its nodes and handles by number. No
 * locks of its own.
 */
#include "fs/fs.h"
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>

DEFINE_CLEANUP(struct fs *, fs_free);

static void node_gone(void *aux, struct node *node)
{
	struct fs *fs = aux;

	if (node_filters(node) & atomic_load_explicit(&fs->filters.forget, memory_order_relaxed))
		fs->config.host.forgotten(fs->config.host.aux, node);
	keyed_gone(fs, node);
	passthrough_node_gone(fs, node);
	watch_node_gone(fs, node);
	fdcache_drop(fs->fds, node);
}

static void handle_gone(void *aux, struct handle *handle)
{
	struct fs *fs = aux;

	dir_stream_free(aux, handle);
	if (handle->fd < 0)
		return;
	handle->fd = fd_close(handle->fd);
	fair_share_put(&fs->open_fds, handle->uid);
}

/* Makes the root's node, and mount 0, from the descriptor of LOWER (borrowed). */
static int root_new(struct fs *fs, int lower_fd)
{
	_cleanup_(fd_closep) int own = -1;
	struct fhandle fh;
	struct statx stx;
	int r;

	r = lower_stat(lower_fd, &stx);
	if (r < 0)
		return r;
	/* The first device is LOWER's. */
	ino_mix(fs, &stx);
	r = lookup_key(fs, lower_fd, &stx, &fh);
	if (r < 0)
		return r;
	/*
	 * Even with a file handle the root has its own descriptor, because most requests need it.
	 */
	own = fcntl(lower_fd, F_DUPFD_CLOEXEC, 3);
	if (own < 0)
		return -errno;
	r = nodetab_set_root(fs->nodes, &fh, stx.stx_ino, own, &fs->root);
	if (r == 0)
		take_fd(&own);
	return r;
}

int fs_new(const struct fs_config *config, struct fs **ret_fs)
{
	_cleanup_(fd_closep) int lower = config->lower;
	_cleanup_(fs_freep) struct fs *fs = calloc(1, sizeof(*fs));
	struct fdcache_host fd_host = { config->host.aux, config->host.want_tick };
	int r;

	if (!fs)
		return -ENOMEM;
	fs->config = *config;
	fs->config.lower = -1;
	if (config->cache == PST_CACHE_NONE)
		fs->config.ttl_ns = 0;
	if (config->cache == PST_CACHE_EXCLUSIVE)
		fs->config.ttl_ns = ATTR_LONG_NS;
	pthread_mutex_init(&fs->cursors.lock, NULL);
	pthread_mutex_init(&fs->pieces_lock, NULL);
	fs->open_fds.n = config->open_budget;
	r = nodetab_new(config->keyed ? config->key : NULL, &fs->nodes);
	if (r == 0)
		r = fdcache_new(config->fd_budget, fs->nodes, &fd_host, &fs->fds);
	if (r == 0)
		r = handletab_new(&fs->handles);
	if (r == 0)
		r = passthrough_new(fs, &fs->passthrough);
	if (r == 0)
		r = locks_new(fs, &fs->locks);
	if (r == 0)
		r = keyed_init(fs);
	if (r < 0)
		return r;
	nodetab_on_free(fs->nodes, node_gone, fs);
	handletab_on_free(fs->handles, fs->nodes, handle_gone, fs);
	r = root_new(fs, lower);
	if (r < 0)
		return r;
	if (config->cache == PST_CACHE_AUTO)
		r = watch_new(fs, &fs->watch);
	if (r < 0)
		return r;
	*ret_fs = take_ptr(fs);
	return 0;
}

struct fs *fs_free(struct fs *fs)
{
	if (!fs)
		return NULL;
	watch_stop(fs->watch);
	fs->locks = locks_free(fs->locks);
	/* The second tick closes all cursors. */
	while (cursors_tick(fs))
		;
	fs->handles = handletab_free(fs->handles);
	fs->nodes = nodetab_free(fs->nodes);
	fs->fds = fdcache_free(fs->fds);
	fs->passthrough = passthrough_free(fs->passthrough);
	fs->watch = watch_free(fs->watch);
	keyed_fini(fs);
	pthread_mutex_destroy(&fs->cursors.lock);
	pthread_mutex_destroy(&fs->pieces_lock);
	free(fs);
	return NULL;
}

void fs_stat(struct fs *fs, struct fs_stat *ret_stat)
{
	*ret_stat = (struct fs_stat){
		.nodes = nodetab_stat(fs->nodes),
		.n_handles = handletab_count(fs->handles),
		.n_fds = fdcache_count(fs->fds),
	};
	passthrough_stat(fs, ret_stat);
	watch_stat(fs->watch, ret_stat);
}

int fs_start(struct fs *fs)
{
	return watch_start(fs->watch);
}

bool fs_tick(struct fs *fs)
{
	bool left = passthrough_reap(fs);

	left |= fdcache_reap(fs->fds);
	left |= locks_tick(fs->locks);
	left |= cursors_tick(fs);
	return left;
}

void fs_shutdown(struct fs *fs)
{
	watch_stop(fs->watch);
	locks_shutdown(fs->locks);
}

struct node *fs_node(struct fs *fs, uint64_t nodeid)
{
	return node_lookup_id(fs->nodes, nodeid);
}

struct handle *fs_handle(struct fs *fs, uint64_t fh, const struct node *node)
{
	struct handle *handle = handle_lookup(fs->handles, fh);

	/* A closed handle still exists while requests hold it. */
	if (handle && ((node && handle->node != node) || handle->closed))
		return handle_put(fs->handles, handle);
	return handle;
}

void fs_set_filters(struct fs *fs, const struct fs_filters *filters)
{
	fs->filters.by_caller = filters->by_caller;
	fs->filters.by_name = filters->by_name;
	fs->filters.data = filters->data;
	fs->filters.cacheable = filters->cacheable;
	fs->filters.forget = filters->forget;
}

uint32_t fs_node_number(struct fs *fs, const struct node *node)
{
	return node_number(fs->nodes, node);
}

void fs_walk(struct fs *fs, node_walk_fn fn, void *aux)
{
	nodetab_walk(fs->nodes, fn, aux);
}

uint64_t fs_find_file(struct fs *fs, bool (*fn)(void *aux, uint64_t nodeid), void *aux)
{
	return nodetab_find_file(fs->nodes, fn, aux);
}

void fs_pin(struct fs *fs, struct node *node, struct fdref *ret_pin)
{
	*ret_pin = FDREF_NONE;
	fdref_get(fs->fds, node, ret_pin);
}

int fs_pin_stat(struct fs *fs, struct node *node, const struct fdref *pin, struct statx *ret_stx)
{
	return pin->fd < 0 ? -ESTALE : authority_stat(fs, node, pin->fd, ret_stx);
}

int fs_node_stat(struct fs *fs, struct node *node, struct statx *ret_stx)
{
	_cleanup_(fdref_putp) struct fdref ref = FDREF_NONE;
	int r = fdref_get(fs->fds, node, &ref);

	return r < 0 ? r : authority_stat(fs, node, ref.fd, ret_stx);
}

void fs_node_put(struct fs *fs, struct node *node)
{
	node_put(fs->nodes, node);
}

void fs_handle_put(struct fs *fs, struct handle *handle)
{
	handle_put(fs->handles, handle);
}

void fs_forget(struct fs *fs, uint64_t nodeid, uint64_t n)
{
	struct node *node = node_lookup_id(fs->nodes, nodeid);

	if (!node)
		return;
	node_forget(fs->nodes, node, n);
	node_put(fs->nodes, node);
}

uint32_t fs_generation(struct fs *fs, const struct node *node)
{
	return node_generation(fs->nodes, node);
}
