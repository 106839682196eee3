// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads fanotify events and invalidates the attributes and names that each event is about.
 *
 * All functions run in the thread of watch.c, and only this thread uses again, taken and buf of
 * struct watch. They take watch->lock to look up the mount of a handle. They hold no lock while
 * they invalidate, because that may drop the last reference to a node, which takes mark_lock.
 */
#include "fs/watch-private.h"
#include "node/handle.h"
#include "util/clock.h"
#include "util/log.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

_Atomic unsigned int watch_n_views;

/* Returns a strong reference to the node of a handle in an event, or NULL if there is none. */
static struct node *node_of(struct watch *watch, const struct fanotify_event_info_fid *info)
{
	const struct file_handle *handle = (const struct file_handle *)info->handle;
	struct fhandle fh = { 0 };
	struct node *node = NULL;

	if (!handle->handle_bytes || handle->handle_bytes > FHANDLE_MAX ||
	    handle->handle_type < 0 || handle->handle_type > 0xff)
		return NULL;
	fh.len = (uint8_t)handle->handle_bytes;
	fh.type = (uint8_t)handle->handle_type;
	memcpy(fh.bytes, handle->f_handle, fh.len);
	pthread_mutex_lock(&watch->lock);
	for (unsigned int i = 0; i < WATCH_MAX_MOUNTS && !node; i++) {
		const struct watched_mount *mount = &watch->mounts[i];

		if (!mount->watchable ||
		    memcmp(&mount->fsid, &info->fsid, sizeof(mount->fsid)) != 0)
			continue;
		fh.mount = (uint16_t)i;
		node = node_lookup_fh(watch->fs->nodes, &fh);
	}
	pthread_mutex_unlock(&watch->lock);
	return node;
}

/*
 * Schedules a second invalidation of a node. If the ring is full, changes its last entry to nodeid
 * 0, which invalidates everything.
 */
static void schedule(struct watch *watch, uint64_t nodeid, bool data)
{
	unsigned int last;

	if (watch->n_again < WATCH_N_AGAIN)
		watch->n_again++;
	else
		nodeid = 0;
	last = (watch->again_at + watch->n_again - 1) % WATCH_N_AGAIN;
	watch->again[last] = (struct watch_again){ nodeid, clock_ms() + SHADOW_IN_FLIGHT_MS, data };
}

/* Invalidates a node, and a second time if a reply with its attributes is in flight. */
static void invalidate(struct watch *watch, struct node *node, bool data)
{
	fs_invalidate_node(watch->fs, node, data);
	if (shadow_in_flight(node))
		schedule(watch, node->id, data);
}

int watch_invalidate_due(struct watch *watch)
{
	while (watch->n_again) {
		const struct watch_again *again = &watch->again[watch->again_at];
		int32_t left = (int32_t)(again->due_ms - clock_ms());
		struct node *node;

		if (left > 0)
			return left;
		node = node_lookup_id(watch->fs->nodes, again->nodeid);
		if (!again->nodeid)
			invalidate_all(watch->fs);
		else if (node)
			fs_invalidate_node(watch->fs, node, again->data);
		node_put(watch->fs->nodes, node);
		watch->again_at = (watch->again_at + 1) % WATCH_N_AGAIN;
		watch->n_again--;
	}
	return -1;
}

/* The files of an event. */
struct subject {
	struct node *dir; /* counted; the directory in which a name has changed */
	const char *name;
	struct node *node; /* counted; the file itself */
};

static void read_subject(struct watch *watch, const struct fanotify_event_metadata *event,
			 const char *at, struct subject *ret_subject)
{
	const char *end = at + event->event_len - event->metadata_len;
	struct subject subject = { 0 };

	while (end - at >= (ptrdiff_t)sizeof(struct fanotify_event_info_header)) {
		const struct fanotify_event_info_fid *info =
			(const struct fanotify_event_info_fid *)at;
		const struct file_handle *handle = (const struct file_handle *)info->handle;

		if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_DFID_NAME && !subject.dir) {
			subject.dir = node_of(watch, info);
			subject.name = (const char *)handle->f_handle + handle->handle_bytes;
		} else if (info->hdr.info_type == FAN_EVENT_INFO_TYPE_FID && !subject.node) {
			subject.node = node_of(watch, info);
		}
		if (!info->hdr.len)
			break;
		at += info->hdr.len;
	}
	/* Events of a directory itself have the name ".". */
	if (!subject.node && subject.dir && strcmp(subject.name, ".") == 0) {
		subject.node = subject.dir;
		subject.dir = NULL;
	}
	*ret_subject = subject;
}

#define NAME_EVENTS (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)

/*
 * Updates node->parent after the kernel has merged "moved from" and "moved to" of one name into one
 * event. The event does not tell which came last, so this function finds the directory of the file
 * by its lower path.
 */
static void find_place(struct watch *watch, struct node *node)
{
	char path[PATH_MAX], *name;
	struct node *dir = NULL;

	fs_node_path(watch->fs, node, path, sizeof(path));
	name = strrchr(path, '/');
	if (path[0] == '/') {
		*name = '\0';
		if (fs_walk_path(watch->fs, path[0] ? path + 1 : "", &dir) < 0)
			dir = NULL;
	}
	invalidate_moved(watch->fs, node, dir);
	node_put(watch->fs->nodes, dir);
}

/*
 * Updates node->parent, also for renames by the view itself: the new directory may not be watched.
 */
