// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Filters in a chain: the order in which their programs run, the effect of each verdict, and the
 * operations that a program may answer instead of the file system.
 */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* -- three filters that append a letter to ran[] ---------------------------------------------- */

static char ran[64];
static int pre_verdict[3], post_verdict[3];
static int post_saw[3];

static int note(char letter, int verdict)
{
	size_t len = strlen(ran);

	if (len + 1 < sizeof(ran)) {
		ran[len] = letter;
		ran[len + 1] = '\0';
	}
	return verdict;
}

#define NOTING(N, PRE, POST)                                                                       \
	static int pre_##N(struct pst_call *call)                                                  \
	{                                                                                          \
		if (pre_verdict[N] == PST_DONE)                                                    \
			call->out.attr.attr.mode = S_IFDIR;                                        \
		return note(PRE, pre_verdict[N]);                                                  \
	}                                                                                          \
	static int post_##N(struct pst_call *call)                                                 \
	{                                                                                          \
		post_saw[N] = call->error;                                                         \
		if (post_verdict[N] == PST_DONE)                                                   \
			call->out.attr.attr.mode = S_IFDIR;                                        \
		return note(POST, post_verdict[N]);                                                \
	}                                                                                          \
	static const struct fake_program programs_##N[] = {                                        \
		{ FILTER_PRE, FUSE_GETATTR, pre_##N },                                             \
		{ FILTER_POST, FUSE_GETATTR, post_##N },                                           \
		{ 0 },                                                                             \
	}

NOTING(0, 'a', 'A');
NOTING(1, 'b', 'B');
NOTING(2, 'c', 'C');

static const struct fake noting[] = {
	{ .name = "a", .programs = programs_0 },
	{ .name = "b", .programs = programs_1 },
	{ .name = "c", .programs = programs_2 },
};

static struct filter_view start_chain(void **state, bool complaints)
{
	for (int i = 0; i < 3; i++) {
		fake_register(&noting[i]);
		pre_verdict[i] = post_verdict[i] = 0;
	}
	return filter_view_start(state, &(struct k_options){ .complaints = complaints },
				 (const char *const[]){ "a", "b", "c", NULL });
}

/* Sends GETATTR of the root and checks which programs ran. */
static int getattr(struct filter_view *view, const char *expected)
{
	struct fuse_attr_out out;
	int r;

	ran[0] = '\0';
	r = k_getattr(view->c, K_ROOT, &out);
	assert_string_equal(ran, expected);
	return r;
}

static void reset_and_stop(struct filter_view *view)
{
	for (int i = 0; i < 3; i++)
		pre_verdict[i] = post_verdict[i] = 0;
	filter_view_stop(view);
}

/* After a filter has decided, only the filters that ran before it see the result. */
K_TEST(decision_reaches_only_programs_that_ran, state)
{
	struct filter_view view = start_chain(state, false);

	pre_verdict[1] = -EACCES;
	assert_int_equal(getattr(&view, "abA"), -EACCES);
	assert_int_equal(post_saw[0], -EACCES);
	pre_verdict[1] = PST_DONE;
	assert_int_equal(getattr(&view, "abA"), 0);
	assert_int_equal(post_saw[0], 0);
	pre_verdict[0] = -EPERM;
	assert_int_equal(getattr(&view, "a"), -EPERM);
	reset_and_stop(&view);
}

/*
 * Pre programs run in the order of the chain, post programs in reverse. Post programs turn
 * successes into errors, and errors into successes.
 */
K_TEST(post_programs_change_the_result, state)
{
	struct filter_view view = start_chain(state, false);

	post_verdict[2] = -EIO;
	post_verdict[1] = PST_DONE;
	assert_int_equal(getattr(&view, "abcCBA"), 0);
	assert_int_equal(post_saw[2], 0);
	assert_int_equal(post_saw[1], -EIO);
	assert_int_equal(post_saw[0], 0);
	post_verdict[1] = -ENODEV;
	assert_int_equal(getattr(&view, "abcCBA"), -ENODEV);
	assert_int_equal(post_saw[0], -ENODEV);
	/* PST_DONE after an operation that was done already has no effect. */
	post_verdict[2] = PST_DONE;
	post_verdict[1] = 0;
	assert_int_equal(getattr(&view, "abcCBA"), 0);
	reset_and_stop(&view);
}

struct verdict {
	int verdict, pre, post;
	bool bad;
};

/*
 * The verdicts -1 to -511 reach the client, apart from ENOSYS, after which the kernel would stop
 * sending the operation. All others become EIO and are counted as bad.
 */
K_TEST(verdicts_that_are_no_errno_become_eio, state)
{
	static const struct verdict verdicts[] = {
		{ -1, -1, -1, false },
		{ -511, -511, -511, false },
		{ -512, -EIO, -EIO, true },
		{ -4096, -EIO, -EIO, true },
		{ INT_MIN + 1, -EIO, -EIO, true },
		{ INT_MAX, -EIO, -EIO, true },
		{ PST_SERVE + 1, -EIO, -EIO, true },
		/* No server exists that could serve the request. */
		{ PST_SERVE, -EIO, -EIO, true },
		{ FAKE_NOT_RUN, -EIO, -EIO, true },
		/* After ENOSYS the kernel would never ask again in the life of the view. */
		{ -ENOSYS, -EOPNOTSUPP, -EOPNOTSUPP, false },
	};
	struct filter_view view = start_chain(state, true);
	uint64_t n_bad = 0;

	for (size_t i = 0; i < N(verdicts); i++) {
		const struct verdict *v = &verdicts[i];

		pre_verdict[1] = v->verdict;
		assert_int_equal(getattr(&view, "abA"), v->pre);
		pre_verdict[1] = 0;
		post_verdict[1] = v->verdict;
		assert_int_equal(getattr(&view, "abcCBA"), v->post);
		post_verdict[1] = 0;
		n_bad += v->bad;
		assert_int_equal(filter_view_count(&view, "b", "pre/getattr").n_bad, n_bad);
		assert_int_equal(filter_view_count(&view, "b", "post/getattr").n_bad, n_bad);
	}
	assert_int_equal(filter_view_count(&view, "a", "pre/getattr").n_bad, 0);
	reset_and_stop(&view);
}

/* The log names the filter at fault once for each program, also when the program did not run. */
static unsigned int n_named;

static void hear(void *aux, enum pst_log_level level, const char *text)
{
	n_named += strstr(text, "filter b: its program pre/getattr") != NULL;
}

K_TEST(program_at_fault_is_named_once, state)
{
	static const int verdicts[] = { FAKE_NOT_RUN, 77 };

	for (int i = 0; i < 2; i++) {
		struct filter_view view = start_chain(state, true);

		n_named = 0;
		pst_log_set(PST_LOG_WARNING, hear, NULL);
		pre_verdict[1] = verdicts[i];
		for (int j = 0; j < 3; j++)
			assert_int_equal(getattr(&view, "abA"), -EIO);
		assert_int_equal(n_named, 1);
		reset_and_stop(&view);
	}
}

/* A filter with post programs only. */
static int post_only(struct pst_call *call)
{
	return note('P', 0);
}

static const struct fake_program post_only_programs[] = {
	{ FILTER_POST, FUSE_GETATTR, post_only },
	{ 0 },
};
static const struct fake post_only_fake = { .name = "post-only", .programs = post_only_programs };

K_TEST(filter_without_pre_programs_runs_post_programs, state)
{
	struct filter_view view;

	fake_register(&post_only_fake);
	view = filter_view_start(state, &(struct k_options){ 0 },
				 (const char *const[]){ "post-only", NULL });
	assert_int_equal(getattr(&view, "P"), 0);
	filter_view_stop(&view);
}

/* -- answering in the place of the file system ------------------------------------------------ */

static bool doing;

static int answer(struct pst_call *call)
{
	if (!doing)
		return PST_PASS;
	call->data_len = 0;
	switch (call->opcode) {
	case FUSE_GETATTR:
		call->out.attr.attr.mode = call->node.attr.mode;
		break;
	case FUSE_STATX:
		call->out.statx.stat.mode = (uint16_t)call->node.attr.mode;
		break;
	case FUSE_WRITE:
		call->out.write.size = 3;
		break;
	case FUSE_READLINK:
	case FUSE_READ:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_IOCTL:
		memcpy(call->data, "answer", 6);
		call->data_len = 6;
		break;
	}
	return PST_DONE;
}

#define ANSWERING(name, opcode, facts) { FILTER_PRE, opcode, answer },
static const struct fake_program answering_programs[] = { PST_OPS(ANSWERING){ 0 } };
static const struct fake answering = { .name = "answering", .programs = answering_programs };

/*
 * Returns false for operations whose reply has a nodeid or a handle, which only the engine knows.
 */
static bool answerable(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_CREATE:
	case FUSE_TMPFILE:
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return false;
	default:
		return true;
	}
}

