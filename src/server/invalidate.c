// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Invalidating what the kernel has cached.
 *
 * Names. FUSE_NOTIFY_INVAL_ENTRY has two forms. Without a flag the kernel unhashes the dentry and
 * detaches, in every mount namespace, what is mounted on or below it. With FUSE_EXPIRE_ONLY (Linux
 * 6.2) the kernel sends a LOOKUP the next time the name is used, and keeps dentry and mounts where
 * the reply names the same node. FUSE_NOTIFY_INC_EPOCH (Linux 6.16) makes the kernel unhash all
 * dentries one by one, as they are used: no mount inside the view outlives that. So names are
 * expired one by one, those that the lower directories have.
 *
 * A change of filters must not be outrun by replies that were written before it and that the client
 * takes in late (a preempted client can be late without bound). notify_change() is called when the
 * new chain is in force. What then holds:
 *
 * 1. A LOOKUP of a name without a usable dentry, CREATE and its like, READDIR and READDIRPLUS: the
 *    client holds the lock of the directory, shared or exclusive, from before it sends the request
 *    until dentry and page cache of the listing are written. INVAL_ENTRY takes that lock
 *    exclusively, so it comes after each of them that had begun; those that begin later meet the
 *    new chain. This needs no dentry: an INVAL_ENTRY of "." is a barrier for its directory.
 * 2. A LOOKUP that revalidates a dentry takes no lock, and its reply sets the timeout of the dentry
 *    again, however late. Where the dentry has been unhashed that is of no effect. Where it was
 *    expired only, the dentry stays valid: it leads to the same node as before. So names that the
 *    new chain takes away from somebody are unhashed, and all others expired. Where a mount lies on
 *    or below a name that name is only expired.
 * 3. Attributes: the kernel compares the version of the inode's attributes from before the request
 *    with that of now, and INVAL_INODE has counted that up. An inode that a reply of 1. makes is
 *    not there for INVAL_INODE before that reply was taken: so all directories go first, then all
 *    inodes. A program before LOOKUP can show names that no directory has. When such a filter comes
 *    or goes the epoch is raised after the barriers, unless a mount inside the view is known.
 * 4. Pages of data, of listings and of symbolic links: INVAL_INODE waits for the lock of each page,
 *    which a READ holds until its reply was taken; pages of listings fall under 1.
 *
 * Lanes: threads take from two queues, and do not keep their order. INVAL_ENTRY may have to wait
 * for the lock of its directory, so other threads send INVAL_INODE. When a queue is full,
 * everything is invalidated, which takes no room. Lock: lock guards the queues.
 */
#include "server/invalidate.h"
#include "mount/inside.h"
#include "util/caps.h"
#include "util/cpu.h"
#include "util/log.h"
#include "util/name.h"
#include "util/thread.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define N_THREADS 2 /* for each queue */
#define N_QUEUE 8192

struct telling {
	bool data;
	bool expire;	 /* of a name: FUSE_EXPIRE_ONLY */
	uint64_t nodeid; /* of a name: the directory's */
	uint64_t child;
	char name[NAME_MAX + 1];
};

struct lane {
	struct notifier *notifier;						/* constant */
	void (*tell)(struct notifier *notifier, const struct telling *telling); /* constant */
	pthread_t threads[N_THREADS];
	unsigned int n_threads;
	pthread_cond_t work; /* with the notifier's lock, which guards what follows */
	unsigned int at, n;
	struct telling *queue;
};

enum lane_index { NODES, NAMES, N_LANES };

struct notifier {
	struct chan *chan;	  /* borrowed */
	struct inside *inside; /* borrowed */
	bool can_expire;	  /* constant: the kernel knows FUSE_EXPIRE_ONLY */
	struct fs *fs;		  /* borrowed, set at start */
	struct lane lanes[N_LANES];

	pthread_mutex_t lock; /* guards what follows */
	bool stop, all, telling_all;
};

/* Invalidates a name of a directory, which the kernel may have cached as absent. */
static void invalidate_name(struct notifier *notifier, uint64_t dir, const char *name, bool expire)
{
	struct fuse_notify_inval_entry_out out = {
		.parent = dir,
		.namelen = (uint32_t)strlen(name),
	};
	struct chan *chan = notifier->chan;
	bool covered = inside_covers(notifier->inside, dir, name, NULL);

	/*
	 * Such a kernel has one form only, which would detach the mount: the name stays as it is.
	 */
	if (covered && !notifier->can_expire)
		return;
	if ((expire || covered) && notifier->can_expire)
		out.flags = FUSE_EXPIRE_ONLY;
	log_debug("notify: INVAL_ENTRY of \"%s\" in node %llu%s", name, (unsigned long long)dir,
		  out.flags ? ", expire only" : "");
	chan->ops->notify(chan, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof(out), name, out.namelen + 1);
}

static void forget_inode(struct chan *chan, uint64_t nodeid, bool data)
{
	/* A negative offset leaves pages alone; length 0 is to the end. */
	struct fuse_notify_inval_inode_out out = { .ino = nodeid, .off = data ? 0 : -1 };

	chan->ops->notify(chan, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out), NULL, 0);
}

