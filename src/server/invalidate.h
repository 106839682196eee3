/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What we tell the kernel unasked. But for attributes never from inside a request: it may hold what
 * this waits for.
 */
#include "transport/chan.h"
#include "fs/fs.h"

/*
 * Attributes of a node alone, with its ACLs; of a regular file those alone that a write changes.
 * These take no lock of a file or directory, so they are what may be told from inside a request.
 */
void notify_attr(struct chan *chan, uint64_t nodeid);
void notify_written(struct chan *chan, uint64_t nodeid);

/*
 * Sending from threads of its own, some, since a message may have to wait: for a directory that
 * somebody is at work in. The functions notifier_*() return at once.
 */
struct inside;
struct notifier;
/* can_expire: the kernel has FUSE_HAS_EXPIRE_ONLY. inside must outlive the notifier. */
int notifier_new(struct chan *chan, struct inside *inside, bool can_expire,
		 struct notifier **ret_notifier);
int notifier_start(struct notifier *notifier, struct fs *fs);
void notifier_stop(struct notifier *notifier);
struct notifier *notifier_free(struct notifier *notifier);
void notifier_node(struct notifier *notifier, uint64_t nodeid, bool data);
/*
 * A name; child: the node that was removed with it, or 0; expire: the dentry stays, see
 * invalidate.c.
 */
void notifier_name(struct notifier *notifier, uint64_t parent, const char *name, uint64_t child,
		   bool expire);
void notifier_all(struct notifier *notifier);

/* Which names a change of filters has to do with: all that the kernel may have cached. */
struct notify_names {
	/* Whether the change may take a name away from somebody. NULL: none. */
	bool (*lost)(void *aux, struct node *dir, const char *name, uint32_t type);
	void *aux;
	/*
	 * Whether the change has to do with names that the lower directories do not have: such are
	 * invalidated only where nothing is mounted inside the view, and from Linux 6.16 on.
	 */
	bool unlisted;
};
/*
 * After a change of filters: invalidates attributes and data of all nodes, and names (NULL: their
 * timeouts stay). When this returns no reply from before the change can be cached any more. Waits
 * for each directory that somebody is at work in; not from inside a request.
 */
void notify_change(struct notifier *notifier, struct fs *fs, const struct notify_names *names);
