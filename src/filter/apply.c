// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running the filters that hold for a request.
 *
 * Names come first: programs for names say which names there are, and what holds for their files.
 * Then pre programs in the order of the chain; the first that does not let the operation pass decides
 * it. Then post programs in the opposite order, of those filters only whose turn had come before.
 *
 * A filter that fails, or leaves what cannot be, fails the one operation with EIO and is counted.
 */
#include "filter/apply.h"
#include "filter/call.h"
#include "filter/name-check.h"
#include "filter/run-program.h"
#include "request/shown.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_DELAY_US 60000000u
#define DELAY_STEP_US 20000u

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
	while (us && !req->host->stopping) {
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
	int r = fs_getattr(req->fs, req->node, req->handle, &attr);

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
		return program_bad(req, link, FILTER_PRE,
				   "asks for a server, and this view has none");
	if (verdict < 0)
		return verdict;
	if (opcode == FUSE_SETATTR)
		return done_setattr(req);
	if (!frame_take_answer(req))
		return program_bad(req, link, FILTER_PRE, "filled an answer that is none");
	return FILTERED_DONE;
}

/* What a program before the operation came to, as what becomes of the request. */
static int take_pre(struct req *req, const struct link *link, int verdict, bool failed)
{
	if (verdict == 0 && !frame_take_request(req))
		return program_bad(req, link, FILTER_PRE, "changed what it must not change");
	return verdict && !failed ? pre_verdict(req, link, verdict) : verdict;
}

