/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Invalidating what the kernel has cached of nodes and names. Only invalidator_send_attr() and
 * invalidator_send_written() may be called from inside a request: the other messages wait for locks
 * that the request may hold.
 */
#include "fs/fs.h"
#include "transport/chan.h"

struct submounts;
struct invalidator;

/*
 * Invalidates the attributes of a node with its ACLs; of a regular file only those that a write
 * changes. The message takes no lock of a file or directory, and is sent on return.
 */
void invalidator_send_attr(struct chan *chan, uint64_t nodeid);
void invalidator_send_written(struct chan *chan, uint64_t nodeid);

/* chan and inside are borrowed; can_expire: the kernel has FUSE_HAS_EXPIRE_ONLY. 0 or -ENOMEM. */
int invalidator_new(struct chan *chan, struct submounts *submounts, bool can_expire,
		    struct invalidator **ret_invalidator);
/* Starts the threads. 0 or -errno; some threads may run then. fs is borrowed. */
int invalidator_start(struct invalidator *invalidator, struct fs *fs);
void invalidator_stop(struct invalidator *invalidator);
struct invalidator *invalidator_free(struct invalidator *invalidator);

/* These queue a message and return at once; a thread sends it, and may wait for a directory. */
void invalidator_queue_node(struct invalidator *invalidator, uint64_t nodeid, bool data);
/*
 * child: the node that was removed with the name, or 0. expire: the dentry stays, see
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
	 * The change affects names that the lower directories do not have: these are invalidated
	 * only where no mount is inside the view, and from Linux 6.16 on.
	 */
	bool unlisted;
};
/*
 * Invalidates attributes and data of all nodes after a change of filters, and names (NULL: their
 * timeouts stay). On return no reply from before the change can be cached any more. Waits for each
 * directory whose lock a client holds; not to be called from inside a request.
 */
void invalidator_filters_changed(struct invalidator *invalidator, struct fs *fs,
				 const struct invalidator_names *names);