void notify_attr(struct chan *chan, uint64_t nodeid)
{
	forget_inode(chan, nodeid, false);
}

/*
 * A store of no bytes far beyond the end: the kernel takes it for a write, which has changed size
 * and times but not mode and owner, and leaves its size alone, since nothing was written (Linux
 * 5.16).
 */
void notify_written(struct chan *chan, uint64_t nodeid)
{
	struct fuse_notify_store_out out = { .nodeid = nodeid, .offset = FS_WRITTEN_LIMIT };
	int r = chan->ops->notify(chan, FUSE_NOTIFY_STORE, &out, sizeof(out), NULL, 0);

	/*
	 * A kernel that takes no such message; one that does not know the node has nothing to
	 * forget.
	 */
	if (r < 0 && r != -ENOENT)
		notify_attr(chan, nodeid);
}

struct walk {
	struct notifier *notifier;
	struct fs *fs;
	const struct notify_names *names; /* NULL: names are left alone */
};

static void forget_listed(void *aux, struct node *dir, const char *name, uint64_t ino,
			  uint32_t type)
{
	struct walk *walk = aux;
	const struct notify_names *names = walk->names;

	(void)ino;
	if (name_is_dots(name))
		return;
	invalidate_name(walk->notifier, dir->id, name,
		    !(names->lost && names->lost(names->aux, dir, name, type)));
}

static void invalidate_names(void *aux, struct node *node)
{
	struct walk *walk = aux;

	if (!S_ISDIR(node->type))
		return;
	invalidate_name(walk->notifier, node->id, ".", true);
	if (walk->names)
		fs_each_name(walk->fs, node, forget_listed, walk);
}

static void invalidate_node(void *aux, struct node *node)
{
	struct walk *walk = aux;

	forget_inode(walk->notifier->chan, node->id, true);
}

/* Makes the kernel unhash every dentry the next time that it is used; false: the kernel cannot. */
static bool raise_epoch(struct notifier *notifier)
{
	struct chan *chan = notifier->chan;

	log_debug("notify: INC_EPOCH");
	return chan->ops->notify(chan, FUSE_NOTIFY_INC_EPOCH, NULL, 0, NULL, 0) == 0;
}

void notify_change(struct notifier *notifier, struct fs *fs, const struct notify_names *names)
{
	struct walk walk = { .notifier = notifier, .fs = fs, .names = names };

	fs_walk(fs, invalidate_names, &walk);
	/*
	 * Behind the barriers: what a READDIRPLUS adds belongs to the epoch in which it is added.
	 */
	if (names && names->unlisted && !inside_any(notifier->inside))
		raise_epoch(notifier);
	fs_walk(fs, invalidate_node, &walk);
}

/*
 * After events of the lower file system were lost. Names that are gone below are in no directory
 * any more, so the epoch is raised where no mount would be lost by that.
 */
static void invalidate_all(struct notifier *notifier)
{
	static const struct notify_names listed;
	struct walk walk = { .notifier = notifier, .fs = notifier->fs, .names = &listed };

	inside_scan(notifier->inside, 0);
	if (inside_any(notifier->inside) || !raise_epoch(notifier))
		fs_walk(notifier->fs, invalidate_names, &walk);
	fs_walk(notifier->fs, invalidate_node, &walk);
}

/* -- from threads of its own ------------------------------------------------------------------ */

/*
 * Whether a name is absent below. FUSE_NOTIFY_DELETE unhashes whatever has the name, also a new
 * file on which somebody may have mounted something since.
 */
static bool is_absent(struct fs *fs, uint64_t parent, const char *name)
{
	struct node *dir = fs_node(fs, parent), *node = NULL;
	struct statx stx;
	bool absent = dir && fs_peek(fs, dir, name, &stx, &node) == -ENOENT;

	fs_node_put(fs, node);
	fs_node_put(fs, dir);
	return absent;
}

static void tell_name(struct notifier *notifier, const struct telling *telling)
{
	struct fuse_notify_delete_out gone = {
		.parent = telling->nodeid,
		.child = telling->child,
		.namelen = (uint32_t)strlen(telling->name),
	};
	struct chan *chan = notifier->chan;

	/* Whoever watches a file in the view by inotify hears that the file is gone. */
	if (telling->child && is_absent(notifier->fs, telling->nodeid, telling->name)) {
		log_debug("notify: DELETE of \"%s\" in node %llu", telling->name,
			  (unsigned long long)telling->nodeid);
		if (chan->ops->notify(chan, FUSE_NOTIFY_DELETE, &gone, sizeof(gone), telling->name,
				      gone.namelen + 1) == 0) {
			/* The kernel thinks that it was the last one of its names. */
			forget_inode(chan, telling->child, false);
			return;
		}
	}
	invalidate_name(notifier, telling->nodeid, telling->name, telling->expire);
}

static void tell_node(struct notifier *notifier, const struct telling *telling)
{
	forget_inode(notifier->chan, telling->nodeid, telling->data);
}

/* Of a million nodes this takes a second. */
static void tell_all(struct notifier *notifier)
{
	cpu_set_normal();
	invalidate_all(notifier);
	cpu_set_fifo();
}

