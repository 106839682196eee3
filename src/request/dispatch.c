// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The life of a request: the only place that answers.
 *
 * Each operation is a row: enter (check-in: nodes and handles that its numbers stand for, names that
 * may be used), call (what it does), encode (the result, as the kernel has it), then check-out.
 * Operations return a result and leave the state of the engine alone; what the kernel will hold
 * numbers for is counted (commit) before the answer goes out, since the kernel may give it back
 * before we return from the call, and is taken back (undo) when the answer was not taken.
 *
 * Filters stand between enter and call, and between encode and commit (filter/apply.c): so what they
 * see is what came, and what they leave is checked before anything is counted.
 */
#include "filter/apply.h"
#include "filter/chain.h"
#include "filter/name-check.h"
#include "request/exact.h"
#include "request/keep.h"
#include "request/req.h"
#include "request/shown.h"
#include "request/trace.h"
#include "util/clock.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* Who asks where the kernel does not say: the ids of those who have no id here. */
#define NOBODY 65534

struct row {
	int (*enter)(struct req *req);
	int (*call)(struct req *req);
	void (*encode)(struct req *req); /* a good result that the call has left in req */
	void (*commit)(struct req *req); /* before a good answer goes out */
	void (*undo)(struct req *req);	 /* when it was not taken */
};

/* -- check-in -------------------------------------------------------------------------------- */

static int enter_node(struct req *req)
{
	req->node = fs_node(req->fs, req->msg.head->nodeid);
	return req->node ? 0 : -ESTALE;
}

static int enter_name(struct req *req)
{
	for (int i = 0; i < req->msg.op->n_entries; i++)
		if (!wire_name_ok(req->msg.name[i], req->msg.op->flags & OP_DOTS))
			return -EINVAL;
	return enter_node(req);
}

/* "." of a number that was forgotten: the kernel has been shown a file handle of the view. */
static int enter_lookup(struct req *req)
{
	int r = enter_name(req);

	if (r != -ESTALE || strcmp(req->msg.name[0], ".") != 0)
		return r;
	req->node = fs_node_revive(req->fs, req->msg.head->nodeid);
	return req->node ? 0 : -ESTALE;
}

static int enter_second(struct req *req, uint64_t nodeid)
{
	int r = enter_name(req);

	if (r < 0)
		return r;
	req->node2 = fs_node(req->fs, nodeid);
	return req->node2 ? 0 : -ESTALE;
}

static int enter_link(struct req *req)
{
	return enter_second(req, ((struct fuse_link_in *)req->msg.arg)->oldnodeid);
}

static int enter_rename(struct req *req)
{
	/* Both forms begin with the new directory. */
	return enter_second(req, ((struct fuse_rename_in *)req->msg.arg)->newdir);
}

/* SYMLINK: the second string is a text, not a name. */
static int enter_symlink(struct req *req)
{
	return wire_name_ok(req->msg.name[0], false) ? enter_node(req) : -EINVAL;
}

/* TMPFILE and xattrs carry a string that is not a name in a directory. */
static int enter_text(struct req *req)
{
	return enter_node(req);
}

static bool is_lacking(const struct req *req, uint32_t opcode)
{
	return req->host->disabled_ops >> opcode & 1;
}

/* A directory where OPENDIR is lacking: what it is opened for says where. */
static int enter_unopened(struct req *req)
{
	const struct fuse_read_in *in = req->msg.arg;
	uint32_t opcode = req->msg.head->opcode;
	bool lists = opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS;

	return fs_dir_at(req->fs, req->node, lists ? in->offset : 0, &req->handle);
}

/* All arguments of operations on open files begin with fh. */
static int enter_handle(struct req *req)
{
	int r = enter_node(req);

	if (r < 0)
		return r;
	if (S_ISDIR(req->node->type) && is_lacking(req, FUSE_OPENDIR))
		return enter_unopened(req);
	req->handle = fs_handle(req->fs, *(uint64_t *)req->msg.arg, req->node);
	return req->handle ? 0 : -EBADF;
}

static int enter_file(struct req *req)
{
	int r = enter_handle(req);

	return r == 0 && req->handle->dir ? -EISDIR : r;
}

