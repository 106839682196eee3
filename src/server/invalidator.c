// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Invalidates what the kernel has cached.
 *
 * Names. FUSE_NOTIFY_INVAL_ENTRY has two forms. Without a flag the kernel unhashes the dentry and
 * detaches, in every mount namespace, what is mounted on or below it. With FUSE_EXPIRE_ONLY (Linux
 * 6.2) the kernel sends a LOOKUP the next time the name is used, and keeps dentry and mounts if the
 * reply names the same node. FUSE_NOTIFY_INC_EPOCH (Linux 6.16) makes the kernel unhash every
 * dentry the next time it is used, which detaches all mounts inside the view. So the daemon expires
 * names one by one: those that the lower directories have.
 *
 * After a change of filters the kernel must not cache replies from before the change. A client that
 * is preempted can process such a reply at any later time. invalidator_filters_changed() runs when
 * the new chain is in force. It is correct for these reasons:
 *
 * 1. A LOOKUP of a name without a usable dentry, CREATE and its like, READDIR and READDIRPLUS: the
 *    client holds the lock of the directory, shared or exclusive, from before it sends the request
 *    until it has written the dentry or the page cache of the listing. INVAL_ENTRY takes that lock
 *    exclusively, so it waits for each such request that had begun; later requests run under the
 *    new chain. No dentry is needed: an INVAL_ENTRY of "." is a barrier for its directory.
 * 2. A LOOKUP that revalidates a dentry takes no lock, and its reply sets the timeout of the dentry
 *    again, however late. A dentry that was unhashed stays unhashed. But a dentry that was only
 *    expired becomes valid again, with the same node as before. So names that the new chain hides
 *    from some caller are unhashed, and all other names expired. If a mount lies on or below a
 *    name, the name is always expired.
 * 3. Attributes: the kernel compares the version of the inode's attributes at the time of the
 *    request with the current version, which INVAL_INODE has increased. INVAL_INODE does not find
 *    an inode that a reply of 1. creates later: so all directories are invalidated first, then all
 *    inodes. A program before LOOKUP can show names that no directory has. When such a filter is
 *    added or removed, the epoch is raised after the barriers, unless a mount inside the view is
 *    known.
 * 4. Pages of data, of listings and of symbolic links: INVAL_INODE waits for the lock of each page,
 *    which a READ holds until the kernel has processed its reply; for pages of listings see 1.
 *
 * Threads: some take jobs from a queue of names, others from a queue of nodes. Jobs may overtake
 * each other. INVAL_ENTRY may wait for the lock of its directory, so other threads send
 * INVAL_INODE. When a queue is full, the flag all makes a thread invalidate everything. lock guards
 * the queues.
 */
#include "server/invalidator.h"
#include "mount/submounts.h"
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
#define N_JOBS    8192

struct job {
	int64_t off, len; /* of a node: the pages to drop; off -1: none, len 0: to the end */
	bool expire;      /* of a name: FUSE_EXPIRE_ONLY */
	uint64_t nodeid;  /* of a name: the directory's */
	uint64_t child;
	char name[NAME_MAX + 1];
};

struct queue {
	struct invalidator *invalidator; /* constant, as run */
	void (*run)(struct invalidator *invalidator, const struct job *job);
	pthread_t threads[N_THREADS];
	unsigned int n_threads;
	pthread_cond_t work; /* with the invalidator's lock, which guards the members below */
	unsigned int at, n;
	struct job *jobs;
};

enum queue_index { NODES, NAMES, N_QUEUES };

struct invalidator {
	struct chan *chan;           /* borrowed */
	struct submounts *submounts; /* borrowed */
	bool can_expire;             /* constant: the kernel has FUSE_EXPIRE_ONLY */
	struct fs *fs;               /* borrowed, set at start */
	struct queue queues[N_QUEUES];

	pthread_mutex_t lock; /* guards the members below */
	bool stop, all, sending_all;
};

