/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Running the filters that hold for a request.
 *
 * Names come first: programs for names say which names there are, and what holds for their files.
 * Then pre programs in the order of the chain; the first that does not let the operation pass decides
 * it. Then post programs in the opposite order, of those filters only whose turn had come before.
 *
 * A filter that fails, or leaves what cannot be, fails the one operation with EIO and is counted.
 */
#include "core/filtered.h"
#include "core/frame.h"
#include "core/server-private.h"
#include "core/trace.h"
#include "util/log.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_DELAY_US 60000000u
#define DELAY_STEP_US 20000u

/* -- one program ------------------------------------------------------------------------------ */

/* The number that a program of a filter goes by. */
static uint32_t program_of(const struct req *req, enum filter_kind kind)
{
	return kind == FILTER_NAME ? 0 : filter_opcode(req->msg.head->opcode);
}

/* The filter is at fault: said once for each filter and operation, counted always. */
static int bad_counted(struct req *req, const struct link *link, enum filter_kind kind,
		       const char *what)
{
	static const char *const kinds[] = { "pre/", "post/", "name" };
	const struct filter_facts *facts = filter_facts(link->filter);
	uint32_t opcode = program_of(req, kind);
	struct filter_count count;

	filter_stat(link->filter, kind, opcode, &count);
	if (count.n_bad == 1)
		log_error("filter %s: its program %s%s %s; the operation failed with EIO. Further "
			  "failures are counted (`penstock filter stat`), not logged",
			  facts->name, kinds[kind],
			  kind == FILTER_NAME ? "" : filter_op_name(opcode), what);
	return -EIO;
}

static int bad(struct req *req, const struct link *link, enum filter_kind kind, const char *what)
{
	filter_count_bad(link->filter, kind, program_of(req, kind));
	return bad_counted(req, link, kind, what);
}

/* Runs a program of a filter. Returns its verdict, or -EIO with *ret_bad set. */
static int run(struct req *req, const struct link *link, enum filter_kind kind, bool *ret_bad)
{
	int verdict, r;

	frame_enter(req, link);
	r = filter_run(link->filter, kind, program_of(req, kind), req->number, &verdict);
	*ret_bad = r < 0;
	if (r < 0) {
		char what[80];

		snprintf(what, sizeof(what), "could not be run (%s)", strerror(-r));
		return bad_counted(req, link, kind, what);
	}
	frame_leave(req, link);
	if (frame_of(req)->n_events)
		trace_events(req, link);
	if (verdict > PST_SERVE || verdict <= -512) {
		*ret_bad = true;
		return bad(req, link, kind, "returned what is no verdict");
	}
	/* The kernel would take it for "no file of this view can do that", for ever. */
	if (verdict == -ENOSYS)
		verdict = -EOPNOTSUPP;
	if (verdict)
		trace_verdict(req, link, verdict);
	return verdict;
}

/* -- names ------------------------------------------------------------------------------------ */

enum use {
	USE_FIND,			/* the name has to be there */
	USE_MAKE,			/* it comes into being */
};

void filtered_inherit(struct req *req, struct node *dir)
{
	const struct chain *chain = req->chain;

	req->child.filters = dir->filters & chain->all;
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];

		if (link->cells)
			req->child.cells[link->bit] =
				link->cells[fs_node_number(req_fs(req), dir)];
	}
}

/* Asks all filters of a directory about a name as it is written. */
static int judge_written(struct req *req, struct node *dir, const char *name,
			 const struct statx *stx)
{
	const struct chain *chain = req->chain;
	uint64_t asked = dir->filters & chain->names;
	bool failed;
	int r = frame_name(req, dir, name);

	if (r < 0)
		return r;
	if (stx)
		frame_child(req, stx);
	req->dir = dir;
	for (unsigned int i = 0; i < chain->n && r == 0; i++) {
		const struct link *link = chain->links[i];

		if (!(asked >> link->bit & 1))
			continue;
		r = run(req, link, FILTER_NAME, &failed);
		if (!failed && r > 0)
			r = bad(req, link, FILTER_NAME, "answered a name, which it cannot");
	}
	req->dir = NULL;
	return r;
}

