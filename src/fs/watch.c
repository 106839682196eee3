/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hearing of what others change below (cache=auto).
 *
 * What is watched are directories that the kernel may keep something of: a mark on each reports what
 * becomes of its names, of itself and of the files in it. A file with several names has a mark of its
 * own. So nothing is heard, and nobody pays, for what the view has not looked at.
 *
 * What the view does itself is no news: the kernel has it from us. Its reads, writes and opens go by
 * the private mount of LOWER, which has a mark that ignores them, so that they cost no event. Changes
 * of names and attributes are made by this process, and known by its number.
 *
 * Stores through a mapping are reported by nobody. But whoever maps a file has to open it, so an open
 * by somebody else makes the file suspect: attr.c believes it again when no writer is left.
 *
 * An event names files by handle, which is what nodes are known by. It is passed on at once, and once
 * more a moment later where something was promised just before: the answer may have been read before
 * the change and taken up after the event.
 *
 * One thread reads events, in batches: after a batch it sleeps for a moment, so that many changes cost
 * few wake-ups. It never waits for anybody but the kernel's queue.
 *
 * Locks: lock guards the mounts; mark_lock is held while a mark and what its node says of it change.
 */
#include "fs/fs-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/wake.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#ifndef FAN_MARK_IGNORE
#define FAN_MARK_IGNORE 0x400
#endif
#ifndef FAN_REPORT_TARGET_FID
#define FAN_REPORT_TARGET_FID 0x1000
#endif

#define EVENTS                                                                                     \
	(FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO | FAN_DELETE_SELF |               \
	 FAN_MOVE_SELF | FAN_ATTRIB | FAN_MODIFY | FAN_OPEN | FAN_CLOSE)
/* What comes with the mount that it was done by. */
#define EVENTS_OF_DATA (FAN_MODIFY | FAN_OPEN | FAN_CLOSE | FAN_ACCESS)

#define BUF_SIZE (256 << 10)
/* After a batch; up to the longer one while all that is heard is what the view does itself. */
#define PAUSE_MIN_MS 1
#define PAUSE_MAX_MS 8
#define MAX_MOUNTS 256
#define N_AGAIN 4096
#define AGAIN_MS 30

/* A file system that files of the view lie on. */
struct watched_mount {
	bool known, watchable;
	fsid_t fsid;
};

/* What is to be passed on once more. */
struct again {
	uint64_t nodeid;
	uint32_t due_ms;
	bool data;
};

struct watch {
	struct fs *fs;
	int fd;	     /* constant */
	int stop_fd; /* constant: readable when the thread shall end */
	pid_t pid;
	pthread_t thread;
	bool started;
	_Atomic uint64_t n_marks, n_events, n_own, n_overflows;

	pthread_mutex_t mark_lock;
	pthread_mutex_t lock; /* guards what follows */
	struct watched_mount mounts[MAX_MOUNTS];

	/* the thread's own */
	struct again again[N_AGAIN];
	unsigned int again_at, n_again;
	_Alignas(struct fanotify_event_metadata) char buf[BUF_SIZE];
};

/* Views in this process: with another one its events would be taken for our own. */
static _Atomic unsigned int n_watches;

