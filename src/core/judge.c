/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names before filters: whether they are there, and what holds for their files.
 *
 * A directory's filters hold for what is in it, unless their programs for names say otherwise. A file
 * may move, or get another name, only where it does not lose a filter by that.
 */
#include "core/judge.h"
#include "core/filtered.h"
#include "core/frame.h"
#include "core/program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void judge_inherit(struct req *req, struct node *dir)
{
	const struct chain *chain = req->chain;

	req->child.filters = dir->filters & chain->all;
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];

		if (link->cells)
			req->child.cells[link->bit] = link->cells[fs_node_number(req_fs(req), dir)];
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
		struct link *link = chain->links[i];

		if (!(asked >> link->bit & 1))
			continue;
		r = program_run(req, link, FILTER_NAME, &failed);
		if (!failed && r > 0)
			r = program_bad(req, link, FILTER_NAME, "answered a name, which it cannot");
	}
	req->dir = NULL;
	return r;
}

bool judge_wants_child(const struct req *req, const struct node *dir)
{
	const struct chain *chain = req->chain;

	return chain->want_child & chain->names & dir->filters;
}

/* Asks about a name; leaves in req->child what holds for its file. */
int judge_name(struct req *req, struct node *dir, const char *name, enum judge_use use,
	       const struct statx *stx)
{
	struct node *known = NULL;
	struct statx found;
	const struct chain *chain = req->chain;
	char real[FS_NAME_SIZE];
	int r;

	judge_inherit(req, dir);
	if (!(dir->filters & chain->names) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	/* Who looks at the file under a name looks at what is there, where a type is all we know of it. */
	if (judge_wants_child(req, dir) && !(stx && stx->stx_mask) &&
	    fs_peek(req_fs(req), dir, name, &found, &known) == 0)
		stx = &found;
	fs_node_put(req_fs(req), known);
	r = judge_written(req, dir, name, stx);
	/* Where case makes no difference, other names lead to the same file. */
	if (r == 0 && !req->listed && fs_real_name(req_fs(req), dir, name, real) == 0)
		r = judge_written(req, dir, real, stx);
	/* What is hidden cannot be made either, whether or not it is there. */
	return r == -ENOENT && use == JUDGE_MAKE ? -EPERM : r;
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

/*
 * Whether the same holds for all that is in two directories, and for whatever comes into them: nothing
 * depends on names then, and none of it has to be looked at.
 */
static bool all_alike(const struct req *req, const struct node *a, const struct node *b)
{
	const struct chain *chain = req->chain;

	if (chain->names || atomic_load_explicit(&chain->arriving, memory_order_acquire))
		return false;
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];

		if (link->at || link->cells ||
		    atomic_load_explicit(&link->picks, memory_order_relaxed))
			return false;
	}
	return (a->filters & b->filters & chain->all) == chain->all;
}

/* What is under one of the names of a RENAME: mode 0 where there is nothing. */
struct moved {
	struct node *node; /* counted */
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

	if (all_alike(req, req->node, req->node2)) {
		judge_inherit(req, req->node2);
		return 0;
	}
	peek(req, req->node, req->msg.name[0], &moved);
	peek(req, req->node2, req->msg.name[1], &other);
	r = judge_name(req, req->node, req->msg.name[0], JUDGE_FIND, &moved.stx);
	from = req->child;
	/* What is in the way may be hidden for what it is, which the file that moves does not show. */
	if (r == 0 && other.stx.stx_mode && judge_wants_child(req, req->node2))
		r = judge_name(req, req->node2, req->msg.name[1],
			       exchange ? JUDGE_FIND : JUDGE_MAKE, &other.stx);
	if (r == 0) {
		req->child.node = moved.node;
		r = judge_name(req, req->node2, req->msg.name[1],
			       exchange ? JUDGE_FIND : JUDGE_MAKE, &moved.stx);
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
	r = judge_name(req, dir, name, JUDGE_FIND, &stx);
	fs_node_put(req_fs(req), dir);
	return r == 0;
}

/* A hard link: the file keeps what holds for it, so the new name must not say less. */
static int judge_link(struct req *req)
{
	struct statx stx = { .stx_mode = req->node2->type };
	struct placed from;
	int r;

	if (all_alike(req, req->node, req->node2)) {
		judge_inherit(req, req->node);
		return 0;
	}
	/* More may hold for it than for its name: then the name decides. */
	if (judge_where_it_is(req, req->node2))
		from = req->child;
	else
		from.filters = req->node2->filters & req->chain->all;
	req->child.node = req->node2;
	r = judge_name(req, req->node, req->msg.name[0], JUDGE_MAKE, &stx);
	req->child.node = NULL;
	if (r == 0 && (from.filters & ~req->child.filters))
		r = -EXDEV;
	return r;
}

static int judge_made(struct req *req, uint32_t mode)
{
	struct statx stx = { .stx_mode = (uint16_t)(mode & S_IFMT) };

	return judge_name(req, req->node, req->msg.name[0], JUDGE_MAKE, &stx);
}

int judge_request(struct req *req)
{
	switch (req->msg.head->opcode) {
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		return judge_name(req, req->node, req->msg.name[0], JUDGE_FIND, NULL);
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
		judge_inherit(req, req->node);
		return 0;
	}
}

/* -- nodes from before ------------------------------------------------------------------------ */

/* One step of a path: what a filter thinks of the file at its end, by its directory and its name. */
static void judge_step(struct req *req, const struct link *link, const char *dir_path,
		       const char *name, struct node *node)
{
	struct statx stx = { .stx_mode = node->type };
	uint64_t bit = 1ULL << link->bit;
	bool had = node->filters & bit;
	struct node *dir;

	if (node == link->at || fs_walk_path(req_fs(req), dir_path, &dir) < 0)
		return;
	req->node = dir;
	/* Whether it is hidden now is no matter: whoever has it open has it. */
	judge_name(req, dir, name, JUDGE_FIND, &stx);
	if (req->child.filters & bit)
		atomic_fetch_or(&node->filters, bit);
	else
		atomic_fetch_and(&node->filters, ~bit);
	if (link->cells && !had)
		link->cells[fs_node_number(req_fs(req), node)] = req->child.cells[link->bit];
	req->node = NULL;
	fs_node_put(req_fs(req), dir);
}

bool judge_path(struct req *req, const struct link *link, struct node *node, uint64_t *seen)
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
		if (!seen || !(seen[number / 64] >> number % 64 & 1))
			judge_step(req, link, name - 1 > path ? path + 1 : "", name, found);
		name[-1] = '/';
		if (seen)
			seen[number / 64] |= 1ULL << number % 64;
		fs_node_put(req_fs(req), found);
		if (slash)
			*slash = '/';
	}
	return true;
}