/* Asks about a name; leaves in req->child what holds for its file. */
static int judge(struct req *req, struct node *dir, const char *name, enum use use,
		 const struct statx *stx)
{
	const struct chain *chain = req->chain;
	char real[FS_NAME_SIZE];
	int r;

	filtered_inherit(req, dir);
	if (!(dir->filters & chain->names) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	r = judge_written(req, dir, name, stx);
	/* Where case makes no difference, other names lead to the same file. */
	if (r == 0 && !req->listed && fs_real_name(req_fs(req), dir, name, real) == 0)
		r = judge_written(req, dir, real, stx);
	/* What is hidden cannot be made either, whether or not it is there. */
	return r == -ENOENT && use == USE_MAKE ? -EPERM : r;
}

/* Whether the same cells of filters hold for two places of a file. */
static bool same_cells(const struct chain *chain, const struct placed *a, const struct placed *b)
{
	for (unsigned int i = 0; i < chain->n; i++) {
		unsigned int bit = chain->links[i]->bit;

		if (chain->links[i]->cells && a->cells[bit] != b->cells[bit])
			return false;
	}
	return true;
}

/*
 * Whether a file may go from one place to another although what holds for it there differs: never
 * with a directory, since what was said of all below it would have to be said anew; else unless it
 * would lose a filter. EXDEV makes programs copy instead, and a copy passes through the filters.
 */
static bool may_move(const struct chain *chain, uint32_t mode, const struct placed *from,
		     const struct placed *to)
{
	if (S_ISDIR(mode))
		return from->filters == to->filters && same_cells(chain, from, to);
	return !(from->filters & ~to->filters);
}

/* What is under one of the names of a RENAME: mode 0 where there is nothing. */
struct moved {
	struct node *node;		/* counted */
	struct statx stx;
};

static void peek(struct req *req, struct node *dir, const char *name, struct moved *ret_moved)
{
	*ret_moved = (struct moved){ 0 };
	if (fs_peek(req_fs(req), dir, name, &ret_moved->stx, &ret_moved->node) < 0)
		ret_moved->stx.stx_mode = 0;
}

/* Both names of a RENAME; req->child is what will hold for the file that moves. */
static int judge_rename(struct req *req)
{
	const struct chain *chain = req->chain;
	const struct fuse_rename2_in *in = req->msg.arg;
	bool exchange = in->flags & RENAME_EXCHANGE;
	struct moved moved, other;
	struct placed from;
	int r;

	peek(req, req->node, req->msg.name[0], &moved);
	peek(req, req->node2, req->msg.name[1], &other);
	r = judge(req, req->node, req->msg.name[0], USE_FIND, &moved.stx);
	from = req->child;
	if (r == 0) {
		req->child.node = moved.node;
		r = judge(req, req->node2, req->msg.name[1], exchange ? USE_FIND : USE_MAKE,
			  &moved.stx);
		req->child.node = NULL;
	}
	if (r == 0 && moved.stx.stx_mode &&
	    !may_move(chain, moved.stx.stx_mode, &from, &req->child))
		r = -EXDEV;
	if (r == 0 && exchange && other.stx.stx_mode &&
	    !may_move(chain, other.stx.stx_mode, &req->child, &from))
		r = -EXDEV;
	/* What gains a filter has it before it moves; it may keep it when it does not. */
	if (r == 0 && moved.node)
		filtered_place(req, moved.node);
	if (r == 0 && exchange && other.node) {
		struct placed to = req->child;

		req->child = from;
		filtered_place(req, other.node);
		req->child = to;
	}
	fs_node_put(req_fs(req), moved.node);
	fs_node_put(req_fs(req), other.node);
	return r;
}

/* What holds for a file by a name that it has below; false where that is not known. */
static bool judge_where_it_is(struct req *req, struct node *node)
{
	struct statx stx = { .stx_mode = node->type };
	char path[PATH_MAX], *name;
	struct node *dir;
	int r;

	fs_node_path(req_fs(req), node, path, sizeof(path));
	name = strrchr(path, '/');
	if (!name || path[0] != '/')
		return false;
	*name++ = '\0';
	if (fs_walk_path(req_fs(req), path[0] ? path + 1 : "", &dir) < 0)
		return false;
	r = judge(req, dir, name, USE_FIND, &stx);
	fs_node_put(req_fs(req), dir);
	return r == 0;
}

/* A hard link: the file keeps what holds for it, so the new name must not say less. */
static int judge_link(struct req *req)
{
	struct statx stx = { .stx_mode = req->node2->type };
	struct placed from;
	int r;

	/* More may hold for it than for its name: then the name decides. */
	if (judge_where_it_is(req, req->node2))
		from = req->child;
	else
		from.filters = req->node2->filters & req->chain->all;
	req->child.node = req->node2;
	r = judge(req, req->node, req->msg.name[0], USE_MAKE, &stx);
	req->child.node = NULL;
	if (r == 0 && (from.filters & ~req->child.filters))
		r = -EXDEV;
	return r;
}

static int judge_made(struct req *req, uint32_t mode)
{
	struct statx stx = { .stx_mode = (uint16_t)(mode & S_IFMT) };

	return judge(req, req->node, req->msg.name[0], USE_MAKE, &stx);
}

static int judge_names(struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return judge(req, req->node, req->msg.name[0], USE_FIND, NULL);
	case FUSE_CREATE:
		return judge_made(req, S_IFREG);
	case FUSE_MKDIR:
		return judge_made(req, S_IFDIR);
	case FUSE_MKNOD:
		return judge_made(req, req->kept->now.mknod.mode);
	case FUSE_SYMLINK:
		return judge_made(req, S_IFLNK);
	case FUSE_LINK:
		return judge_link(req);
	case FUSE_RENAME:
	case FUSE_RENAME2:
		return judge_rename(req);
	default:
		/* LOOKUP's is judged when it is known what it leads to. */
		filtered_inherit(req, req->node);
		return 0;
	}
}

