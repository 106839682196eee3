// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file "trace" of a view in /proc/fs/penstock: events of filters and results of operations, as
 * records (struct module_record), to each task that has it open.
 *
 * Each reader has a queue. A record for which the queue has no room is dropped, and the next record
 * has the number of those that were dropped before it. Without readers an operation looks at one
 * pointer.
 *
 * trace_lock of the view guards the list of readers, and lets one task at a time write to the
 * queues. The lock of a reader lets one task at a time read from its queue.
 */
#include "filters/filters.h"

#include <linux/kfifo.h>
#include <linux/proc_fs.h>

#include "kernel/module-abi.h"

#define QUEUE_SIZE  (128 * 1024)
#define MAX_READERS 16

struct reader {
	struct list_head link;
	struct pst_sb *sb;
	STRUCT_KFIFO_REC_2(QUEUE_SIZE) queue;
	u32 lost;
	wait_queue_head_t wait;
	struct mutex lock;
};

/* ---- writing ----------------------------------------------------------------------------- */

#define TEXT_SIZE 256

static void put_text(struct module_record *r, const char *text)
{
	char *at = (char *)r + r->size;

	strscpy(at, text, TEXT_SIZE);
	r->size += strlen(at) + 1;
}

/*
 * Appends the path of a file in the view, or of a name in a directory; "" if it has none. A name
 * may lie in a slot, where programs can change it at any time.
 */
static void put_path(struct module_record *r, struct filter_node *node, const char *name)
{
	struct dentry *alias = node ? d_find_any_alias(pst_inode_of(node)) : NULL;
	char *at = (char *)r + r->size, *path;

	*at = '\0';
	if (alias) {
		path = dentry_path_raw(alias, at, PATH_MAX);
		path = IS_ERR(path) ? "..." : path;
		memmove(at, path, strlen(path) + 1);
		dput(alias);
	}
	if (*at && name) {
		path = at + strlen(at);
		if (path[-1] != '/')
			*path++ = '/';
		strscpy(path, name, PST_NAME_SIZE);
	}
	r->size += strlen(at) + 1;
}

static struct module_record *make_record(const struct filter_call *call)
{
	const struct op *op = op_find(call->opcode);
	struct module_record *r;

	/* The task has a slot: others must not wait for it while it frees memory. */
	r = kmalloc(sizeof(*r) + 2 * (PATH_MAX + PST_NAME_SIZE + 1) + 2 * TEXT_SIZE,
		    GFP_NOWAIT | __GFP_NOWARN);
	if (!r)
		return NULL;
	*r = (struct module_record){
		.size = sizeof(*r),
		.opcode = op_filter_opcode(call->opcode),
		.time_ns = ktime_get_real_ns(),
		.uid = call->uid,
		.gid = call->gid,
		.pid = call->caller.pid,
	};
	put_path(r, call->node, op->n_entries ? call->name[0] : NULL);
	put_path(r, call->node2, op->n_entries == 2 ? call->name[1] : NULL);
	return r;
}

/* Writes a record to each reader, and frees it. NULL: one that could not be made. */
static void give(struct pst_sb *s, struct module_record *r)
{
	struct reader *reader;

	spin_lock(&s->trace_lock);
	list_for_each_entry(reader, &s->readers, link) {
		if (r)
			r->lost = reader->lost;
		if (r && kfifo_in(&reader->queue, (unsigned char *)r, r->size))
			reader->lost = 0;
		else
			reader->lost++;
		wake_up_interruptible(&reader->wait);
	}
	spin_unlock(&s->trace_lock);
	kfree(r);
}

/*
 * Makes the record of an event of a program, or, if @event is NULL, of the result of the operation,
 * and gives it to the readers. entry: the filter, or NULL.
 */