/* Invalidates a name of a directory, even a name that the kernel has cached as absent. */
static void send_name(struct invalidator *invalidator, uint64_t dir, const char *name, bool expire)
{
	struct fuse_notify_inval_entry_out out = {
		.parent = dir,
		.namelen = (uint32_t)strlen(name),
	};
	struct chan *chan = invalidator->chan;
	bool covered = submounts_covers(invalidator->submounts, dir, name, NULL);

	/* This kernel has only the form of INVAL_ENTRY that would detach the mount. */
	if (covered && !invalidator->can_expire)
		return;
	if ((expire || covered) && invalidator->can_expire)
		out.flags = FUSE_EXPIRE_ONLY;
	log_debug("notify: INVAL_ENTRY of \"%s\" in node %llu%s", name, (unsigned long long)dir,
		  out.flags ? ", expire only" : "");
	chan->ops->notify(chan, FUSE_NOTIFY_INVAL_ENTRY, &out, sizeof(out), name, out.namelen + 1);
}

static void send_range(struct chan *chan, uint64_t nodeid, int64_t off, int64_t len)
{
	/* A negative offset keeps the page cache; length 0 means to the end of the file. */
	struct fuse_notify_inval_inode_out out = { .ino = nodeid, .off = off, .len = len };

	chan->ops->notify(chan, FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out), NULL, 0);
}

static void send_inode(struct chan *chan, uint64_t nodeid, bool data)
{
	send_range(chan, nodeid, data ? 0 : -1, 0);
}

void invalidator_send_attr(struct chan *chan, uint64_t nodeid)
{
	send_inode(chan, nodeid, false);
}

/*
 * Sends a store of no bytes far beyond the end of the file. The kernel handles it like a write,
 * which invalidates size and times but not mode and owner, and keeps the size, because no byte was
 * written (Linux 5.16).
 */
void invalidator_send_written(struct chan *chan, uint64_t nodeid)
{
	struct fuse_notify_store_out out = { .nodeid = nodeid, .offset = FS_WRITTEN_LIMIT };
	int r = chan->ops->notify(chan, FUSE_NOTIFY_STORE, &out, sizeof(out), NULL, 0);

	/* ENOENT: the kernel does not know the node, and has cached nothing. */
	if (r < 0 && r != -ENOENT)
		invalidator_send_attr(chan, nodeid);
}

struct walk {
	struct invalidator *invalidator;
	struct fs *fs;
	const struct invalidator_names *names; /* NULL to leave names alone */
};

static void send_listed(void *aux, struct node *dir, const char *name, uint64_t ino, uint32_t type)
{
	struct walk *walk = aux;
	const struct invalidator_names *names = walk->names;

	(void)ino;
	if (name_is_dots(name))
		return;
	send_name(walk->invalidator, dir->id, name,
		  !(names->lost && names->lost(names->aux, dir, name, type)));
}

static void send_names(void *aux, struct node *node)
{
	struct walk *walk = aux;

	if (!S_ISDIR(node->type))
		return;
	fs_listing_changed(walk->fs, node);
	send_name(walk->invalidator, node->id, ".", true);
	if (walk->names)
		fs_each_name(walk->fs, node, send_listed, walk);
}

static void send_node(void *aux, struct node *node)
{
	struct walk *walk = aux;

	send_inode(walk->invalidator->chan, node->id, true);
}

/*
 * Makes the kernel unhash every dentry the next time that it is used. Returns false if this kernel
 * cannot.
 */
static bool raise_epoch(struct invalidator *invalidator)
{
	struct chan *chan = invalidator->chan;

	log_debug("notify: INC_EPOCH");
	return chan->ops->notify(chan, FUSE_NOTIFY_INC_EPOCH, NULL, 0, NULL, 0) == 0;
}

void invalidator_filters_changed(struct invalidator *invalidator, struct fs *fs,
				 const struct invalidator_names *names)
{
	struct walk walk = { .invalidator = invalidator, .fs = fs, .names = names };

	fs_walk(fs, send_names, &walk);
	/* After the barriers, because a dentry that READDIRPLUS adds has the epoch of that time. */
	if (names && names->unlisted && !submounts_any(invalidator->submounts))
		raise_epoch(invalidator);
	fs_walk(fs, send_node, &walk);
}