static int enter_dir(struct req *req)
{
	int r = enter_handle(req);

	return r == 0 && !req->handle->dir ? -ENOTDIR : r;
}

static int enter_copy(struct req *req)
{
	const struct fuse_copy_file_range_in *in = req->msg.arg;
	int r = enter_file(req);

	if (r < 0)
		return r;
	req->node2 = fs_node(req->fs, in->nodeid_out);
	if (!req->node2)
		return -ESTALE;
	req->handle2 = fs_handle(req->fs, in->fh_out, req->node2);
	return req->handle2 && !req->handle2->dir ? 0 : -EBADF;
}

/* Attributes may be asked for and set by way of an open file; without one is fine. */
static int enter_getattr(struct req *req)
{
	const struct fuse_getattr_in *in = req->msg.arg;
	int r = enter_node(req);

	if (r == 0 && (in->getattr_flags & FUSE_GETATTR_FH))
		req->handle = fs_handle(req->fs, in->fh, req->node);
	return r;
}

static int enter_setattr(struct req *req)
{
	const struct fuse_setattr_in *in = req->msg.arg;
	int r = enter_node(req);

	if (r == 0 && (in->valid & FATTR_FH))
		req->handle = fs_handle(req->fs, in->fh, req->node);
	return r;
}

static int enter_nothing(struct req *req)
{
	(void)req;
	return 0;
}

/* -- check-out ------------------------------------------------------------------------------- */

static void encode_entry(struct req *req)
{
	struct fuse_entry_out *out = req_out(req, sizeof(*out));
	struct fs_entry *entry = &req->entry;

	if (entry->node) {
		encode_entry_out(&entry->attr.stx, entry->node->id,
				 fs_generation(req->fs, entry->node), entry->entry_ns,
				 entry->attr.attr_ns, out);
	} else {
		*out = (struct fuse_entry_out){
			.entry_valid = entry->entry_ns / 1000000000,
			.entry_valid_nsec = (uint32_t)(entry->entry_ns % 1000000000),
		};
	}
}