/* -- before ----------------------------------------------------------------------------------- */

uint64_t filtered_by(const struct req *req)
{
	uint64_t holds = req->node ? req->node->filters : 0;

	if (req->node2)
		holds |= req->node2->filters;
	return req->chain->any[req->msg.head->opcode] & holds;
}

static void wait_us(struct req *req, uint32_t us)
{
	if (us > MAX_DELAY_US)
		us = MAX_DELAY_US;
	while (us && !server_stopping(req->server)) {
		uint32_t step = us < DELAY_STEP_US ? us : DELAY_STEP_US;
		struct timespec pause = { .tv_nsec = (long)step * 1000 };

		nanosleep(&pause, NULL);
		us -= step;
	}
}

/* PST_DONE for SETATTR: nothing was changed, and the attributes are what they are. */
static int done_setattr(struct req *req)
{
	struct fs_attr attr;
	int r = fs_getattr(req_fs(req), req->node, req->handle, &attr);

	if (r < 0)
		return r;
	encode_attr_out(&attr.stx, attr.attr_ns, req_out(req, sizeof(struct fuse_attr_out)));
	return FILTERED_DONE;
}

/* Closing is not a filter's to stop. */
static bool always_runs(uint32_t opcode)
{
	return opcode == FUSE_RELEASE || opcode == FUSE_RELEASEDIR;
}

static int pre_verdict(struct req *req, const struct link *link, int verdict)
{
	uint32_t opcode = req->msg.head->opcode;

	if (verdict == PST_SERVE)
		return bad(req, link, FILTER_PRE, "asks for a server, and this view has none");
	if (verdict < 0)
		return verdict;
	if (opcode == FUSE_SETATTR)
		return done_setattr(req);
	if (!frame_take_answer(req))
		return bad(req, link, FILTER_PRE, "filled an answer that is none");
	return FILTERED_DONE;
}

