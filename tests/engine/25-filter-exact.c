// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * PST_EXACT: operations that change a file run one at a time, and their post programs see the
 * result. Notes from pre programs to post programs. Files that the kernel has forgotten.
 */
#include "filter-view.h"
#include "server/chain-update.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#define N_WRITES 40

static _Atomic int inside, most;
static _Atomic unsigned int n_after;

static int before_change(struct pst_call *call)
{
	int now = ++inside;

	if (now > most)
		most = now;
	require(!call->note[0] && !call->note[1]);
	call->note[0] = call->node.attr.size + 1;
	call->note[1] = call->unique;
	usleep(200);
	return PST_PASS;
}

static int after_change(struct pst_call *call)
{
	uint64_t end = call->in.write.offset + call->in.write.size;

	require(call->note[0] == call->node.attr.size + 1 && call->note[1] == call->unique);
	require(call->after.nodeid == call->node.nodeid);
	require(call->after.attr.ino == call->node.attr.ino && call->after.attr.nlink == 1);
	if (call->opcode == FUSE_WRITE)
		require(call->after.attr.size ==
			(call->node.attr.size > end ? call->node.attr.size : end));
	n_after++;
	inside--;
	return PST_PASS;
}

static const struct fake_program exact_programs[] = {
	{ FILTER_PRE, FUSE_WRITE, before_change },
	{ FILTER_POST, FUSE_WRITE, after_change },
	{ FILTER_PRE, FUSE_SETATTR, before_change },
	{ FILTER_POST, FUSE_SETATTR, after_change },
	{ 0 },
};
static const struct fake exact = { .name = "exact",
				   .flags = PST_EXACT | PST_WANT_ATTR,
				   .programs = exact_programs };

/* Sends a WRITE that extends the file, or a SETATTR that truncates it. */
static uint64_t send_change(struct filter_view *view, struct k_chan *c, unsigned int i)
{
	struct fuse_write_in write = { .fh = view->fh, .offset = i * 10, .size = 4 };
	struct fuse_setattr_in set = { .valid = FATTR_SIZE, .size = i };
	struct k_request request = { .nodeid = view->file };

	if (i % 4) {
		request.opcode = FUSE_WRITE;
		request.arg = &write;
		request.arg_len = sizeof(write);
		request.data = "TEXT";
		request.data_len = 4;
	} else {
		request.opcode = FUSE_SETATTR;
		request.arg = &set;
		request.arg_len = sizeof(set);
	}
	return k_send(c, &request);
}

K_TEST(changes_of_a_file_come_one_at_a_time, state)
{
	static struct k_answer answer;
	uint64_t uniques[2 * N_WRITES];
	struct filter_view view;

	fake_register(&exact);
	inside = most = 0;
	n_after = 0;
	view = filter_view_start(state, &(struct k_options){ .n_chans = 2, .n_pool = 4 },
				 (const char *const[]){ "exact", NULL });
	for (unsigned int i = 0; i < 2 * N_WRITES; i++)
		uniques[i] = send_change(&view, &view.k->chans[i % 2], i);
	for (unsigned int i = 0; i < 2 * N_WRITES; i++)
		assert_int_equal(k_wait(&view.k->chans[i % 2], uniques[i], &answer), 0);
	assert_int_equal(most, 1);
	assert_int_equal(n_after, 2 * N_WRITES);
	filter_view_stop(&view);
}

/* -- files that go ---------------------------------------------------------------------------- */

static struct pst_node left, gone[8];
static _Atomic unsigned int n_gone;

static int after_unlink(struct pst_call *call)
{
	left = call->after;
	return PST_PASS;
}

static int forgotten(struct pst_call *call)
{
	if (n_gone < 8)
		gone[n_gone++] = call->node;
	/* The verdict has no effect. */
	return -EPERM;
}

static const struct fake_program telling_programs[] = {
	{ FILTER_POST, FUSE_UNLINK, after_unlink },
	{ FILTER_POST, FUSE_FORGET, forgotten },
	{ 0 },
};
static const struct fake telling = { .name = "telling",
				     .flags = PST_EXACT,
				     .programs = telling_programs };

K_TEST(forgotten_files_are_told, state)
{
	struct fuse_entry_out entry, again;
	struct fuse_forget_one one;
	struct filter_view view;
	struct stat st;

	fake_register(&telling);
	n_gone = 0;
	view = filter_view_start(state, &(struct k_options){ 0 },
				 (const char *const[]){ "telling", NULL });
	k_file_below(view.k, "other", "text");
	assert_int_equal(fstatat(view.k->lower, "other", &st, 0), 0);
	assert_int_equal(k_lookup(view.c, K_ROOT, "other", &entry), 0);
	assert_int_equal(k_lookup(view.c, K_ROOT, "other", &again), 0);
	k_forget(view.c, entry.nodeid, 1);
	k_sync(view.c);
	assert_int_equal(n_gone, 0);
	assert_int_equal(k_unlink(view.c, K_ROOT, "other"), 0);
	assert_int_equal(left.nodeid, entry.nodeid);
	assert_int_equal(left.attr.nlink, 0);
	assert_int_equal(left.attr.size, 4);
	assert_int_equal(n_gone, 0);
	one = (struct fuse_forget_one){ .nodeid = entry.nodeid, .nlookup = 1 };
	k_batch_forget(view.c, &one, 1);
	k_sync(view.c);
	assert_int_equal(n_gone, 1);
	assert_int_equal(gone[0].nodeid, entry.nodeid);
	assert_int_equal(gone[0].attr.ino, st.st_ino);
	assert_int_equal(gone[0].attr.mode, S_IFREG);
	filter_view_stop(&view);
}

/* The node that a filter is attached to is freed last, when the filters have gone. */
K_TEST(end_of_the_view_tells_nobody, state)
{
	struct pst_error error;
	struct filter_view view;

	fake_register(&telling);
	view = filter_view_start(state, &(struct k_options){ 0 },
				 (const char *const[]){ "telling", NULL });
	assert_int_equal(filters_change(server_filters(view.k->server), NULL,
					"telling,name=attached,at=dir", &error),
			 0);
	k_release(view.c, view.file, view.fh);
	k_releasedir(view.c, view.dir, view.dir_fh);
	k_forget(view.c, view.dir, 1);
	k_sync(view.c);
	n_gone = 0;
	k_stop(view.k);
	assert_int_equal(n_gone, 0);
}

TEST_MAIN(NULL, NULL)