uint32_t watch_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint32_t)((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

/* -- marks ------------------------------------------------------------------------------------ */

/* File systems that change where no event of ours is made: on other machines, in other processes. */
static const char *changes_elsewhere(uint64_t type)
{
	static const struct {
		uint64_t type;
		const char *name;
	} types[] = {
		{ NFS_SUPER_MAGIC, "NFS" },
		{ SMB_SUPER_MAGIC, "SMB" },
		{ CIFS_SUPER_MAGIC, "CIFS" },
		{ SMB2_SUPER_MAGIC, "SMB" },
		{ CEPH_SUPER_MAGIC, "Ceph" },
		{ V9FS_MAGIC, "9p" },
		{ FUSE_SUPER_MAGIC, "FUSE" },
		{ AFS_SUPER_MAGIC, "AFS" },
		{ CODA_SUPER_MAGIC, "Coda" },
		{ OCFS2_SUPER_MAGIC, "OCFS2" },
		{ OVERLAYFS_SUPER_MAGIC, "overlayfs" },
		{ PROC_SUPER_MAGIC, "proc" },
		{ SYSFS_MAGIC, "sysfs" },
		{ CGROUP2_SUPER_MAGIC, "cgroup" },
		{ CGROUP_SUPER_MAGIC, "cgroup" },
		{ 0x01161970 /* GFS2 */, "GFS2" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return NULL;
}

/* Finds out about a mount, by a file on it; caller holds the lock. */
static void mount_look(struct watch *watch, struct watched_mount *mount, int mount_fd, int fd)
{
	const char *elsewhere;
	struct statfs st;

	mount->known = true;
	if (fstatfs(fd, &st) < 0 || mount_fd < 0)
		return;
	elsewhere = changes_elsewhere((uint64_t)st.f_type);
	if (elsewhere) {
		log_info("files on %s can be changed where we do not hear of it: what is seen of "
			 "them is believed for %llu ms",
			 elsewhere, (unsigned long long)watch->fs->config.ttl_ns / 1000000);
		return;
	}
	mount->fsid = st.f_fsid;
	/* Without it the view's own writes are heard, which is slow and still right. */
	if (fanotify_mark(watch->fd,
			  FAN_MARK_ADD | FAN_MARK_MOUNT | FAN_MARK_IGNORE |
				  FAN_MARK_IGNORED_SURV_MODIFY,
			  EVENTS_OF_DATA | FAN_ONDIR, mount_fd, ".") < 0)
		log_debug("the private mount cannot be ignored: %s", strerror(errno));
	mount->watchable = true;
}

static bool mount_watchable(struct watch *watch, const struct node *node, int fd)
{
	const struct lower_mount *lower = nodetab_mount(watch->fs->nodes, node->fh.mount);
	struct watched_mount *mount;
	bool watchable;

	if (!lower->handles || (node->flags & NODE_OWN_FD && node != watch->fs->root) ||
	    node->fh.mount >= MAX_MOUNTS)
		return false;
	pthread_mutex_lock(&watch->lock);
	mount = &watch->mounts[node->fh.mount];
	if (!mount->known)
		mount_look(watch, mount, lower->fd, fd);
	watchable = mount->watchable;
	pthread_mutex_unlock(&watch->lock);
	return watchable;
}

static int mark(struct watch *watch, const struct node *node, int fd)
{
	if (S_ISDIR(node->type))
		return fanotify_mark(watch->fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR,
				     EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD, fd, ".");
	return fanotify_mark(watch->fd, FAN_MARK_ADD,
			     FAN_ATTRIB | FAN_MODIFY | FAN_OPEN | FAN_CLOSE | FAN_DELETE_SELF |
				     FAN_MOVE_SELF,
			     AT_FDCWD, fd_path(fd).text);
}

bool watch_add(struct fs *fs, struct node *node, int fd)
{
	struct watch *watch = fs->watch;

	if (!watch || node->watch == WATCH_NOT)
		return false;
	if (node->watch == WATCH_ON)
		return true;
	if (!mount_watchable(watch, node, fd)) {
		node->watch = WATCH_NOT;
		return false;
	}
	pthread_mutex_lock(&watch->mark_lock);
	if (node->watch == WATCH_NONE || node->watch == WATCH_WANTED) {
		node->watch = mark(watch, node, fd) < 0 ? WATCH_NOT : WATCH_ON;
		if (node->watch == WATCH_ON)
			watch->n_marks++;
		else
			log_debug("a file cannot be watched: %s", strerror(errno));
	}
	pthread_mutex_unlock(&watch->mark_lock);
	return node->watch == WATCH_ON;
}

/* The mark is the file's: it stays where the file is already known again, by a node that has it on. */
static void unmark(struct watch *watch, struct node *node, const struct node *other)
{
	_cleanup_(fd_closep) int fd = -1;

	node->watch = WATCH_NONE;
	watch->n_marks--;
	if (other && other->watch == WATCH_ON)
		return;
	/* A file that is gone has taken its mark along. */
	fd = lower_open_path(watch->fs, node);
	if (fd >= 0)
		fanotify_mark(watch->fd, FAN_MARK_REMOVE, EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD,
			      AT_FDCWD, fd_path(fd).text);
}

void watch_node_gone(struct fs *fs, struct node *node)
{
	struct watch *watch = fs->watch;
	struct node *other;

	if (!watch || node->watch != WATCH_ON)
		return;
	pthread_mutex_lock(&watch->mark_lock);
	other = node_lookup_fh(fs->nodes, &node->fh);
	unmark(watch, node, other);
	pthread_mutex_unlock(&watch->mark_lock);
	/* Not before: this may be the last reference, and then we are here again. */
	node_put(fs->nodes, other);
}

/* -- events ----------------------------------------------------------------------------------- */

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
	for (unsigned int i = 0; i < MAX_MOUNTS && !node; i++) {
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

static void pass_on(struct watch *watch, struct node *node, bool data)
{
	unsigned int at;

	attr_changed_below(watch->fs, node, data);
	if (watch_now_ms() - node->promised_ms > AGAIN_MS || watch->n_again == N_AGAIN)
		return;
	at = (watch->again_at + watch->n_again++) % N_AGAIN;
	watch->again[at] = (struct again){ node->id, watch_now_ms() + AGAIN_MS, data };
}

/* Passes on for the second time what is due; milliseconds until the next is, or -1. */
static int pass_on_again(struct watch *watch)
{
	while (watch->n_again) {
		const struct again *again = &watch->again[watch->again_at];
		int32_t left = (int32_t)(again->due_ms - watch_now_ms());
		struct node *node;

		if (left > 0)
			return left;
		node = node_lookup_id(watch->fs->nodes, again->nodeid);
		if (node) {
			attr_changed_below(watch->fs, node, again->data);
			node_put(watch->fs->nodes, node);
		}
		watch->again_at = (watch->again_at + 1) % N_AGAIN;
		watch->n_again--;
	}
	return -1;
}

/* What an event says about. */
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
	/* Of a directory itself there is nothing but its own name for itself. */
	if (!subject.node && subject.dir && strcmp(subject.name, ".") == 0) {
		subject.node = subject.dir;
		subject.dir = NULL;
	}
	*ret_subject = subject;
}

#define NAME_EVENTS (FAN_CREATE | FAN_DELETE | FAN_MOVED_FROM | FAN_MOVED_TO)

/* Where files go is followed also when the view moves them: their new place may not be watched. */
static void follow(struct watch *watch, uint64_t mask, const struct subject *subject)
{
	if (!subject->node)
		return;
	if (mask & FAN_MOVED_FROM)
		attr_moved(watch->fs, subject->node, NULL);
	if (mask & FAN_MOVED_TO)
		attr_moved(watch->fs, subject->node, subject->dir);
}

static void handle_names(struct watch *watch, uint64_t mask, const struct subject *subject)
{
	struct fs *fs = watch->fs;

	if (!subject->dir || !subject->name)
		return;
	attr_name_changed_below(fs, subject->dir, subject->name,
				mask & FAN_DELETE ? subject->node : NULL);
	pass_on(watch, subject->dir, true);
}

/* info: what follows the event. */
static void handle_event(struct watch *watch, const struct fanotify_event_metadata *event,
			 const char *info)
{
	uint64_t mask = event->mask;
	struct subject subject;

	watch->n_events++;
	if (mask & FAN_Q_OVERFLOW) {
		watch->n_overflows++;
		attr_all_changed_below(watch->fs);
		return;
	}
	/* Opening a directory changes nothing; who closes it may have listed it. */
	if ((mask & FAN_ONDIR) && !(mask & ~(FAN_ONDIR | FAN_OPEN)))
		return;
	if (event->pid == watch->pid && n_watches == 1) {
		watch->n_own++;
		if (!(mask & (FAN_MOVED_FROM | FAN_MOVED_TO)))
			return;
		read_subject(watch, event, info, &subject);
		follow(watch, mask, &subject);
	} else {
		read_subject(watch, event, info, &subject);
		follow(watch, mask, &subject);
		if (mask & NAME_EVENTS)
			handle_names(watch, mask, &subject);
		if (subject.node && (mask & (FAN_OPEN | FAN_MODIFY)))
			attr_suspect(watch->fs, subject.node);
		/* Also of a change of names: it is one of the file's number of links, and times. */
		if (subject.node)
			pass_on(watch, subject.node, mask & FAN_MODIFY);
	}
	node_put(watch->fs->nodes, subject.dir);
	node_put(watch->fs->nodes, subject.node);
}

static void read_events(struct watch *watch)
{
	ssize_t n;

	while ((n = read(watch->fd, watch->buf, sizeof(watch->buf))) > 0) {
		struct fanotify_event_metadata event;

		/* They come one after the other, at multiples of 4 bytes only. */
		for (const char *at = watch->buf; n >= (ssize_t)sizeof(event);
		     at += event.event_len, n -= event.event_len) {
			memcpy(&event, at, sizeof(event));
			if (event.event_len < event.metadata_len || event.event_len > n)
				break;
			handle_event(watch, &event, at + event.metadata_len);
		}
	}
}

static void *watch_main(void *arg)
{
	struct watch *watch = arg;
	struct pollfd fds[] = {
		{ .fd = watch->stop_fd, .events = POLLIN },
		{ .fd = watch->fd, .events = POLLIN },
	};
	long pause_ms = PAUSE_MIN_MS;

	fs_thread_init();
	for (;;) {
		int timeout = pass_on_again(watch);

		if (poll(fds, 2, timeout) < 0 && errno != EINTR)
			break;
		if (fds[0].revents)
			break;
		if (fds[1].revents) {
			uint64_t others = watch->n_events - watch->n_own;

			read_events(watch);
			if (others != watch->n_events - watch->n_own)
				pause_ms = PAUSE_MIN_MS;
			else if (pause_ms < PAUSE_MAX_MS)
				pause_ms *= 2;
			nanosleep(&(struct timespec){ .tv_nsec = pause_ms * 1000000 }, NULL);
		}
	}
	return NULL;
}

/* -- the whole -------------------------------------------------------------------------------- */

DEFINE_CLEANUP(struct watch *, watch_free);

int watch_new(struct fs *fs, struct watch **ret_watch)
{
	_cleanup_(watch_freep) struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->fs = fs;
	watch->pid = getpid();
	watch->stop_fd = -1;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_mutex_init(&watch->mark_lock, NULL);
	n_watches++;
	watch->fd = fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_REPORT_FID |
					  FAN_REPORT_DIR_FID | FAN_REPORT_NAME |
					  FAN_REPORT_TARGET_FID | FAN_UNLIMITED_MARKS,
				  O_RDONLY | O_CLOEXEC);
	if (watch->fd < 0)
		return -errno;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (watch->stop_fd < 0)
		return -errno;
	*ret_watch = take_ptr(watch);
	return 0;
}

int watch_start(struct watch *watch)
{
	int r = watch ? wake_thread_create(&watch->thread, NULL, watch_main, watch) : 0;

	if (watch && r == 0)
		watch->started = true;
	return r;
}

void watch_stop(struct watch *watch)
{
	if (!watch || !watch->started)
		return;
	eventfd_write(watch->stop_fd, 1);
	pthread_join(watch->thread, NULL);
	watch->started = false;
}

struct watch *watch_free(struct watch *watch)
{
	if (!watch)
		return NULL;
	watch_stop(watch);
	fd_close(watch->fd);
	fd_close(watch->stop_fd);
	n_watches--;
	pthread_mutex_destroy(&watch->lock);
	pthread_mutex_destroy(&watch->mark_lock);
	free(watch);
	return NULL;
}

void watch_stat(const struct watch *watch, struct fs_stat *stat)
{
	if (!watch)
		return;
	stat->n_watched = watch->n_marks;
	stat->n_events = watch->n_events;
	stat->n_own_events = watch->n_own;
	stat->n_overflows = watch->n_overflows;
}