static void report(const struct filter_call *call, const struct chain_entry *entry, u32 flags,
		   const struct pst_event *event, int error)
{
	struct pst_sb *s = pst_sb(pst_inode_of(call->node)->i_sb);
	struct module_record *r;

	if (!pst_trace_is_read(s))
		return;
	r = make_record(call);
	if (r) {
		r->flags = flags;
		r->error = error;
		if (event)
			memcpy(r->value, event->value, sizeof(r->value));
		else
			r->verdict = call->verdict;
		put_text(r, entry ? entry->facts->name : "");
		put_text(r, event ? event->what : "");
	}
	give(s, r);
}

/* Reports an event of a program; error: the result so far if it is a post program. */
void pst_trace_event(struct filter_call *call, const struct chain_entry *entry,
		     enum filter_kind kind, const struct pst_event *event, int error)
{
	u32 flags = MODULE_RECORD_EVENT | (kind == FILTER_POST ? MODULE_RECORD_RESULT : 0);

	report(call, entry, flags, event, error);
}

/* Reports the result of an operation that filters were involved in. */
void pst_trace_result(const struct filter_call *call, int error)
{
	const struct chain_entry *entry = call->decided_by;
	u32 flags = MODULE_RECORD_RESULT | (entry ? MODULE_RECORD_VERDICT : 0);

	if (call->filters)
		report(call, entry, flags, NULL, error);
}

/* ---- reading ----------------------------------------------------------------------------- */

static int trace_open(struct inode *inode, struct file *file)
{
	struct reader *reader, *other;
	unsigned int n = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	reader = kvzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);
	if (!reader)
		return -ENOMEM;
	INIT_KFIFO(reader->queue);
	reader->sb = pde_data(inode);
	init_waitqueue_head(&reader->wait);
	mutex_init(&reader->lock);
	file->private_data = reader;
	spin_lock(&reader->sb->trace_lock);
	list_for_each_entry(other, &reader->sb->readers, link)
		n++;
	if (n < MAX_READERS)
		list_add(&reader->link, &reader->sb->readers);
	spin_unlock(&reader->sb->trace_lock);
	if (n < MAX_READERS)
		return 0;
	kvfree(reader);
	return -EBUSY;
}

static int trace_release(struct inode *inode, struct file *file)
{
	struct reader *reader = file->private_data;

	spin_lock(&reader->sb->trace_lock);
	list_del(&reader->link);
	spin_unlock(&reader->sb->trace_lock);
	kvfree(reader);
	return 0;
}

/* Gives one record: -EMSGSIZE if it is larger than the buffer, 0 when the view has ended. */
static ssize_t trace_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	struct reader *reader = file->private_data;
	unsigned int copied = 0;
	ssize_t err;

	if (mutex_lock_interruptible(&reader->lock))
		return -EINTR;
	if (file->f_flags & O_NONBLOCK && kfifo_is_empty(&reader->queue))
		err = READ_ONCE(reader->sb->trace_ended) ? 0 : -EAGAIN;
	else
		err = wait_event_interruptible(reader->wait,
					       !kfifo_is_empty(&reader->queue) ||
						       READ_ONCE(reader->sb->trace_ended));
	if (!err && !kfifo_is_empty(&reader->queue))
		err = kfifo_peek_len(&reader->queue) > size ?
			      -EMSGSIZE :
			      kfifo_to_user(&reader->queue, to, size, &copied);
	mutex_unlock(&reader->lock);
	return err ? err : copied;
}

/*
 * There is no poll(2): the reader goes with the view, and a task in poll(2) would have the wait
 * queue for longer.
 */
const struct proc_ops pst_trace_ops = {
	.proc_open = trace_open,
	.proc_release = trace_release,
	.proc_read = trace_read,
	.proc_lseek = noop_llseek,
};

void pst_trace_init(struct pst_sb *s)
{
	spin_lock_init(&s->trace_lock);
	INIT_LIST_HEAD(&s->readers);
}

/* Makes all readers return, before the file goes. */
void pst_trace_end(struct pst_sb *s)
{
	struct reader *reader;

	spin_lock(&s->trace_lock);
	WRITE_ONCE(s->trace_ended, true);
	list_for_each_entry(reader, &s->readers, link)
		wake_up_interruptible(&reader->wait);
	spin_unlock(&s->trace_lock);
}
