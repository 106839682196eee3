// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names before filters: whether they are there, and what holds for their files.
 *
 * A directory's filters hold for what is in it, unless their programs for names say otherwise. A file
 * may move, or get another name, only where it does not lose a filter by that. Whether it would is
 * decided by the two names alone: a program that was told what the node has now would keep its filter
 * at the new name for as long as the kernel remembers the node, and no longer.
 */
#include "filter/name-check.h"
#include "filter/apply.h"
#include "filter/call.h"
#include "filter/run-program.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* How often the path of a file is looked for that is being renamed. */
#define PATH_TRIES 8

void judge_inherit(struct req *req, struct node *dir)
{
	const struct chain *chain = req->chain;

	req->child.filters = dir->filters & chain->all;
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];

		if (link->cells)
			req->child.cells[link->bit] = link->cells[fs_node_number(req->fs, dir)];
	}
}

/* Asks those of a directory's filters that are in mask about a name as it is written. */
static int judge_written(struct req *req, struct node *dir, const char *name, uint64_t mask,
			 const struct statx *stx)
{
	const struct chain *chain = req->chain;
	uint64_t asked = dir->filters & mask;
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

/*
 * Asks the filters that hide names by themselves, before anything is looked at below: how long the
 * answer takes, and what the kernel keeps of it, must not say whether there is something.
 */
static int judge_hidden(struct req *req, struct node *dir, const char *name, enum judge_use use)
{
	const struct chain *chain = req->chain;
	int r = 0;

	if ((dir->filters & chain->hides) && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		r = judge_written(req, dir, name, chain->hides, NULL);
	judge_inherit(req, dir);
	return r == -ENOENT && use == JUDGE_MAKE ? -EPERM : r;
}

bool judge_wants_child(const struct req *req, const struct node *dir)
{
	const struct chain *chain = req->chain;

	return chain->want_child & chain->names & dir->filters;
}

/*
 * NAME leads to a file whose name in the directory is REAL. A filter holds for the file if it holds by
 * either. A name that is made is stored as it is written: what holds by that stays in req->child, since
 * a move to it must not count on the other.
 */
static int judge_real(struct req *req, struct node *dir, const char *real, enum judge_use use,
		      const struct statx *stx)
{
	const struct chain *chain = req->chain;
	struct placed written = req->child;
	int r;

	judge_inherit(req, dir);
	r = judge_written(req, dir, real, chain->names, stx);
	if (use == JUDGE_MAKE) {
		req->child = written;
		return r;
	}
	for (unsigned int i = 0; i < chain->n; i++) {
		unsigned int bit = chain->links[i]->bit;

		if (!(req->child.filters >> bit & 1))
			req->child.cells[bit] = written.cells[bit];
	}
	req->child.filters |= written.filters;
	return r;
}

/* Asks about a name; leaves in req->child what holds for its file. */
int judge_name(struct req *req, struct node *dir, const char *name, enum judge_use use,
	       const struct statx *stx)
{
	struct node *known = NULL;
	struct statx found;
	const struct chain *chain = req->chain;
	char real[FS_NAME_SIZE];
	bool wants;
	int r;

	judge_inherit(req, dir);
	if (!(dir->filters & chain->names) || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	/* Who looks at the file under a name looks at what is there, where a type is all we know of it. */
	wants = judge_wants_child(req, dir) && !(stx && stx->stx_mask);
	r = wants ? judge_hidden(req, dir, name, JUDGE_FIND) : 0;
	if (r == 0 && wants && fs_peek(req->fs, dir, name, &found, &known) == 0)
		stx = &found;
	fs_node_put(req->fs, known);
	if (r == 0)
		r = judge_written(req, dir, name, chain->names, stx);
	/* Where case makes no difference, other names lead to the same file. */
	if (r == 0 && !req->listed && fs_real_name(req->fs, dir, name, real) == 0)
		r = judge_real(req, dir, real, use, stx);
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
 * would lose a filter.
 *
 * Where it may not, the answer is EPERM. EXDEV would make mv(1) copy what the filter shows and remove
 * the file.
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

	if (chain->names || chain->attached ||
	    atomic_load_explicit(&chain->arriving, memory_order_acquire))
		return false;
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];

		if (link->cells || atomic_load_explicit(&link->picks, memory_order_relaxed))
			return false;
	}
	return (a->filters & b->filters & chain->all) == chain->all;
}

/* A name in a directory, and what is under it: r is 0, or why that is not known. */
struct place {
	struct node *dir; /* borrowed */
	const char *name;
	struct node *node; /* counted; NULL: not known to the kernel */
	struct statx stx;  /* mode 0: there is nothing */
	int r;
};

static struct place peek(struct req *req, struct node *dir, const char *name)
{
	struct place place = { .dir = dir, .name = name };

	place.r = fs_peek(req->fs, dir, name, &place.stx, &place.node);
	if (place.r < 0)
		place.stx.stx_mode = 0;
	return place;
}

/* Whether what is at one place may go to the other; req->child is what will hold for it there. */
static int judge_move(struct req *req, const struct place *from, const struct place *to,
		      enum judge_use use)
{
	struct placed held;
	int r = judge_name(req, from->dir, from->name, JUDGE_FIND, &from->stx);

	if (r < 0)
		return r;
	held = req->child;
	r = judge_name(req, to->dir, to->name, use, &from->stx);
	if (r == 0 && from->r < 0)
		return from->r;
	if (r == 0 && !may_move(req->chain, from->stx.stx_mode, &held, &req->child))
		r = -EPERM;
	return r;
}

/* Both places of a RENAME; what gains a filter has it before it moves, and may keep it if it does not. */
static int judge_places(struct req *req, const struct place *from, const struct place *to)
{
	const struct fuse_rename2_in *in = req->msg.arg;
	bool exchange = in->flags & RENAME_EXCHANGE;
	enum judge_use use = exchange ? JUDGE_FIND : JUDGE_MAKE;
	struct placed back;
	int r = 0;

	if (exchange)
		r = judge_move(req, to, from, JUDGE_FIND);
	back = req->child;
	/* What is in the way may be hidden for what it is, which the file that moves does not show. */
	if (r == 0 && !exchange && to->stx.stx_mode && judge_wants_child(req, to->dir))
		r = judge_name(req, to->dir, to->name, use, &to->stx);
	if (r == 0)
		r = judge_move(req, from, to, use);
	if (r < 0)
		return r;
	if (from->node)
		filtered_place(req, from->node);
	if (exchange && to->node) {
		struct placed there = req->child;

		req->child = back;
		filtered_place(req, to->node);
		req->child = there;
	}
	return 0;
}

static int judge_rename(struct req *req)
{
	const struct fuse_rename2_in *in = req->msg.arg;
	enum judge_use use = in->flags & RENAME_EXCHANGE ? JUDGE_FIND : JUDGE_MAKE;
	struct place from, to;
	int r;

	if (all_alike(req, req->node, req->node2)) {
		judge_inherit(req, req->node2);
		return 0;
	}
	/* Before anything is looked at. */
	r = judge_hidden(req, req->node, req->msg.name[0], JUDGE_FIND);
	if (r == 0)
		r = judge_hidden(req, req->node2, req->msg.name[1], use);
	if (r < 0)
		return r;
	req_rename_begin(req);
	from = peek(req, req->node, req->msg.name[0]);
	to = peek(req, req->node2, req->msg.name[1]);
	r = judge_places(req, &from, &to);
	fs_node_put(req->fs, from.node);
	fs_node_put(req->fs, to.node);
	return r;
}

/*
 * A hard link: all filters that the node has must hold by the new name as well. The kernel does not say
 * by which of its names the file is linked, so what holds by any of those that it was found by counts.
 */
static int judge_link(struct req *req)
{
	struct statx stx = { .stx_mode = req->node2->type };
	uint64_t held = req->node2->filters & ((struct chain *)req->chain)->all;
	int r;

	if (all_alike(req, req->node, req->node2)) {
		judge_inherit(req, req->node);
		return 0;
	}
	r = judge_name(req, req->node, req->msg.name[0], JUDGE_MAKE, &stx);
	return r == 0 && (held & ~req->child.filters) ? -EPERM : r;
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
		/* LOOKUP's is judged when it is known what it leads to, unless it is hidden anyway. */
		judge_inherit(req, req->node);
		if (req->msg.head->opcode != FUSE_LOOKUP)
			return 0;
		req_lookup_begin(req);
		return req->listed ? 0 : judge_hidden(req, req->node, req->msg.name[0], JUDGE_FIND);
	}
}

