/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Invalidates what the kernel has cached of nodes and names. A thread that serves a request may
 * call only invalidator_send_attr(), invalidator_send_written() and the functions that queue: other
 * notifications wait for locks in the kernel that the client of the request may hold, which would
 * be a deadlock.
 */
#include "fs/fs.h"
#include "transport/chan.h"

struct submounts;
struct invalidator;

/*
 * invalidator_send_attr() invalidates the attributes and ACLs of a node, invalidator_send_written()
 * only the attributes that a write to a regular file changes. When they return, the kernel has
 * handled the notification. It takes no lock of a file or directory for these.
 */
void invalidator_send_attr(struct chan *chan, uint64_t nodeid);
void invalidator_send_written(struct chan *chan, uint64_t nodeid);

/*
 * Creates an invalidator. Borrows chan and submounts. can_expire is true if the kernel has
 * FUSE_HAS_EXPIRE_ONLY. Returns 0 or -ENOMEM.
 */
int invalidator_new(struct chan *chan, struct submounts *submounts, bool can_expire,
		    struct invalidator **ret_invalidator);
/*
 * Starts the threads. Borrows fs. Returns 0, or -errno; some threads may run even after a failure,
 * until invalidator_stop().
 */
int invalidator_start(struct invalidator *invalidator, struct fs *fs);
void invalidator_stop(struct invalidator *invalidator);
struct invalidator *invalidator_free(struct invalidator *invalidator);

/*
 * The next four functions queue a notification and return immediately; a thread sends it, and may
 * wait for the lock of a directory. If data is true, also invalidates the page cache.
 */
void invalidator_queue_node(struct invalidator *invalidator, uint64_t nodeid, bool data);
/* As invalidator_queue_node(), with the pages of len bytes from off on; len 0: to the end. */
void invalidator_queue_range(struct invalidator *invalidator, uint64_t nodeid, int64_t off,
			     int64_t len);
/*
 * child is the node that was removed with the name, or 0. If expire is true, the kernel keeps the
 * dentry and what is mounted on it, as invalidator.c explains.
 */
void invalidator_queue_name(struct invalidator *invalidator, uint64_t parent, const char *name,
			    uint64_t child, bool expire);
void invalidator_queue_all(struct invalidator *invalidator);

/* The names that a change of filters affects. */
struct invalidator_names {
	/* Returns true if the change may hide a name from some caller. NULL if it hides none. */
	bool (*lost)(void *aux, struct node *dir, const char *name, uint32_t type);
	void *aux;
	/*
	 * The change affects names that the lower directories do not have. The kernel can
	 * invalidate these since Linux 6.16, and only if no mount is inside the view.
	 */
	bool unlisted;
};
/*
 * Invalidates attributes and data of all nodes after a change of filters, and also all names unless
 * names is NULL. When this returns, the kernel can no longer cache a reply from before the change.
 * Waits for the lock of each directory, so it would deadlock inside a request.
 */
void invalidator_filters_changed(struct invalidator *invalidator, struct fs *fs,
				 const struct invalidator_names *names);