/*
 * Everything, where that is to be told; by one of those that tell of nodes. Caller holds the lock.
 */
static bool take_all(struct lane *lane)
{
	struct notifier *notifier = lane->notifier;

	/* One at a time: the others go on with what is new. */
	if (!notifier->all || notifier->telling_all || lane != &notifier->lanes[NODES])
		return false;
	notifier->all = false;
	notifier->telling_all = true;
	/*
	 * Names stay: where they go one by one, those that are gone are in no directory any more.
	 */
	lane->n = 0;
	return true;
}

static struct telling take_next(struct lane *lane)
{
	struct telling telling = lane->queue[lane->at];

	lane->at = (lane->at + 1) % N_QUEUE;
	lane->n--;
	return telling;
}

static void *lane_main(void *arg)
{
	struct lane *lane = arg;
	struct notifier *notifier = lane->notifier;

	/* What is told is short, and late it is of no use to who looks. */
	cpu_set_fifo();
	fs_thread_init();
	/* Names are looked up in directories that are opened by handle; messages take nothing. */
	caps_limit(CAP_BIT(CAP_DAC_READ_SEARCH));
	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stop) {
		if (take_all(lane)) {
			pthread_mutex_unlock(&notifier->lock);
			tell_all(notifier);
			pthread_mutex_lock(&notifier->lock);
			notifier->telling_all = false;
		} else if (lane->n) {
			struct telling telling = take_next(lane);

			pthread_mutex_unlock(&notifier->lock);
			lane->tell(notifier, &telling);
			pthread_mutex_lock(&notifier->lock);
		} else {
			pthread_cond_wait(&lane->work, &notifier->lock);
		}
	}
	pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

int notifier_new(struct chan *chan, struct inside *inside, bool can_expire,
		 struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));

	if (!notifier)
		return -ENOMEM;
	notifier->chan = chan;
	notifier->inside = inside;
	notifier->can_expire = can_expire;
	pthread_mutex_init(&notifier->lock, NULL);
	notifier->lanes[NODES].tell = tell_node;
	notifier->lanes[NAMES].tell = tell_name;
	for (unsigned int i = 0; i < N_LANES; i++) {
		struct lane *lane = &notifier->lanes[i];

		lane->notifier = notifier;
		pthread_cond_init(&lane->work, NULL);
		lane->queue = calloc(N_QUEUE, sizeof(*lane->queue));
	}
	if (!notifier->lanes[NODES].queue || !notifier->lanes[NAMES].queue) {
		notifier_free(notifier);
		return -ENOMEM;
	}
	*ret_notifier = notifier;
	return 0;
}

int notifier_start(struct notifier *notifier, struct fs *fs)
{
	int r = 0;

	notifier->fs = fs;
	for (unsigned int i = 0; i < N_LANES; i++) {
		struct lane *lane = &notifier->lanes[i];

		while (r == 0 && lane->n_threads < N_THREADS) {
			r = thread_create(&lane->threads[lane->n_threads], NULL, lane_main,
					  lane);
			lane->n_threads += r == 0;
		}
	}
	return r;
}

void notifier_stop(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->stop = true;
	for (unsigned int i = 0; i < N_LANES; i++)
		pthread_cond_broadcast(&notifier->lanes[i].work);
	pthread_mutex_unlock(&notifier->lock);
	for (unsigned int i = 0; i < N_LANES; i++) {
		struct lane *lane = &notifier->lanes[i];

		while (lane->n_threads)
			pthread_join(lane->threads[--lane->n_threads], NULL);
	}
}

struct notifier *notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return NULL;
	notifier_stop(notifier);
	for (unsigned int i = 0; i < N_LANES; i++) {
		pthread_cond_destroy(&notifier->lanes[i].work);
		free(notifier->lanes[i].queue);
	}
	pthread_mutex_destroy(&notifier->lock);
	free(notifier);
	return NULL;
}

/* NULL: everything. */
static void tell(struct notifier *notifier, int of, const struct telling *telling)
{
	struct lane *lane = &notifier->lanes[of];

	pthread_mutex_lock(&notifier->lock);
	if (!telling || lane->n == N_QUEUE) {
		notifier->all = true;
		lane = &notifier->lanes[NODES];
	} else {
		lane->queue[(lane->at + lane->n++) % N_QUEUE] = *telling;
	}
	pthread_cond_signal(&lane->work);
	pthread_mutex_unlock(&notifier->lock);
}

void notifier_node(struct notifier *notifier, uint64_t nodeid, bool data)
{
	tell(notifier, NODES, &(struct telling){ .nodeid = nodeid, .data = data });
}

void notifier_name(struct notifier *notifier, uint64_t parent, const char *name, uint64_t child,
		   bool expire)
{
	struct telling telling = { .nodeid = parent, .child = child, .expire = expire };

	/* A longer name than files have cannot have been looked up. */
	if (strlen(name) < sizeof(telling.name)) {
		strcpy(telling.name, name);
		tell(notifier, NAMES, &telling);
	}
}

void notifier_all(struct notifier *notifier)
{
	tell(notifier, NODES, NULL);
}