static size_t data_answered(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_READLINK:
	case FUSE_READ:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_IOCTL:
		return 6;
	default:
		return 0;
	}
}

#define OPCODE(name, opcode, facts) opcode,
static const uint32_t opcodes[] = { PST_OPS(OPCODE) };

static void expect_answered(struct filter_view *view, uint32_t opcode)
{
	static struct k_answer got;
	size_t data = data_answered(opcode), out = op_find(opcode)->result_size;
	int r = op_call(view, opcode, &got);

	print_message("%s: %d\n", op_table[opcode].name, r);
	assert_int_equal(r, answerable(opcode) ? 0 : -EIO);
	if (r < 0)
		return;
	assert_int_equal(got.len, out + data);
	assert_memory_equal(got.data + out, "answer", data);
	if (opcode == FUSE_WRITE)
		assert_int_equal(((struct fuse_write_out *)got.data)->size, 3);
}

K_TEST(pst_done_answers_operations_without_nodeid_or_handle, state)
{
	struct filter_view view;

	fake_register(&answering);
	doing = false;
	view = filter_view_start(state, &(struct k_options){ .complaints = true },
				 (const char *const[]){ "answering", NULL });
	doing = true;
	for (size_t i = 0; i < N(opcodes); i++)
		if (!(op_find(opcodes[i])->flags & OP_CLOSES))
			expect_answered(&view, opcodes[i]);
	expect_answered(&view, FUSE_RELEASE);
	expect_answered(&view, FUSE_RELEASEDIR);
	doing = false;
	/* The refused opens are closed; no other reference remains. */
	k_expect_left(view.k, 0, 4);
	view.fh = view.dir_fh = 0;
	k_expect_below(view.k, "file", "some text");
	assert_int_equal(faccessat(view.k->lower, "new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(faccessat(view.k->lower, "dir/sub", F_OK, 0), 0);
	filter_view_stop(&view);
}

TEST_MAIN(NULL, NULL)