/* -- attached filters --------------------------------------------------------------------------- */

static bool is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/*
 * Whether a filter is attached (at=) to what is at a place, or below it. Its path has to lead there when
 * the view is mounted again, so nothing of that path is moved or removed.
 */
static bool is_attached(struct req *req, const struct place *place)
{
	const struct chain *chain = req->chain;
	char path[PATH_MAX], at[PATH_MAX];

	if (!place->node)
		return false;
	fs_node_path(req->fs, place->node, path, sizeof(path));
	for (unsigned int i = 0; i < chain->n; i++) {
		const struct link *link = chain->links[i];
		const char *said = filter_facts(link->filter)->at;

		if (!link->at)
			continue;
		fs_node_path(req->fs, link->at, at, sizeof(at));
		if (link->at == place->node || is_within(at, path) ||
		    is_within(said + strspn(said, "/"), path + 1))
			return true;
	}
	return false;
}

int judge_attached(struct req *req)
{
	struct node *const dirs[2] = { req->node, req->node2 };
	bool is = false;

	switch (req->msg.head->opcode) {
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
		break;
	default:
		return 0;
	}
	for (int i = 0; i < req->msg.op->n_names && !is; i++) {
		struct place place = peek(req, dirs[i], req->msg.name[i]);

		is = is_attached(req, &place);
		fs_node_put(req->fs, place.node);
	}
	return is ? -EPERM : 0;
}