static int run_pre(struct req *req)
{
	const struct chain *chain = req->chain;
	uint32_t opcode = req->msg.head->opcode;
	uint64_t asked = req->filters & chain->pre[opcode];
	bool failed;
	int r = 0;

	for (unsigned int i = 0; i < chain->n && r == 0; i++) {
		const struct link *link = chain->links[i];

		if (asked >> link->bit & 1) {
			r = run(req, link, FILTER_PRE, &failed);
			if (r == 0 && !frame_take_request(req))
				r = bad(req, link, FILTER_PRE, "changed what it must not change");
			else if (r && !failed)
				r = pre_verdict(req, link, r);
			if (always_runs(opcode))
				r = 0;
		}
		if (r == 0)
			req->passed |= req->filters & 1ULL << link->bit;
	}
	return r;
}

/* Whether a pre program has put another name in the place of one that was judged. */
static bool names_changed(const struct req *req, char before[2][PST_NAME_SIZE])
{
	return strcmp(before[0], req->kept->name[0]) != 0 ||
	       strcmp(before[1], req->kept->name[1]) != 0;
}

/* Names that a pre program has put there are judged like those that came. */
static int judge_again(struct req *req)
{
	char aside[FRAME_SIZE];
	int r;

	memcpy(aside, req->slot.base, sizeof(aside));
	r = judge_names(req);
	memcpy(req->slot.base, aside, sizeof(aside));
	return r;
}

static int run_pre_and_judge(struct req *req)
{
	char before[2][PST_NAME_SIZE];
	int r;

	memcpy(before, req->kept->name, sizeof(before));
	r = run_pre(req);
	if (r == 0 && names_changed(req, before))
		r = judge_again(req);
	return r;
}

static bool asks_names(const struct req *req)
{
	return (req->chain->names & req->filters) && req->msg.op->n_names;
}

int filtered_before(struct req *req)
{
	uint32_t opcode = req->msg.head->opcode;
	int r = frame_keep(req);

	if (r < 0)
		return r;
	r = judge_names(req);
	frame_begin(req);
	if (r < 0) {
		req->passed = req->filters & ~req->decided;
		return r;
	}
	/* The programs for names have seen the text of a link where it lies. */
	if (opcode == FUSE_SYMLINK && !frame_take_request(req))
		return -EIO;
	r = asks_names(req) && (req->chain->pre[opcode] & req->filters) ? run_pre_and_judge(req)
									 : run_pre(req);
	if (frame_of(req)->delay_us && (req->chain->delays & req->filters))
		wait_us(req, frame_of(req)->delay_us);
	/*
	 * What the kernel keeps of it, it shows to others: what is read for a mapping, or spliced.
	 * EACCES makes programs that splice read instead.
	 */
	if (r == 0 && opcode == FUSE_READ &&
	    !(req->kept->came.read.read_flags & FUSE_READ_LOCKOWNER) &&
	    (req->chain->data & req->chain->by_caller & req->filters))
		r = -EACCES;
	if (r == 0 && (opcode == FUSE_COPY_FILE_RANGE || opcode == FUSE_COPY_FILE_RANGE_64) &&
	    (req->chain->data & req->filters))
		r = -EXDEV;
	return r;
}

/* -- after ------------------------------------------------------------------------------------ */

/* What the result becomes by a program's verdict. */
static int post_verdict(struct req *req, const struct link *link, int r, int verdict)
{
	if (verdict < 0)
		return verdict;
	if (verdict == PST_SERVE)
		return bad(req, link, FILTER_POST, "asks for a server when all is done");
	if (verdict == PST_DONE && r < 0) {
		/* An error becomes a success: the program has filled the answer. */
		if (!frame_take_answer(req))
			return bad(req, link, FILTER_POST, "filled an answer that is none");
		return 0;
	}
	if (r == 0 && !frame_take_results(req))
		return bad(req, link, FILTER_POST, "changed what it must not change");
	return r;
}

