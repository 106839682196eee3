// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fanotify marks on directories, on files with several names, and on the clone of LOWER's mount.
 *
 * Locking: a thread holds mark_lock while it changes node->watch and the mark; node->watch is read
 * without it. lock guards mounts. The order is lock, then mark_lock: node_of() in watch-events.c
 * may drop the last reference to a node while it holds lock. No function makes a system call on the
 * view under a lock, because it could deadlock.
 */
#include "fs/watch-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>

#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x400
#endif

/* Events that the kernel reports with the mount through which the file was used. */
#define EVENTS_OF_DATA (FAN_MODIFY | FAN_OPEN | FAN_CLOSE | FAN_ACCESS)

static void log_support(const struct fs_config *config, const struct fs_watch_support *support)
{
	if (support->watchable)
		log_info("cache=auto: watching this file system");
	else
		log_at(support->refused ? PST_LOG_WARNING : PST_LOG_INFO,
		       "cache=auto: cannot watch this file system (%s); using a timeout of %llu ms",
		       support->why, (unsigned long long)config->ttl_ns / 1000000);
}

/* Fills *mount. fd is a file on the mount. Caller holds watch->lock. */
static void mount_add(struct watch *watch, struct watched_mount *mount,
		      const struct lower_mount *lower, int fd)
{
	struct fs_watch_support support;
	struct statfs st;

	mount->known = true;
	watch_support(watch->fd, fd, lower->handles, &support);
	log_support(&watch->fs->config, &support);
	if (!support.watchable || fstatfs(fd, &st) < 0)
		return;
	mount->fsid = st.f_fsid;
	/* Without this mark, the view's own writes make events, which is slower but correct. */
	if (fanotify_mark(watch->fd,
			  FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORE |
				  FAN_MARK_IGNORED_SURV_MODIFY,
			  EVENTS_OF_DATA | FAN_ONDIR, lower->fd, ".") < 0)
		log_debug("fanotify cannot ignore the view's own changes, which therefore also "
			  "invalidate caches: %s",
			  strerror(errno));
	mount->watchable = true;
}

static bool mount_watchable(struct watch *watch, const struct node *node, int fd)
{
	struct watched_mount *mount;
	bool watchable;

	if (node->fh.mount >= WATCH_MAX_MOUNTS)
		return false;
	pthread_mutex_lock(&watch->lock);
	mount = &watch->mounts[node->fh.mount];
	if (!mount->known)
		mount_add(watch, mount, lower_mount(watch->fs, node), fd);
	watchable = mount->watchable;
	pthread_mutex_unlock(&watch->lock);
	/* Events need handles, which some files of a file system may lack. */
	return watchable && !(node->flags & NODE_OWN_FD && node != watch->fs->root);
}

void watch_look_at_root(struct watch *watch)
{
	struct node *root = watch->fs->root;

	mount_watchable(watch, root, (int)root->fd_slot);
}

/* Adds a mark on a node, or sets its state to WATCH_NOT. */
static void add_mark(struct fs *fs, struct node *node, int fd)
{
	struct watch *watch = fs->watch;

	if (!mount_watchable(watch, node, fd)) {
		node->watch = WATCH_NOT;
		return;
	}
	pthread_mutex_lock(&watch->mark_lock);
	if (node->watch == WATCH_NONE || node->watch == WATCH_WANTED) {
		node->watch = watch_mark(watch->fd, fd, S_ISDIR(node->type)) < 0 ? WATCH_NOT :
										   WATCH_ON;
		if (node->watch == WATCH_ON)
			watch->n_marks++;
		else
			log_debug("fanotify refuses to watch a file, so the timeout of unwatched "
				  "file systems applies to it: %s",
				  strerror(errno));
	}
	pthread_mutex_unlock(&watch->mark_lock);
}

void watch_before_read(struct fs *fs, struct node *node, int fd)
{
	uint8_t state = atomic_load_explicit(&node->watch, memory_order_acquire);

	/* A change after the mark makes an event. */
	if (fs->watch && (state == WATCH_WANTED || (state == WATCH_NONE && S_ISDIR(node->type))))
		add_mark(fs, node, fd);
}

/*
 * Removes the node's mark. A mark belongs to the lower inode, so it stays if other, another node of
 * the same file (may be NULL), is watched.
 */
static void unmark(struct watch *watch, struct node *node, const struct node *other)
{
	_cleanup_(fd_closep) int fd = -1;

	node->watch = WATCH_NONE;
	watch->n_marks--;
	if (other && other->watch == WATCH_ON)
		return;
	/* The kernel has removed the mark of a file that does not exist any more. */
	fd = lower_open_path(watch->fs, node);
	if (fd >= 0)
		fanotify_mark(watch->fd, FAN_MARK_REMOVE,
			      WATCH_EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD, AT_FDCWD,
			      fd_path(fd).text);
}

void watch_node_gone(struct fs *fs, struct node *node)
{
	struct watch *watch = fs->watch;
	struct node *other, *alias;
	unsigned int mount = 0;
	struct fhandle fh;

	if (!watch || node->watch != WATCH_ON)
		return;
	pthread_mutex_lock(&watch->mark_lock);
	node_fhandle(fs->nodes, node, &fh);
	other = node_lookup_fh(fs->nodes, &fh);
	alias = node_lookup_alias(fs->nodes, node, &mount);
	unmark(watch, node, other && other->watch == WATCH_ON ? other : alias);
	pthread_mutex_unlock(&watch->mark_lock);
	/* After the unlock: putting the last reference calls this function again. */
	node_put(fs->nodes, other);
	node_put(fs->nodes, alias);
}