static int run_pre(struct req *req)
{
	const struct chain *chain = req->chain;
	uint32_t opcode = req->msg.head->opcode;
	uint64_t asked = req->filters & chain->pre[opcode];
	bool failed;
	int r = 0;

	for (unsigned int i = 0; i < chain->n && r == 0; i++) {
		struct link *link = chain->links[i];

		if (asked >> link->bit & 1) {
			r = program_run(req, link, FILTER_PRE, &failed);
			r = take_pre(req, link, r, failed);
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
	r = judge_request(req);
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
	r = judge_request(req);
	frame_begin(req, r == 0);
	if (r < 0) {
		req->passed = req->filters & ~req->decided;
		return r;
	}
	/* The programs for names have seen the text of a link where it lies. */
	if (opcode == FUSE_SYMLINK && !frame_take_request(req))
		return -EIO;
	r = asks_names(req) && (req->chain->pre[opcode] & req->filters) ? run_pre_and_judge(req) :
									  run_pre(req);
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

int filtered_before_listed(struct req *req, struct link *link, unsigned int first, unsigned int n,
			   unsigned int *ret_at)
{
	bool failed;
	int r = frame_keep(req);

	*ret_at = first;
	if (r < 0)
		return r;
	judge_inherit(req, req->node);
	frame_begin(req, true);
	r = program_run_listed(req, link, first, n, ret_at, &failed);
	return take_pre(req, link, r, failed);
}

/* -- after ------------------------------------------------------------------------------------ */

/* What the result becomes by a program's verdict. */
static int post_verdict(struct req *req, const struct link *link, int r, int verdict)
{
	if (verdict < 0)
		return verdict;
	if (verdict == PST_SERVE)
		return program_bad(req, link, FILTER_POST, "asks for a server when all is done");
	if (verdict == PST_DONE && r < 0) {
		/* An error becomes a success: the program has filled the answer. */
		if (!frame_take_answer(req))
			return program_bad(req, link, FILTER_POST, "filled an answer that is none");
		return 0;
	}
	if (r == 0 && !frame_take_results(req))
		return program_bad(req, link, FILTER_POST, "changed what it must not change");
	return r;
}

int filtered_after(struct req *req, int r)
{
	const struct chain *chain = req->chain;
	uint64_t asked = req->passed & chain->post[req->msg.head->opcode];
	bool absent = r == 0 && req->msg.head->opcode == FUSE_LOOKUP && !req->entry.node;
	union pst_in in;
	bool failed;

	if (!asked)
		return r;
	/* A name that is absent is an error to filters, whatever the kernel is told. */
	if (absent)
		r = -ENOENT;
	frame_results(req, r);
	frame_after(req);
	in = frame_of(req)->in;
	for (unsigned int i = chain->n; i-- > 0;) {
		struct link *link = chain->links[i];
		int verdict;

		if (!(asked >> link->bit & 1))
			continue;
		frame_of(req)->error = r;
		verdict = program_run(req, link, FILTER_POST, &failed);
		if (!failed && !frame_asked(req, &in)) {
			r = program_bad(req, link, FILTER_POST,
					"changed what was asked for when it was done");
			frame_ask(req, &in);
			continue;
		}
		r = failed ? -EIO : post_verdict(req, link, r, verdict);
	}
	if (r == 0)
		shown_check(req);
	return absent && r == -ENOENT ? 0 : r;
}

/*
 * LOOKUP has found a node that the kernel knows. By another of its names, it may be: then programs are
 * told what they know of it by that, and a filter that holds by one holds by all. Where the file has
 * one name only, that name decides: somebody below has renamed it.
 */
static void found_known(struct req *req, struct node *node, const struct statx *stx)
{
	req->seen = node->filters;
	if (!(req->seen & NODE_FILTERS_SET))
		return;
	if (S_ISDIR(node->type) || stx->stx_nlink == 1)
		req->only_name = true;
	else
		req->child.node = node;
}

int filtered_found(struct req *req, int r)
{
	struct node *node = req->entry.node;
	int judged;

	if ((r < 0 && r != -ENOENT) || !(req->chain->names & req->filters))
		return r;
	if (node)
		found_known(req, node, &req->entry.attr.stx);
	judged = judge_name(req, req->node, req->msg.name[0], JUDGE_FIND,
			    node ? &req->entry.attr.stx : NULL);
	req->child.node = NULL;
	frame_begin(req, judged == 0);
	if (judged == 0)
		return r;
	req->passed &= ~req->decided;
	fs_node_put(req->fs, node);
	req->entry = (struct fs_entry){ 0 };
	return judged;
}

static bool makes(uint32_t opcode)
{
	return opcode == FUSE_CREATE || opcode == FUSE_TMPFILE || opcode == FUSE_MKNOD ||
	       opcode == FUSE_MKDIR || opcode == FUSE_SYMLINK;
}

/* What holds at a place holds for its node from now on. */
static void place_filters(struct req *req, struct node *node, uint64_t filters)
{
	const struct chain *chain = req->chain;

	/* Of a file that was just made nobody knows otherwise. */
	if (makes(req->msg.head->opcode))
		node_set_filters(node, filters, chain->all | NODE_FILTERS_SET);
	/* A view's own move gives the node what it gains first: what was found before it counts no more. */
	else if (!req->only_name || req_renamed_since(req) ||
		 !node_reset_filters(node, filters, chain->all, req->seen))
		node_set_filters(node, filters, chain->all);
}

void filtered_place(struct req *req, struct node *node)
{
	const struct chain *chain = req->chain;
	uint32_t number = fs_node_number(req->fs, node);
	uint64_t before = node->filters, filters = req->child.filters;

	/* What is attached to a node goes where it goes. */
	for (unsigned int i = 0; i < chain->n; i++)
		if (chain->links[i]->at == node)
			filters |= 1ULL << chain->links[i]->bit;
	place_filters(req, node, filters);
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];

		if (!link->cells)
			continue;
		if (req->child.filters >> link->bit & 1)
			link->cells[number] = req->child.cells[link->bit];
		else if (!(node->filters >> link->bit & 1))
			link->cells[number] = 0;
	}
	if (before & NODE_FILTERS_SET)
		fs_filters_changed(req->fs, node, before ^ node->filters);
}
