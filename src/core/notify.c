/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making the kernel forget.
 *
 * Names: one message ends all that were looked up so far (Linux 6.16 and newer). Before that names go
 * one by one: those that the directories below have now. Attributes, pages and listings: by node.
 *
 * Threads take from two queues, and do not keep their order. Telling of a name may have to wait for the lock of
 * its directory, so of nodes others tell. When one is full, everything is forgotten, which takes no room.
 * Lock: lock guards the queues.
 */
#include "core/notify.h"
#include "util/cpu.h"
#include "util/wake.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N_THREADS 2 /* for each queue */
#define N_QUEUE 8192

/* A name of a directory that the kernel may have looked up, or have remembered as absent. */
static void forget_name(void *aux, const struct node *dir, const char *name, uint64_t ino)
{
	struct fuse_notify_inval_entry_out out = {
		.parent = dir->id,
		.namelen = (uint32_t)strlen(name),
	};
	struct chan *chan = aux;

	(void)ino;
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
 * A store of no bytes far beyond the end: the kernel takes it for a write, which has changed size and
 * times but not mode and owner, and leaves its size alone, since nothing was written (Linux 5.16).
 */
void notify_written(struct chan *chan, uint64_t nodeid)
{
	struct fuse_notify_store_out out = { .nodeid = nodeid, .offset = FS_WRITTEN_LIMIT };
	int r = chan->ops->notify(chan, FUSE_NOTIFY_STORE, &out, sizeof(out), NULL, 0);

	/* A kernel that takes no such message; one that does not know the node has nothing to forget. */
	if (r < 0 && r != -ENOENT)
		notify_attr(chan, nodeid);
}

struct walk {
	struct chan *chan;
	struct fs *fs;
	bool names; /* one by one */
};

static void forget_node(void *aux, struct node *node)
{
	struct walk *walk = aux;

	forget_inode(walk->chan, node->id, true);
	if (walk->names)
		fs_each_name(walk->fs, node, forget_name, walk->chan);
}

void notify_all(struct chan *chan, struct fs *fs)
{
	struct walk walk = { .chan = chan, .fs = fs };

	walk.names = chan->ops->notify(chan, FUSE_NOTIFY_INC_EPOCH, NULL, 0, NULL, 0) != 0;
	fs_walk(fs, forget_node, &walk);
}

/* -- from threads of its own ------------------------------------------------------------------ */

struct telling {
	bool data;
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

enum { NODES, NAMES, N_LANES };

struct notifier {
	struct chan *chan; /* borrowed */
	struct fs *fs;	   /* borrowed, set at start */
	struct lane lanes[N_LANES];

	pthread_mutex_t lock; /* guards what follows */
	bool stop, all, telling_all;
};

static void tell_name(struct notifier *notifier, const struct telling *telling)
{
	struct fuse_notify_delete_out gone = {
		.parent = telling->nodeid,
		.child = telling->child,
		.namelen = (uint32_t)strlen(telling->name),
	};
	struct fuse_notify_inval_entry_out out = {
		.parent = telling->nodeid,
		.namelen = gone.namelen,
	};
	struct chan *chan = notifier->chan;

	/* A file that is gone: whoever watches the directory in the view hears of it. */
	if (telling->child && chan->ops->notify(chan, FUSE_NOTIFY_DELETE, &gone, sizeof(gone),
						telling->name, gone.namelen + 1) == 0) {
		/* The kernel thinks that it was the last one of its names. */
		forget_inode(chan, telling->child, false);
		return;
	}
	chan->ops->notify(chan, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof(out), telling->name,
			  out.namelen + 1);
}

static void tell_node(struct notifier *notifier, const struct telling *telling)
{
	forget_inode(notifier->chan, telling->nodeid, telling->data);
}

/* Of a million nodes this takes a second. */
static void tell_all(struct notifier *notifier)
{
	cpu_patient();
	notify_all(notifier->chan, notifier->fs);
	cpu_prompt();
}

/* Everything, where that is to be told; by one of those that tell of nodes. Caller holds the lock. */
static bool take_all(struct lane *lane)
{
	struct notifier *notifier = lane->notifier;

	/* One at a time: the others go on with what is new. */
	if (!notifier->all || notifier->telling_all || lane != &notifier->lanes[NODES])
		return false;
	notifier->all = false;
	notifier->telling_all = true;
	/* Names stay: where they go one by one, those that are gone are in no directory any more. */
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
	cpu_prompt();
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

int notifier_new(struct chan *chan, struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));

	if (!notifier)
		return -ENOMEM;
	notifier->chan = chan;
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
			r = wake_thread_create(&lane->threads[lane->n_threads], NULL, lane_main,
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

void notifier_name(struct notifier *notifier, uint64_t parent, const char *name, uint64_t child)
{
	struct telling telling = { .nodeid = parent, .child = child };

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