int filtered_after(struct req *req, int r)
{
	const struct chain *chain = req->chain;
	uint64_t asked = req->passed & chain->post[req->msg.head->opcode];
	bool absent = r == 0 && req->msg.head->opcode == FUSE_LOOKUP && !req->entry.node;
	bool failed;

	if (!asked)
		return r;
	/* A name that is absent is an error to filters, whatever the kernel is told. */
	if (absent)
		r = -ENOENT;
	frame_results(req, r);
	for (unsigned int i = chain->n; i-- > 0;) {
		const struct link *link = chain->links[i];
		int verdict;

		if (!(asked >> link->bit & 1))
			continue;
		frame_of(req)->error = r;
		verdict = run(req, link, FILTER_POST, &failed);
		r = failed ? -EIO : post_verdict(req, link, r, verdict);
	}
	return absent && r == -ENOENT ? 0 : r;
}

int filtered_found(struct req *req, int r)
{
	struct node *node = req->entry.node;
	int judged;

	if ((r < 0 && r != -ENOENT) || !(req->chain->names & req->filters))
		return r;
	/* By another name, it may be: programs are told what they know of it by that. */
	if (node && (node->filters & NODE_JUDGED))
		req->child.node = node;
	judged = judge(req, req->node, req->msg.name[0], USE_FIND,
		       node ? &req->entry.attr.stx : NULL);
	req->child.node = NULL;
	frame_begin(req);
	if (judged == 0)
		return r;
	req->passed &= ~req->decided;
	fs_node_put(req_fs(req), node);
	req->entry = (struct fs_entry){ 0 };
	return judged;
}

static bool makes(uint32_t opcode)
{
	return opcode == FUSE_CREATE || opcode == FUSE_TMPFILE || opcode == FUSE_MKNOD ||
	       opcode == FUSE_MKDIR || opcode == FUSE_SYMLINK;
}

void filtered_place(struct req *req, struct node *node)
{
	const struct chain *chain = req->chain;
	uint32_t number = fs_node_number(req_fs(req), node);

	/* Of a file that was just made nobody knows otherwise. */
	if (makes(req->msg.head->opcode))
		node->filters = req->child.filters | NODE_JUDGED;
	else
		node_judge(node, req->child.filters);
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];

		if (link->cells)
			link->cells[number] = req->child.filters >> link->bit & 1
						      ? req->child.cells[link->bit]
						      : 0;
	}
}

/* -- nodes from before ------------------------------------------------------------------------ */

/* One step of a path: what a filter thinks of the file at its end, by its directory and its name. */
static void judge_step(struct req *req, const struct link *link, const char *dir_path,
		       const char *name, struct node *node)
{
	struct statx stx = { .stx_mode = node->type };
	uint64_t bit = 1ULL << link->bit;
	struct node *dir;

	if (node == link->at || fs_walk_path(req_fs(req), dir_path, &dir) < 0)
		return;
	req->node = dir;
	/* Whether it is hidden now is no matter: whoever has it open has it. */
	judge(req, dir, name, USE_FIND, &stx);
	if (req->child.filters & bit)
		atomic_fetch_or(&node->filters, bit);
	else
		atomic_fetch_and(&node->filters, ~bit);
	if (link->cells)
		link->cells[fs_node_number(req_fs(req), node)] = req->child.cells[link->bit];
	req->node = NULL;
	fs_node_put(req_fs(req), dir);
}

bool filtered_judge_path(struct req *req, const struct link *link, struct node *node,
			 uint64_t *seen)
{
	struct fuse_in_header head = { .opcode = FUSE_GETATTR };
	char path[PATH_MAX], *at = path + 1;
	struct node *found;
	uint32_t number;

	fs_node_path(req_fs(req), node, path, sizeof(path));
	/* The path of a file whose directory is not known to the kernel below is none. */
	if (path[0] != '/' || fs_walk_path(req_fs(req), at, &found) < 0)
		return false;
	fs_node_put(req_fs(req), found);
	if (found != node)
		return false;
	req->msg = (struct wire_msg){ .op = op_find(FUSE_GETATTR), .head = &head };
	req->filters = ((struct chain *)req->chain)->all;
	for (char *slash = path; slash && *at; at = slash ? slash + 1 : at) {
		char *name = at;

		slash = strchr(at, '/');
		if (slash)
			*slash = '\0';
		if (fs_walk_path(req_fs(req), path + 1, &found) < 0)
			break;
		number = fs_node_number(req_fs(req), found);
		/* The directory is what stands before the name. */
		name[-1] = '\0';
		if (!(seen[number / 64] >> number % 64 & 1))
			judge_step(req, link, name - 1 > path ? path + 1 : "", name, found);
		name[-1] = '/';
		seen[number / 64] |= 1ULL << number % 64;
		fs_node_put(req_fs(req), found);
		if (slash)
			*slash = '/';
	}
	return true;
}