static bool is_dots(const struct req *req)
{
	const char *name = req->msg.name[0];

	return req->msg.head->opcode == FUSE_LOOKUP &&
	       (strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
}

static void commit_entry(struct req *req)
{
	struct chain *chain = req->chain;

	if (!req->entry.node)
		return;
	/* ".." leads to a directory that has nothing of this one. */
	if (chain && !is_dots(req))
		filtered_place(req, req->entry.node);
	node_remember(req->entry.node);
}

static void undo_entry(struct req *req)
{
	if (req->entry.node)
		fs_forget(req->fs, req->entry.node->id, 1);
}

static void fill_open(struct req *req, struct fuse_open_out *out)
{
	const struct fs_open *open = &req->open;

	out->fh = handle_fh(open->handle);
	out->backing_id = open->backing_id;
	if (open->mode == IO_PASSTHROUGH)
		out->open_flags |= FOPEN_PASSTHROUGH;
	if (open->mode == IO_DIRECT)
		out->open_flags |= FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES;
	if (open->keep_cache)
		out->open_flags |= FOPEN_KEEP_CACHE;
	if (open->cache_dir)
		out->open_flags |= FOPEN_CACHE_DIR;
	if (open->no_flush)
		out->open_flags |= FOPEN_NOFLUSH;
}

static void encode_open(struct req *req)
{
	fill_open(req, req_out(req, sizeof(struct fuse_open_out)));
}

static void undo_open(struct req *req)
{
	fs_release(req->fs, req->open.handle);
	fs_handle_put(req->fs, req->open.handle);
}

static void encode_create(struct req *req)
{
	struct pst_create_out *out;

	encode_entry(req);
	out = req_out(req, sizeof(*out));
	fill_open(req, &out->open);
}

static void undo_create(struct req *req)
{
	undo_open(req);
	undo_entry(req);
}

/* -- the table ------------------------------------------------------------------------------- */

static const struct row rows[OP_MAX] = {
	[FUSE_LOOKUP] = { enter_lookup, op_lookup, encode_entry, commit_entry, undo_entry },
	[FUSE_FORGET] = { enter_nothing, op_forget },
	[FUSE_BATCH_FORGET] = { enter_nothing, op_batch_forget },
	[FUSE_GETATTR] = { enter_getattr, op_getattr },
	[FUSE_STATX] = { enter_getattr, op_statx },
	[FUSE_SETATTR] = { enter_setattr, op_setattr },
	[FUSE_READLINK] = { enter_node, op_readlink },
	[FUSE_SYMLINK] = { enter_symlink, op_symlink, encode_entry, commit_entry, undo_entry },
	[FUSE_MKNOD] = { enter_name, op_mknod, encode_entry, commit_entry, undo_entry },
	[FUSE_MKDIR] = { enter_name, op_mkdir, encode_entry, commit_entry, undo_entry },
	[FUSE_UNLINK] = { enter_name, op_unlink },
	[FUSE_RMDIR] = { enter_name, op_rmdir },
	[FUSE_RENAME] = { enter_rename, op_rename },
	[FUSE_RENAME2] = { enter_rename, op_rename },
	[FUSE_LINK] = { enter_link, op_link, encode_entry, commit_entry, undo_entry },
	[FUSE_OPEN] = { enter_node, op_open, encode_open, NULL, undo_open },
	[FUSE_CREATE] = { enter_name, op_create, encode_create, commit_entry, undo_create },
	[FUSE_TMPFILE] = { enter_text, op_tmpfile, encode_create, commit_entry, undo_create },
	[FUSE_READ] = { enter_file, op_read },
	[FUSE_WRITE] = { enter_file, op_write },
	[FUSE_FLUSH] = { enter_file, op_flush },
	[FUSE_RELEASE] = { enter_handle, op_release },
	[FUSE_FSYNC] = { enter_handle, op_fsync },
	[FUSE_OPENDIR] = { enter_node, op_opendir, encode_open, NULL, undo_open },
	[FUSE_READDIR] = { enter_dir, op_readdir, NULL, op_readdir_commit },
	[FUSE_READDIRPLUS] = { enter_dir, op_readdir, NULL, op_readdir_commit, op_readdir_undo },
	[FUSE_RELEASEDIR] = { enter_handle, op_release },
	[FUSE_FSYNCDIR] = { enter_handle, op_fsync },
	[FUSE_STATFS] = { enter_node, op_statfs },
	[FUSE_SYNCFS] = { enter_node, op_syncfs },
	[FUSE_SETXATTR] = { enter_text, op_setxattr },
	[FUSE_GETXATTR] = { enter_text, op_getxattr },
	[FUSE_LISTXATTR] = { enter_node, op_listxattr },
	[FUSE_REMOVEXATTR] = { enter_text, op_removexattr },
	[FUSE_GETLK] = { enter_file, op_getlk },
	[FUSE_SETLK] = { enter_file, op_setlk },
	[FUSE_SETLKW] = { enter_file, op_setlk },
	[FUSE_FALLOCATE] = { enter_file, op_fallocate },
	[FUSE_LSEEK] = { enter_file, op_lseek },
	[FUSE_COPY_FILE_RANGE] = { enter_copy, op_copy },
	[FUSE_COPY_FILE_RANGE_64] = { enter_copy, op_copy },
	[FUSE_IOCTL] = { enter_handle, op_ioctl },
	[FUSE_INTERRUPT] = { enter_nothing, op_interrupt },
	[FUSE_DESTROY] = { enter_nothing, op_destroy },
	/*
	 * Answered ENOSYS, which the kernel remembers, because it is true for every node: ACCESS
	 * (the kernel checks permissions itself), BMAP, POLL (files are always ready), and a
	 * second INIT.
	 */
};

static void caller_of(struct req *req)
{
	const struct fuse_in_header *head = req->msg.head;

	req->caller = (struct fs_caller){ .uid = head->uid, .gid = head->gid, .pid = head->pid };
	if (head->uid == FUSE_INVALID_UIDGID) {
		req->caller.uid = req->caller.gid = NOBODY;
		req->caller.unknown = true;
	}
	if (req->msg.ext_len)
		req->caller.has_group = wire_ext_group(&req->msg, &req->caller.group);
}

/* Answers with data take the place of the request's: what is still needed of it moves aside. */
static int move_aside(struct req *req)
{
	struct wire_msg *msg = &req->msg;
	char *aside = req->slot.base + SLOT_ASIDE;
	size_t name_len = msg->op->n_names ? strlen(msg->name[0]) + 1 : 0;

	req->data = slot_data(&req->slot);
	if (!msg->op->data_unit && !name_len)
		return 0;
	if (name_len + msg->data_len > SLOT_ASIDE_SIZE)
		return msg->op->n_names ? -ERANGE : -EINVAL;
	if (name_len)
		msg->name[0] = memcpy(aside, msg->name[0], name_len);
	if (msg->op->data_unit)
		msg->data = memcpy(aside + name_len, msg->data, msg->data_len);
	return 0;
}

static void answer(struct req *req, const struct row *row, int r)
{
	struct chan_answer answer = { .unique = req->msg.head->unique, .error = r };
	int sent;

	if (r == 0) {
		if (row->commit)
			row->commit(req);
		answer.arg = req->slot.base + SLOT_OUT;
		answer.arg_len = req->out_len;
		answer.data = req->data;
		answer.data_len = req->data_len;
	}
	sent = req->chan->ops->reply(req->chan, req_home(req), &answer);
	if (sent == 0 || r != 0)
		return;
	if (row->undo)
		row->undo(req);
	if (sent == CHAN_E_REFUSED) {
		log_error("the kernel refused the answer to %s: a bug; the caller gets EIO",
			  req->msg.op->name);
		answer.error = -EIO;
		req->chan->ops->reply(req->chan, req_home(req), &answer);
	}
}

/* Gives back what check-in has taken. */
static void check_in_undo(struct req *req)
{
	struct fs *fs = req->fs;

	fs_handle_put(fs, req->handle);
	fs_handle_put(fs, req->handle2);
	fs_node_put(fs, req->node);
	fs_node_put(fs, req->node2);
	req->handle = req->handle2 = NULL;
	req->node = req->node2 = NULL;
}

static void let_go(struct req *req)
{
	exact_leave(req->host->exact, req);
	check_in_undo(req);
	req_rename_end(req);
	fs_node_put(req->fs, req->entry.node);
	req_clear(req);
	req_leave_chain(req);
}

/* The filters before the operation; what a name's file has of its directory, for those after it. */
static int enter_filters(struct req *req)
{
	struct chain *chain = req->chain;
	int r = 0;

	if (atomic_load_explicit(&chain->arriving, memory_order_acquire))
		req->host->settle(req);
	req->filters = filtered_by(req);
	if (req->filters && (chain->delays & req->filters) && !req->in_pool)
		return REQ_TO_POOL;
	if (req->filters)
		r = exact_enter(req->host->exact, req) ? REQ_TO_POOL :
								  filtered_before(req);
	else if (req->node)
		judge_inherit(req, req->node);
	/* After the names: what is hidden must not be looked at. */
	return r == 0 && chain->attached ? judge_attached(req) : r;
}

/* The operation itself. */
static int call(struct req *req, const struct row *row)
{
	uint32_t began = clock_ms();
	int r;

	fs_serve(&req->caller);
	r = row->call(req);
	fs_serve(NULL);
	if (req->timed)
		latency_record(&req->host->latency, clock_ms() - began);
	return r == FS_WOULD_WAIT ? REQ_TO_POOL : r;
}

/* Check-in, filters and call; what of it is kept in the request is let go of by the caller. */
static int run(struct req *req, const struct row *row)
{
	int r = 0;

	if (req->stage == STAGE_ARRIVED) {
		caller_of(req);
		r = row->enter(req);
		if (r == 0 && req->chain)
			r = enter_filters(req);
		if (r == 0 && req->msg.op->answer)
			r = move_aside(req);
		/* It begins anew in the pool. */
		if (r == REQ_TO_POOL)
			check_in_undo(req);
		if (r != 0)
			return r;
		if (req->chain) {
			req->caller.filters = req->child.filters;
			req->caller.known_filters = ((struct chain *)req->chain)->all;
		}
		req->stage = STAGE_ENTERED;
	}
	req->out_len = req->data_len = 0;
	return call(req, row);
}

/* What was done below, and the kernel is told was not: what it has in mind of it is wrong now. */
static void take_back(struct req *req)
{
	bool names = req->msg.op->n_entries;
	bool cut = req->open.handle && (req->open.handle->flags & O_TRUNC);

	if (req->open.handle)
		undo_open(req);
	if (!cut && !(req->msg.op->flags & OP_CHANGES))
		return;
	fs_invalidate(req->fs, req->node, names ? req->msg.name[0] : NULL);
	if (req->node2)
		fs_invalidate(req->fs, req->node2,
			    req->msg.op->n_entries > 1 ? req->msg.name[1] : NULL);
}

/* Returns true where what the operation changes has to be on the disk before the reply (sync, dirsync). */
static bool is_durable(const struct req *req)
{
	const struct op *op = req->msg.op;

	/* An open may cut a file off. */
	if (req->msg.head->opcode == FUSE_OPEN)
		return req->host->sync;
	return (op->flags & OP_CHANGES) && (req->host->sync || (req->host->dirsync && op->n_entries));
}

/* Waits until what was done is on the disk, where the view is to be so; a failure is the operation's. */
static int make_durable(struct req *req)
{
	uint32_t opcode = req->msg.head->opcode;
	int r;

	if (!is_durable(req) || opcode == FUSE_WRITE)
		return 0;
	if (opcode == FUSE_OPEN && !(req->open.handle->flags & O_TRUNC))
		return 0;
	r = fs_sync_change(req->fs, req->node);
	if (r == 0 && req->node2)
		r = fs_sync_change(req->fs, req->node2);
	if (r < 0)
		take_back(req);
	return r;
}

/* The filters after the operation. What they refuse of what was done is taken back. */
static int leave_filters(struct req *req, const struct row *row, int r)
{
	bool answered = r == FILTERED_DONE;
	int then;

	if (answered)
		r = 0;
	else if (row->call == op_lookup && req->stage == STAGE_ENTERED && req->filters)
		r = filtered_found(req, r);
	if (r == 0 && !answered && row->encode)
		row->encode(req);
	if (answered && r == 0)
		shown_check(req);
	if (!req->passed && !(answered && row->call == op_read))
		return r;
	if (row->call == op_readdir)
		return op_readdir_leave(req, r, answered);
	then = row->call == op_read ? op_read_leave(req, r, answered) : filtered_after(req, r);
	if (r == 0 && then != 0)
		take_back(req);
	/* That a name is absent is an answer without a file, which filters may have written on. */
	if (then == 0 && row->call == op_lookup && !req->entry.node)
		row->encode(req);
	return then;
}

/* What an op came to, as an answer; one that is none is the op's fault, not the caller's. */
static int answer_of(struct req *req, int r)
{
	if (r <= 0 && r > -512)
		return r;
	log_error("%s came to %d, which is no answer: a bug", req->msg.op->name, r);
	return -EIO;
}

/* Filters can only see what lies in their memory; what came before they did moves there. */
static struct req *take_chain(struct req *req)
{
	if (req->in_pool || !req_enter_chain(req) || req->slot.in_map)
		return req;
	req_leave_chain(req);
	req = req->host->move(req);
	req_enter_chain(req);
	return req;
}

/* Hands the request to the pool, as it stands; false: there is no pool, or it has no room for the user. */
static bool to_pool(struct req *req, struct req **ret_other)
{
	req->timed = false;
	return !req->in_pool && req->host->to_pool(req, true, false, ret_other);
}

/* A change can be held up below, and requests may come for the thread meanwhile that nobody else gets. */
static bool is_risky(struct req *req)
{
	return (req->msg.op->flags & OP_CHANGES) && req_kept(req) && req->chan->ops->surplus(req->chan);
}

/*
 * Likewise for a request that looks or reads. It does not queue behind requests of the same user
 * that wait: the kernel may hold a directory locked for it. So where no thread of the pool is free
 * it is run here, unless nobody else would receive requests then.
 */
static bool look_to_pool(struct req *req, bool by_nature, struct req **ret_other)
{
	struct request_host *host = req->host;

	if (req->in_pool)
		return false;
	req->timed &= !by_nature;
	return host->to_pool(req, by_nature, true, ret_other) ||
	       (!host->spare(req, true) && host->to_pool(req, by_nature, false, ret_other));
}

/* Likewise before it has begun: by its nature, or because what it asks is slow. */
static bool to_pool_at_first(struct req *req, struct req **ret_other)
{
	const struct op *op = req->msg.op;

	if (op->pool == OP_POOL_ALWAYS || is_durable(req))
		return to_pool(req, ret_other);
	if (req->in_pool || op->pool == OP_POOL_NEVER)
		return false;
	if (!fs_is_remote(req->fs) && !latency_is_high(&req->host->latency) && !is_risky(req))
		return false;
	return op->flags & OP_CHANGES ? req->host->to_pool(req, false, false, ret_other) :
					look_to_pool(req, false, ret_other);
}

/*
 * The pool has no room for one more request of this user, and no thread is left to take requests of
 * others if this one is held up, too.
 */
static bool is_too_many(struct req *req)
{
	const struct op *op = req->msg.op;

	return !req->in_pool && ((op->flags & OP_CHANGES) || op->pool == OP_POOL_ALWAYS) &&
	       req->host->has_pool && latency_is_high(&req->host->latency) &&
	       !req->host->spare(req, false);
}

/*
 * Blocks this thread, since the pool has no room for one more request of this user. One more open of a
 * file under lease is refused, as open(2) with O_NONBLOCK would be.
 */
static int run_here(struct req *req, const struct row *row)
{
	int r;

	if (req->msg.head->opcode == FUSE_OPEN && req->stage == STAGE_ENTERED &&
	    req->host->has_pool)
		return -EAGAIN;
	req->in_pool = true;
	fs_thread_may_wait(true);
	r = run(req, row);
	fs_thread_may_wait(false);
	return r;
}

/* Returns what the operation came to; REQ_TO_POOL: it is to be run in the pool. */
static int serve(struct req *req, const struct row *row)
{
	/* What a view does not have, the kernel is told when it first asks: it asks no more. */
	if (!row->call || is_lacking(req, req->msg.head->opcode))
		return -ENOSYS;
	return is_too_many(req) ? -EAGAIN : run(req, row);
}

/* Post filters, answer and check-out of a request that came to r. */
static struct req *finish(struct req *req, const struct row *row, int r)
{
	struct later *later;

	if (r == 0)
		r = make_durable(req);
	if (r != FS_LATER) {
		r = answer_of(req, leave_filters(req, row, r));
		exact_leave(req->host->exact, req);
		if (row->call == op_lookup && keep_mounts(req, &r))
			encode_entry(req);
		req->host->count(req, r);
		/* Before the answer, which may take the place of what came. */
		trace_end(req, r);
		if (!(req->msg.op->flags & OP_NO_REPLY))
			answer(req, row, r);
	}
	later = r == FS_LATER ? req->later : NULL;
	let_go(req);
	return req_done(req, later);
}

struct req *req_cancel(struct req *req, int error)
{
	return finish(req, &rows[req->msg.head->opcode], error);
}

struct req *req_serve(struct req *req)
{
	const struct row *row = &rows[req->msg.head->opcode];
	struct req *other;
	int r;

	if (req->stage == STAGE_ARRIVED && !req->in_pool) {
		req = take_chain(req);
		req->timed = true;
		trace_begin(req);
	}
	if (to_pool_at_first(req, &other))
		return other;
	r = serve(req, row);
	if (r == REQ_TO_POOL) {
		bool reads = req->msg.head->opcode == FUSE_READ;

		if (reads ? look_to_pool(req, true, &other) : to_pool(req, &other))
			return other;
		r = run_here(req, row);
	}
	return finish(req, row, r);
}