/*
 * Invalidates everything, after events of the lower file system were lost. A lower directory does
 * not list names that have been removed, so this raises the epoch if that detaches no mount.
 */
static void send_all(struct invalidator *invalidator)
{
	static const struct invalidator_names listed;
	struct walk walk = { .invalidator = invalidator, .fs = invalidator->fs, .names = &listed };

	submounts_scan(invalidator->submounts, 0);
	if (submounts_any(invalidator->submounts) || !raise_epoch(invalidator))
		fs_walk(invalidator->fs, send_names, &walk);
	fs_walk(invalidator->fs, send_node, &walk);
}

/* -- threads ------------------------------------------------------------------ */

/*
 * Returns true if a lower directory lacks a name. Without this check FUSE_NOTIFY_DELETE would also
 * unhash the name of a new file, on which a user may have mounted a file system since.
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

static void run_name(struct invalidator *invalidator, const struct job *job)
{
	struct fuse_notify_delete_out gone = {
		.parent = job->nodeid,
		.child = job->child,
		.namelen = (uint32_t)strlen(job->name),
	};
	struct chan *chan = invalidator->chan;

	/* FUSE_NOTIFY_DELETE makes inotify watches in the view report the removal. */
	if (job->child && is_absent(invalidator->fs, job->nodeid, job->name)) {
		log_debug("notify: DELETE of \"%s\" in node %llu", job->name,
			  (unsigned long long)job->nodeid);
		if (chan->ops->notify(chan, FUSE_NOTIFY_DELETE, &gone, sizeof(gone), job->name,
				      gone.namelen + 1) == 0) {
			/* The kernel has set nlink to 0, but the file may have other names. */
			send_inode(chan, job->child, false);
			return;
		}
	}
	send_name(invalidator, job->nodeid, job->name, job->expire);
}

static void run_node(struct invalidator *invalidator, const struct job *job)
{
	send_range(invalidator->chan, job->nodeid, job->off, job->len);
}

/*
 * Returns true if the thread has to invalidate everything, which one thread of the queue of nodes
 * does. Caller holds the lock.
 */
static bool take_all(struct queue *queue)
{
	struct invalidator *invalidator = queue->invalidator;

	/* The other threads continue with new jobs meanwhile. */
	if (!invalidator->all || invalidator->sending_all || queue != &invalidator->queues[NODES])
		return false;
	invalidator->all = false;
	invalidator->sending_all = true;
	/* Names stay queued, because lower directories do not list names that were removed. */
	queue->n = 0;
	return true;
}

static void *queue_main(void *arg)
{
	struct queue *queue = arg;
	struct invalidator *invalidator = queue->invalidator;

	/* A notification takes little time, and clients read stale data until it is sent. */
	cpu_set_fifo();
	fs_thread_init();
	/* is_absent() opens directories by handle; notifications need no capability. */
	caps_limit(CAP_BIT(CAP_DAC_READ_SEARCH));
	pthread_mutex_lock(&invalidator->lock);
	while (!invalidator->stop) {
		if (take_all(queue)) {
			pthread_mutex_unlock(&invalidator->lock);
			/* A million nodes take a second: do not keep the CPU for so long. */
			cpu_set_normal();
			send_all(invalidator);
			cpu_set_fifo();
			pthread_mutex_lock(&invalidator->lock);
			invalidator->sending_all = false;
		} else if (queue->n) {
			struct job job = queue->jobs[queue->at];

			queue->at = (queue->at + 1) % N_JOBS;
			queue->n--;
			pthread_mutex_unlock(&invalidator->lock);
			queue->run(invalidator, &job);
			pthread_mutex_lock(&invalidator->lock);
		} else {
			pthread_cond_wait(&queue->work, &invalidator->lock);
		}
	}
	pthread_mutex_unlock(&invalidator->lock);
	return NULL;
}

int invalidator_new(struct chan *chan, struct submounts *submounts, bool can_expire,
		    struct invalidator **ret_invalidator)
{
	struct invalidator *invalidator = calloc(1, sizeof(*invalidator));