/* -- nodes from before ------------------------------------------------------------------------ */

/* What a filter thinks of a file by its directory, which it has judged, and its name. */
static void judge_step(struct req *req, const struct link *link, struct node *dir,
		       const char *name, struct node *node)
{
	struct statx stx = { .stx_mode = node->type };
	uint64_t bit = 1ULL << link->bit;
	bool had = node->filters & bit;
	uint32_t number = fs_node_number(req->fs, node);

	if (node == link->at)
		return;
	req->node = dir;
	/* Whether it is hidden now is no matter: whoever has it open has it. */
	judge_name(req, dir, name, JUDGE_FIND, &stx);
	if (req->child.filters & bit)
		atomic_fetch_or(&node->filters, bit);
	else
		atomic_fetch_and(&node->filters, ~bit);
	/* It may run already, and have filled its cell; not where that says that the path is not known. */
	if (link->cells && (!had || link->cells[number] == filter_facts(link->filter)->unknown))
		link->cells[number] = req->child.cells[link->bit];
	req->node = NULL;
}

/* Goes down a path whose end is at node; each directory is kept until the next one has been judged by it. */
static void judge_steps(struct req *req, const struct link *link, char *path, uint64_t *seen)
{
	struct node *dir, *found;
	uint32_t number;

	if (fs_walk_path(req->fs, "", &dir) < 0)
		return;
	for (char *at = path + 1, *slash; at; at = slash ? slash + 1 : NULL) {
		slash = strchr(at, '/');
		if (slash)
			*slash = '\0';
		if (fs_walk_path(req->fs, path + 1, &found) < 0)
			break;
		number = fs_node_number(req->fs, found);
		if (!seen || !(seen[number / 64] >> number % 64 & 1))
			judge_step(req, link, dir, at, found);
		if (seen)
			seen[number / 64] |= 1ULL << number % 64;
		if (slash)
			*slash = '/';
		fs_node_put(req->fs, dir);
		dir = found;
	}
	fs_node_put(req->fs, dir);
}

/* The path of a node below; false: it has none, or loses it faster than it is found. */
static bool find_path(struct req *req, struct node *node, char path[PATH_MAX])
{
	struct node *found;

	for (int i = 0; i < PATH_TRIES; i++) {
		fs_node_path(req->fs, node, path, PATH_MAX);
		/* A file that was deleted, or whose directory is not known to the kernel below, has none. */
		if (path[0] != '/' || !path[1])
			return false;
		if (fs_walk_path(req->fs, path + 1, &found) < 0)
			continue;
		fs_node_put(req->fs, found);
		if (found == node)
			return true;
	}
	return false;
}

bool judge_path(struct req *req, const struct link *link, struct node *node, uint64_t *seen)
{
	struct fuse_in_header head = { .opcode = FUSE_GETATTR };
	char path[PATH_MAX];

	if (!find_path(req, node, path))
		return false;
	req->msg = (struct wire_msg){ .op = op_find(FUSE_GETATTR), .head = &head };
	req->filters = ((struct chain *)req->chain)->all;
	judge_steps(req, link, path, seen);
	return true;
}

int judge_alone(struct req *req, struct node *dir, const char *name, uint32_t type)
{
	struct fuse_in_header head = { .opcode = FUSE_GETATTR };
	struct statx stx = { .stx_mode = (uint16_t)type };
	int r;

	req->msg = (struct wire_msg){ .op = op_find(FUSE_GETATTR), .head = &head };
	req->filters = ((struct chain *)req->chain)->all;
	req->node = dir;
	r = judge_name(req, dir, name, JUDGE_FIND, type ? &stx : NULL);
	req->node = NULL;
	req->msg.head = NULL;
	return r;
}
