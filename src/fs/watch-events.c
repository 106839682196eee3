// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads fanotify events and invalidates the attributes and names that each event is about.
 *
 * All of this runs in the one thread of watch.c, which owns again and buf of struct watch. This
 * file takes lock to look up the mount of a handle, and holds no lock while it invalidates, because
 * that may drop the last reference of a node, which takes mark_lock.
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

/* The node of a handle in an event; NULL: the view knows no such file. Strong. */
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

/* If it is due already, that may come too early for the newest replies: so once more after it. */
static void all_again(struct watch *watch)
{
	if (!watch->all_again)
		watch->all_due_ms = clock_ms() + SHADOW_IN_FLIGHT_MS;
	if (watch->all_again < 2)
		watch->all_again++;
}

static void pass_on(struct watch *watch, struct node *node, bool data)
{
	unsigned int at;

	invalidate_node(watch->fs, node, data);
	if (!shadow_in_flight(node))
		return;
	if (watch->n_again == WATCH_N_AGAIN) {
		all_again(watch);
		return;
	}
	at = (watch->again_at + watch->n_again++) % WATCH_N_AGAIN;
	watch->again[at] = (struct watch_again){ node->id, clock_ms() + SHADOW_IN_FLIGHT_MS, data };
}

static int pass_on_all_again(struct watch *watch)
{
	int32_t left = (int32_t)(watch->all_due_ms - clock_ms());

	if (!watch->all_again)
		return -1;
	if (left > 0)
		return left;
	invalidate_all(watch->fs);
	watch->all_due_ms = clock_ms() + SHADOW_IN_FLIGHT_MS;
	return --watch->all_again ? SHADOW_IN_FLIGHT_MS : -1;
}

int watch_pass_on_again(struct watch *watch)
{
	int all_left = pass_on_all_again(watch);

	while (watch->n_again) {
		const struct watch_again *again = &watch->again[watch->again_at];
		int32_t left = (int32_t)(again->due_ms - clock_ms());
		struct node *node;

		if (left > 0)
			return all_left >= 0 && all_left < left ? all_left : left;
		node = node_lookup_id(watch->fs->nodes, again->nodeid);
		if (node) {
			invalidate_node(watch->fs, node, again->data);
			node_put(watch->fs->nodes, node);
		}
		watch->again_at = (watch->again_at + 1) % WATCH_N_AGAIN;
		watch->n_again--;
	}
	return all_left;
}

/* The files that an event is about. */
struct subject {
	struct node *dir; /* counted; where a name changed */
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
	/* An event of a directory itself has the name ".". */
	if (!subject.node && subject.dir && strcmp(subject.name, ".") == 0) {
		subject.node = subject.dir;
		subject.dir = NULL;
	}
	*ret_subject = subject;
}

#define NAME_EVENTS (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)

/*
 * Updates node->parent after the kernel merged "moved from" and "moved to" of one name into one
 * event: the order of the two is lost, so this function asks the lower file system where the file
 * is now.
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
 * The file that had the name before has lost it. Nothing tells which one it was: it may be any that
 * is open, and was found in this directory; whoever comes by its name is told of another file
 * anyway.
 */
static void note_taken(struct watch *watch, const struct node *dir)
{
	for (unsigned int i = 0; i < watch->n_taken; i++)
		if (i == WATCH_N_TAKEN || watch->taken[i] == dir->id)
			return;
	if (watch->n_taken < WATCH_N_TAKEN)
		watch->taken[watch->n_taken] = dir->id;
	/* More than WATCH_N_TAKEN: too many, which stands for any directory. */
	watch->n_taken++;
}

static void pass_on_taken(void *aux, struct handle *handle)
{
	struct watch *watch = aux;
	bool is = watch->n_taken > WATCH_N_TAKEN;

	for (unsigned int i = 0; i < watch->n_taken && !is; i++)
		is = handle->node->parent == watch->taken[i];
	if (is)
		pass_on(watch, handle->node, false);
}

static void handle_taken(struct watch *watch)
{
	if (watch->n_taken)
		handletab_each(watch->fs->handles, pass_on_taken, watch);
	watch->n_taken = 0;
}

/*
 * A name that a directory has or had is expired and not unhashed: somebody may have mounted
 * something inside that directory, by this name or already by its new one.
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
	if ((mask & FAN_DELETE) && subject->node)
		unnamed_below(fs, subject->node);
	if ((mask & FAN_MOVED_FROM) && (mask & FAN_ONDIR) && subject->node)
		host->moved_away(host->aux, subject->dir->id, subject->name, subject->node->id);
	invalidate_name(fs, subject->dir, subject->name, gone ? subject->node : NULL, expire);
	pass_on(watch, subject->dir, true);
}

/* info: what follows the event. */
static void handle_event(struct watch *watch, const struct fanotify_event_metadata *event,
			 const char *info)
{
	uint64_t mask = event->mask;
	bool own = event->pid == watch->pid;
	struct subject subject;

	watch->n_events++;
	if (mask & FAN_Q_OVERFLOW) {
		watch->n_overflows++;
		log_warning(
			"fanotify queue overflow: invalidating all cached attributes and names");
		invalidate_all(watch->fs);
		all_again(watch);
		return;
	}
	/* Opening a directory changes nothing; who closes it may have listed it. */
	if ((mask & FAN_ONDIR) && !(mask & ~(FAN_ONDIR | FAN_OPEN)))
		return;
	if (own && watch_n_views == 1) {
		watch->n_own++;
		if (!(mask & (FAN_MOVED_FROM | FAN_MOVED_TO)))
			return;
		/*
		 * The kernel has changed its dentries by the reply already. INVAL_ENTRY would
		 * unhash one between two steps of a kernel user of the view: overlayfs answers EIO
		 * to that.
		 */
		read_subject(watch, event, info, &subject);
		follow(watch, mask, &subject);
	} else {
		read_subject(watch, event, info, &subject);
		follow(watch, mask, &subject);
		if (mask & NAME_EVENTS)
			handle_names(watch, mask, &subject, own);
		if ((mask & FAN_MOVED_TO) && subject.dir)
			note_taken(watch, subject.dir);
		if (subject.node && (mask & (FAN_OPEN | FAN_MODIFY)))
			attr_mark_maybe_mapped(subject.node);
		/* Also of a change of names: it is one of the file's number of links, and times. */
		if (subject.node)
			pass_on(watch, subject.node, mask & FAN_MODIFY);
	}
	node_put(watch->fs->nodes, subject.dir);
	node_put(watch->fs->nodes, subject.node);
}

/* One buffer at a time, because a thread with SCHED_FIFO must not keep the CPU. */
void watch_read(struct watch *watch)
{
	ssize_t n = read(watch->fd, watch->buf, sizeof(watch->buf));
	struct fanotify_event_metadata event;

	/* Copied, because events are aligned to 4 bytes only. */
	for (const char *at = watch->buf; n >= (ssize_t)sizeof(event);
	     at += event.event_len, n -= event.event_len) {
		memcpy(&event, at, sizeof(event));
		if (event.event_len < event.metadata_len || event.event_len > n)
			break;
		handle_event(watch, &event, at + event.metadata_len);
	}
	handle_taken(watch);
}