	if (!invalidator)
		return -ENOMEM;
	invalidator->chan = chan;
	invalidator->submounts = submounts;
	invalidator->can_expire = can_expire;
	pthread_mutex_init(&invalidator->lock, NULL);
	invalidator->queues[NODES].run = run_node;
	invalidator->queues[NAMES].run = run_name;
	for (unsigned int i = 0; i < N_QUEUES; i++) {
		struct queue *queue = &invalidator->queues[i];

		queue->invalidator = invalidator;
		pthread_cond_init(&queue->work, NULL);
		queue->jobs = calloc(N_JOBS, sizeof(*queue->jobs));
	}
	if (!invalidator->queues[NODES].jobs || !invalidator->queues[NAMES].jobs) {
		invalidator_free(invalidator);
		return -ENOMEM;
	}
	*ret_invalidator = invalidator;
	return 0;
}

int invalidator_start(struct invalidator *invalidator, struct fs *fs)
{
	int r = 0;

	invalidator->fs = fs;
	for (unsigned int i = 0; i < N_QUEUES; i++) {
		struct queue *queue = &invalidator->queues[i];

		while (r == 0 && queue->n_threads < N_THREADS) {
			r = thread_create(&queue->threads[queue->n_threads], NULL, queue_main,
					  queue);
			queue->n_threads += r == 0;
		}
	}
	return r;
}

void invalidator_stop(struct invalidator *invalidator)
{
	pthread_mutex_lock(&invalidator->lock);
	invalidator->stop = true;
	for (unsigned int i = 0; i < N_QUEUES; i++)
		pthread_cond_broadcast(&invalidator->queues[i].work);
	pthread_mutex_unlock(&invalidator->lock);
	for (unsigned int i = 0; i < N_QUEUES; i++) {
		struct queue *queue = &invalidator->queues[i];

		while (queue->n_threads)
			pthread_join(queue->threads[--queue->n_threads], NULL);
	}
}

struct invalidator *invalidator_free(struct invalidator *invalidator)
{
	if (!invalidator)
		return NULL;
	invalidator_stop(invalidator);
	for (unsigned int i = 0; i < N_QUEUES; i++) {
		pthread_cond_destroy(&invalidator->queues[i].work);
		free(invalidator->queues[i].jobs);
	}
	pthread_mutex_destroy(&invalidator->lock);
	free(invalidator);
	return NULL;
}

/* Queues a job. If job is NULL, or the queue is full, makes a thread invalidate everything. */
static void enqueue(struct invalidator *invalidator, int of, const struct job *job)
{
	struct queue *queue = &invalidator->queues[of];

	pthread_mutex_lock(&invalidator->lock);
	if (!job || queue->n == N_JOBS) {
		invalidator->all = true;
		queue = &invalidator->queues[NODES];
	} else {
		queue->jobs[(queue->at + queue->n++) % N_JOBS] = *job;
	}
	pthread_cond_signal(&queue->work);
	pthread_mutex_unlock(&invalidator->lock);
}

void invalidator_queue_node(struct invalidator *invalidator, uint64_t nodeid, bool data)
{
	invalidator_queue_range(invalidator, nodeid, data ? 0 : -1, 0);
}

void invalidator_queue_range(struct invalidator *invalidator, uint64_t nodeid, int64_t off,
			     int64_t len)
{
	enqueue(invalidator, NODES, &(struct job){ .nodeid = nodeid, .off = off, .len = len });
}

void invalidator_queue_name(struct invalidator *invalidator, uint64_t parent, const char *name,
			    uint64_t child, bool expire)
{
	struct job job = { .nodeid = parent, .child = child, .expire = expire };

	/* No file has a longer name, so the kernel cannot have cached one. */
	if (strlen(name) < sizeof(job.name)) {
		strcpy(job.name, name);
		enqueue(invalidator, NAMES, &job);
	}
}

void invalidator_queue_all(struct invalidator *invalidator)
{
	enqueue(invalidator, NODES, NULL);
}
