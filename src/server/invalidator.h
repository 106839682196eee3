/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Invalidates what the kernel has cached of nodes and names. Only invalidator_send_attr(),
 * invalidator_send_written() and the functions that queue may be called from inside a request:
 * other messages wait for locks that the client of the request may hold.
 */
#include "fs/fs.h"
#include "transport/chan.h"

struct submounts;
struct invalidator;

/*
 * Invalidates the attributes and ACLs of a node; invalidator_send_written(): only the attributes
 * that a write to a regular file changes. The kernel takes no lock of a file or directory for the
 * message, which is sent on return.
 */
void invalidator_send_attr(struct chan *chan, uint64_t nodeid);
void invalidator_send_written(struct chan *chan, uint64_t nodeid);

/*
 * chan and submounts are borrowed. can_expire: the kernel has FUSE_HAS_EXPIRE_ONLY. Returns 0 or
 * -ENOMEM.
 */
int invalidator_new(struct chan *chan, struct submounts *submounts, bool can_expire,
		    struct invalidator **ret_invalidator);
/* Starts the threads. fs is borrowed. Returns 0 or -errno; some threads may run then. */
int invalidator_start(struct invalidator *invalidator, struct fs *fs);
void invalidator_stop(struct invalidator *invalidator);
struct invalidator *invalidator_free(struct invalidator *invalidator);

/*
 * The next three functions queue a message and return at once; a thread sends it, and may wait for
 * the lock of a directory. data: invalidates the page cache, too.
 */
void invalidator_queue_node(struct invalidator *invalidator, uint64_t nodeid, bool data);
/*
 * child: the node that was removed with the name, or 0. expire: the kernel keeps the dentry; see
 * invalidator.c.
 */
void invalidator_queue_name(struct invalidator *invalidator, uint64_t parent, const char *name,
			    uint64_t child, bool expire);
void invalidator_queue_all(struct invalidator *invalidator);

/* The names that a change of filters affects. */
struct invalidator_names {
	/* Returns true where the change may hide a name from some caller. NULL: it hides none. */
	bool (*lost)(void *aux, struct node *dir, const char *name, uint32_t type);
	void *aux;
	/*
	 * The change affects names that the lower directories do not have. The kernel can
	 * invalidate these from Linux 6.16 on, and only where no mount is inside the view.
	 */
	bool unlisted;
};
/*
 * Invalidates attributes and data of all nodes after a change of filters, and names (NULL: the
 * timeouts of names stay). On return the kernel can no longer cache a reply from before the change.
 * Waits for each directory whose lock a client holds; not to be called from inside a request.
 */
void invalidator_filters_changed(struct invalidator *invalidator, struct fs *fs,
				 const struct invalidator_names *names);
