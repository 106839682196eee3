/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * What we tell the kernel unasked. But for attributes never from inside a request: it may hold what
 * this waits for.
 */
#include "chan/chan.h"
#include "fs/fs.h"

/*
 * Attributes of a node alone, with its ACLs; of a regular file those alone that a write changes. These
 * take no lock of a file or directory, so they are what may be told from inside a request.
 */
void notify_attr(struct chan *chan, uint64_t nodeid);
void notify_written(struct chan *chan, uint64_t nodeid);

/* All that the kernel keeps of names, attributes and data is asked for anew from now on. */
void notify_all(struct chan *chan, struct fs *fs);

/*
 * Telling from threads of its own, some, since one may have to wait: for a directory that somebody is
 * at work in. The functions return at once.
 */
struct notifier;
int notifier_new(struct chan *chan, struct notifier **ret_notifier);
int notifier_start(struct notifier *notifier, struct fs *fs);
void notifier_stop(struct notifier *notifier);
struct notifier *notifier_free(struct notifier *notifier);
void notifier_node(struct notifier *notifier, uint64_t nodeid, bool data);
void notifier_name(struct notifier *notifier, uint64_t parent, const char *name, uint64_t child);
void notifier_all(struct notifier *notifier);