static void follow(struct watch *watch, uint64_t mask, const struct subject *subject)
{
	if (!subject->node)
		return;
	if ((mask & FAN_MOVED_FROM) && (mask & FAN_MOVED_TO))
		find_place(watch, subject->node);
	else if (mask & FAN_MOVED_FROM)
		invalidate_moved(watch->fs, subject->node, NULL);
	else if (mask & FAN_MOVED_TO)
		invalidate_moved(watch->fs, subject->node, subject->dir);
}

/*
 * Records a directory in which a rename may have replaced a name. The file that had the name has
 * lost a link, but no event names that file. It may be any open file that was found in this
 * directory, so taken_invalidate() invalidates all of them. Files that are not open need nothing:
 * a lookup of the name finds the new file.
 */
static void taken_add(struct watch *watch, const struct node *dir)
{
	for (unsigned int i = 0; i < watch->n_taken; i++)
		if (i == WATCH_N_TAKEN || watch->taken[i] == dir->id)
			return;
	if (watch->n_taken < WATCH_N_TAKEN)
		watch->taken[watch->n_taken] = dir->id;
	watch->n_taken++;
}

/* Invalidates an open file if it was found in a directory that taken_add() has recorded. */
static void taken_invalidate(void *aux, struct handle *handle)
{
	struct watch *watch = aux;
	bool is = watch->n_taken > WATCH_N_TAKEN;

	for (unsigned int i = 0; i < watch->n_taken && !is; i++)
		is = handle->node->parent == watch->taken[i];
	if (is)
		invalidate(watch, handle->node, false);
}

/*
 * Invalidates the name of an event. The name of a directory is expired, not unhashed, because a
 * process may have mounted something inside that directory, by this name or by its new one.
 */
static void handle_names(struct watch *watch, uint64_t mask, const struct subject *subject,
			 bool own)
{
	struct fs *fs = watch->fs;
	const struct fs_host *host = &fs->config.host;
	bool gone = (mask & FAN_DELETE) && !own;
	bool expire = own || (mask & FAN_ONDIR) || !(mask & (FAN_MOVED_FROM | FAN_MOVED_TO));

	if (!subject->dir || !subject->name)
		return;
	/*
	 * Not for regular files: a descriptor would keep the lower file system from freeing their
	 * space, although another process has deleted the file.
	 */
	if ((mask & FAN_DELETE) && subject->node && !S_ISREG(subject->node->type))
		unnamed_keep(fs, subject->node);
	if ((mask & FAN_MOVED_FROM) && (mask & FAN_ONDIR) && subject->node)
		host->moved_away(host->aux, subject->dir->id, subject->name, subject->node->id);
	invalidate_name(fs, subject->dir, subject->name, gone ? subject->node : NULL, expire);
	invalidate(watch, subject->dir, true);
}

/* Handles an event; info points to the information records that follow it. */
static void handle_event(struct watch *watch, const struct fanotify_event_metadata *event,
			 const char *info)
{
	uint64_t mask = event->mask;
	bool own = event->pid == watch->pid;
	struct subject subject;

	watch->n_events++;
	if (mask & FAN_Q_OVERFLOW) {
		watch->n_overflows++;
		log_warning("fanotify queue overflow: changes of LOWER were lost, so the view "
			    "invalidates all cached attributes and names");
		invalidate_all(watch->fs);
		schedule(watch, 0, false);
		return;
	}
	/*
	 * An open of a directory changes nothing. A close does: a process may have listed the
	 * directory before, which changes the atime.
	 */
	if ((mask & FAN_ONDIR) && !(mask & ~(FAN_ONDIR | FAN_OPEN)))
		return;
	if (own && watch_n_views == 1) {
		watch->n_own++;
		if (!(mask & (FAN_MOVED_FROM | FAN_MOVED_TO)))
			return;
		/*
		 * The reply has changed the kernel's dentries already. INVAL_ENTRY would unhash one
		 * between two steps of a kernel user of the view, and overlayfs fails with EIO
		 * then.
		 */
		read_subject(watch, event, info, &subject);
		follow(watch, mask, &subject);
	} else {
		read_subject(watch, event, info, &subject);
		follow(watch, mask, &subject);
		if (mask & NAME_EVENTS)
			handle_names(watch, mask, &subject, own);
		if ((mask & FAN_MOVED_TO) && subject.dir)
			taken_add(watch, subject.dir);
		if (subject.node && (mask & (FAN_OPEN | FAN_MODIFY)))
			attr_mark_maybe_mapped(subject.node);
		/* A change of names also changes the link count and the times of the file. */
		if (subject.node)
			invalidate(watch, subject.node, mask & FAN_MODIFY);
	}
	node_put(watch->fs->nodes, subject.dir);
	node_put(watch->fs->nodes, subject.node);
}

/* Handles one buffer only, because a thread with SCHED_FIFO must not keep the CPU for long. */
void watch_read(struct watch *watch)
{
	ssize_t n = read(watch->fd, watch->buf, sizeof(watch->buf));
	struct fanotify_event_metadata event;

	/* Copies each event, because events are aligned to 4 bytes only. */
	for (const char *at = watch->buf; n >= (ssize_t)sizeof(event);
	     at += event.event_len, n -= event.event_len) {
		memcpy(&event, at, sizeof(event));
		if (event.event_len < event.metadata_len || event.event_len > n)
			break;
		handle_event(watch, &event, at + event.metadata_len);
	}
	if (watch->n_taken)
		handletab_each(watch->fs->handles, taken_invalidate, watch);
	watch->n_taken = 0;
}