/* -- listings --------------------------------------------------------------------------------- */

/* A request of our own for a name of the directory that is listed; the slot is shared. */
static void sub_request(struct req *req, struct req *sub, struct kept *kept, const char *name)
{
	*sub = *req;
	kept->head = *req->msg.head;
	kept->head.opcode = FUSE_LOOKUP;
	kept->name[1][0] = '\0';
	sub->kept = kept;
	sub->msg = (struct wire_msg){
		.op = op_find(FUSE_LOOKUP),
		.head = &kept->head,
		.arg = &kept->now,
	};
	sub->msg.name[0] = name;
	sub->passed = sub->decided = 0;
	sub->listed = true;
	sub->entry = (struct fs_entry){ 0 };
	sub->out_len = sub->data_len = 0;
	sub->filters = filtered_by(sub);
}

bool filtered_names(const struct req *req)
{
	const struct chain *chain = req->chain;
	uint64_t asked;

	if (!chain || !req->filters)
		return false;
	asked = chain->names;
	if (req->msg.head->opcode == FUSE_READDIRPLUS)
		asked |= chain->pre[FUSE_LOOKUP] | chain->post[FUSE_LOOKUP];
	return asked & req->filters;
}

int filtered_listed(struct req *req, const char *name, uint32_t type)
{
	struct statx stx = { .stx_mode = (uint16_t)DTTOIF(type) };
	struct kept kept;
	struct req sub;
	int r;

	sub_request(req, &sub, &kept, name);
	r = judge(&sub, req->node, name, USE_FIND, &stx);
	return r == -ENOENT || r == -EIO ? r : 0;
}

void filtered_listed_many(struct req *req, unsigned int n, bool hidden[PST_N_LISTED])
{
	const struct chain *chain = req->chain;
	struct kept kept;
	struct req sub;

	memset(hidden, 0, PST_N_LISTED * sizeof(*hidden));
	sub_request(req, &sub, &kept, "");
	filtered_inherit(&sub, req->node);
	/* A name that cannot be asked about is not shown. */
	if (frame_name(&sub, req->node, "") < 0)
		memset(hidden, 1, PST_N_LISTED * sizeof(*hidden));
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];
		int r;

		if (!(sub.filters & chain->names & 1ULL << link->bit))
			continue;
		frame_enter(&sub, link);
		r = filter_run_listed(link->filter, req->number, n);
		if (r < 0)
			bad(&sub, link, FILTER_NAME, "could not be run on a listing");
		for (unsigned int k = 0; k < n; k++)
			hidden[k] |= r < 0 || frame_of(req)->listed[k].verdict == -ENOENT;
	}
}

int filtered_lookup(struct req *req, const char *name, struct fuse_entry_out *ret_out)
{
	struct kept kept;
	struct req sub;
	int r;

	sub_request(req, &sub, &kept, name);
	r = filtered_before(&sub);
	if (r == 0)
		r = filtered_found(&sub, fs_lookup(req_fs(req), req->node, sub.msg.name[0],
						   &sub.entry));
	if (r == 0 && sub.entry.node) {
		encode_entry_out(&sub.entry.attr.stx, sub.entry.node->id,
				 fs_generation(req_fs(req), sub.entry.node), sub.entry.entry_ns,
				 sub.entry.attr.attr_ns, &frame_of(req)->out.entry);
	}
	r = filtered_after(&sub, r);
	if (r == 0 && !sub.entry.node)
		r = -ENOENT;
	if (r == 0) {
		filtered_place(&sub, sub.entry.node);
		node_remember(sub.entry.node);
		*ret_out = frame_of(req)->out.entry;
	}
	fs_node_put(req_fs(req), sub.entry.node);
	return r > 0 ? -EIO : r;
}
