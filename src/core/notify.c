/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Making the kernel forget.
 *
 * Names: one message ends all that were looked up so far (Linux 6.16 and newer). Before that names go
 * one by one: those that the directories below have now. Attributes, pages and listings: by node.
 *
 * Threads take from one queue, and do not keep its order: telling of a name may have to wait for the
 * directory's lock. When it is full, everything is forgotten, which takes no room.
 * Lock: lock guards the queue.
 */
#include "core/notify.h"
#include "util/cpu.h"
#include "util/wake.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define N_THREADS 3
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

enum what { TELL_NODE, TELL_NAME, TELL_ALL };

struct telling {
	enum what what;
	bool data;
	uint64_t nodeid; /* of a name: the directory's */
	uint64_t child;
	char name[NAME_MAX + 1];
};

struct notifier {
	struct chan *chan; /* borrowed */
	struct fs *fs;	   /* borrowed, set at start */
	pthread_t threads[N_THREADS];
	unsigned int n_threads;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t work;
	bool stop, all;
	unsigned int at, n;
	struct telling *queue;
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

static void *notifier_main(void *arg)
{
	struct notifier *notifier = arg;

	/* What is told is short, and late it is of no use to who looks. */
	cpu_prompt();
	pthread_mutex_lock(&notifier->lock);
	while (!notifier->stop) {
		struct telling telling = { .what = TELL_ALL };

		if (!notifier->n && !notifier->all) {
			pthread_cond_wait(&notifier->work, &notifier->lock);
			continue;
		}
		if (notifier->all) {
			notifier->all = false;
			notifier->n = 0;
		} else {
			telling = notifier->queue[notifier->at];
			notifier->at = (notifier->at + 1) % N_QUEUE;
			notifier->n--;
		}
		pthread_mutex_unlock(&notifier->lock);
		if (telling.what == TELL_NODE)
			tell_node(notifier, &telling);
		else if (telling.what == TELL_NAME)
			tell_name(notifier, &telling);
		else
			tell_all(notifier);
		pthread_mutex_lock(&notifier->lock);
	}
	pthread_mutex_unlock(&notifier->lock);
	return NULL;
}

int notifier_new(struct chan *chan, struct notifier **ret_notifier)
{
	struct notifier *notifier = calloc(1, sizeof(*notifier));

	if (!notifier)
		return -ENOMEM;
	notifier->queue = calloc(N_QUEUE, sizeof(*notifier->queue));
	if (!notifier->queue) {
		free(notifier);
		return -ENOMEM;
	}
	notifier->chan = chan;
	pthread_mutex_init(&notifier->lock, NULL);
	pthread_cond_init(&notifier->work, NULL);
	*ret_notifier = notifier;
	return 0;
}

int notifier_start(struct notifier *notifier, struct fs *fs)
{
	int r = 0;

	notifier->fs = fs;
	while (r == 0 && notifier->n_threads < N_THREADS) {
		r = wake_thread_create(&notifier->threads[notifier->n_threads], NULL, notifier_main,
				       notifier);
		notifier->n_threads += r == 0;
	}
	return r;
}

void notifier_stop(struct notifier *notifier)
{
	pthread_mutex_lock(&notifier->lock);
	notifier->stop = true;
	pthread_cond_broadcast(&notifier->work);
	pthread_mutex_unlock(&notifier->lock);
	for (unsigned int i = 0; i < notifier->n_threads; i++)
		pthread_join(notifier->threads[i], NULL);
	notifier->n_threads = 0;
}

struct notifier *notifier_free(struct notifier *notifier)
{
	if (!notifier)
		return NULL;
	notifier_stop(notifier);
	pthread_cond_destroy(&notifier->work);
	pthread_mutex_destroy(&notifier->lock);
	free(notifier->queue);
	free(notifier);
	return NULL;
}

static void tell(struct notifier *notifier, const struct telling *telling)
{
	pthread_mutex_lock(&notifier->lock);
	if (telling->what == TELL_ALL || notifier->n == N_QUEUE)
		notifier->all = true;
	else
		notifier->queue[(notifier->at + notifier->n++) % N_QUEUE] = *telling;
	pthread_cond_signal(&notifier->work);
	pthread_mutex_unlock(&notifier->lock);
}

void notifier_node(struct notifier *notifier, uint64_t nodeid, bool data)
{
	tell(notifier, &(struct telling){ .what = TELL_NODE, .nodeid = nodeid, .data = data });
}

void notifier_name(struct notifier *notifier, uint64_t parent, const char *name, uint64_t child)
{
	struct telling telling = { .what = TELL_NAME, .nodeid = parent, .child = child };

	/* A longer name than files have cannot have been looked up. */
	if (strlen(name) < sizeof(telling.name)) {
		strcpy(telling.name, name);
		tell(notifier, &telling);
	}
}

void notifier_all(struct notifier *notifier)
{
	tell(notifier, &(struct telling){ .what = TELL_ALL });
}
