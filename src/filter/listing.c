// SPDX-License-Identifier: LGPL-2.1-or-later
/* The names of a listing before filters: each as if somebody had looked it up. */
#include "filter/listing.h"
#include "filter/call.h"
#include "filter/name-check.h"
#include "filter/run-program.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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
	sub->passed = sub->decided = sub->noted = 0;
	sub->listed = true;
	sub->entry = (struct fs_entry){ 0 };
	sub->out_len = sub->data_len = 0;
	sub->filters = filtered_by(sub);
}

bool listed_asks(const struct req *req)
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

int listed_name(struct req *req, const char *name, uint32_t type)
{
	struct statx stx = { .stx_mode = (uint16_t)DTTOIF(type) };
	struct kept kept;
	struct req sub;
	int r;

	sub_request(req, &sub, &kept, name);
	r = judge_name(&sub, req->node, name, JUDGE_FIND, &stx);
	return r == -ENOENT || r == -EIO ? r : 0;
}

void listed_names(struct req *req, unsigned int n, bool hidden[PST_N_LISTED])
{
	const struct chain *chain = req->chain;
	struct kept kept;
	struct req sub;

	memset(hidden, 0, PST_N_LISTED * sizeof(*hidden));
	sub_request(req, &sub, &kept, "");
	judge_inherit(&sub, req->node);
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
			program_bad(&sub, link, FILTER_NAME, "could not be run on a listing");
		for (unsigned int k = 0; k < n; k++)
			hidden[k] |= r < 0 || frame_of(req)->listed[k].verdict == -ENOENT;
	}
}

struct link *listed_together(const struct req *req)
{
	const struct chain *chain = req->chain;
	uint64_t asked = chain->pre[FUSE_LOOKUP] & req->node->filters;
	uint64_t more = chain->names | chain->post[FUSE_LOOKUP] | chain->delays | chain->want_child;

	if (!asked || (asked & (asked - 1)) || (more & req->node->filters))
		return NULL;
	for (unsigned int i = 0; i < chain->n; i++)
		if (asked == 1ULL << chain->links[i]->bit)
			return chain->links[i]->cells ? NULL : chain->links[i];
	return NULL;
}

/* The file under a name that has passed, as the kernel is told of it. */
static int listed_find(struct req *sub, const char *name, struct fuse_entry_out *ret_out)
{
	struct fs_entry *entry = &sub->entry;
	int r = fs_lookup(sub->fs, sub->node, name, entry);

	if (r == 0 && !entry->node)
		r = -ENOENT;
	if (r < 0)
		return r;
	filtered_place(sub, entry->node);
	node_remember(entry->node);
	encode_entry_out(&entry->attr.stx, entry->node->id,
			 fs_generation(sub->fs, entry->node), entry->entry_ns,
			 entry->attr.attr_ns, ret_out);
	fs_node_put(sub->fs, entry->node);
	*entry = (struct fs_entry){ 0 };
	return 0;
}

void listed_lookups(struct req *req, struct link *link, unsigned int n, const char *const names[],
		    struct listed_found found[])
{
	unsigned int first = 0, at;

	while (first < n) {
		struct kept kept;
		struct req sub;
		int r;

		sub_request(req, &sub, &kept, names[first]);
		r = filtered_before_listed(&sub, link, first, n - first, &at);
		for (unsigned int i = first; i < at; i++)
			found[i].r = listed_find(&sub, names[i], &found[i].out);
		/* Of the last all may be another by now, its name too. */
		found[at].r = r == 0 ? listed_find(&sub, kept.name[0], &found[at].out) :
			      r > 0  ? -EIO :
				       r;
		first = at + 1;
	}
}

int listed_lookup(struct req *req, const char *name, struct fuse_entry_out *ret_out)
{
	struct kept kept;
	struct req sub;
	int r;

	sub_request(req, &sub, &kept, name);
	r = filtered_before(&sub);
	if (r == 0)
		r = filtered_found(&sub,
				   fs_lookup(req->fs, req->node, sub.msg.name[0], &sub.entry));
	if (r == 0 && sub.entry.node) {
		encode_entry_out(&sub.entry.attr.stx, sub.entry.node->id,
				 fs_generation(req->fs, sub.entry.node), sub.entry.entry_ns,
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
	fs_node_put(req->fs, sub.entry.node);
	return r > 0 ? -EIO : r;
}
