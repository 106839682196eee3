// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The filter core, compiled without libc (meson.build), with an engine of the test's own (host.c):
 * no file system, no eBPF. The tests 20 to 25 of tests/engine have the whole engine, and test all
 * that programs may leave, hide and list. This one tests the callbacks of the engine, and slots
 * that another thread changes.
 */
#include "host.h"

#include "filter/call-fill.h"
#include "filter/name-check.h"
#include "filter/place.h"
#include "filter/records.h"

#include "../test.h"

#include <pthread.h>
#include <stdio.h>

static int set_up(void **state)
{
	host_init();
	return 0;
}

static int tear_down(void **state)
{
	host_fini();
	return n_allocated;
}

/*
 * -- verdicts ------------------------------------------------------------------------------------
 */

static int pre_a(struct pst_call *call)
{
	note("a");
	return PST_PASS;
}

static int pre_b(struct pst_call *call)
{
	note("b");
	return call->caller.uid == 1 ? -EACCES : PST_PASS;
}

static int pre_c(struct pst_call *call)
{
	note("c");
	if (call->caller.uid != 2)
		return PST_PASS;
	call->out.attr.attr.mode = S_IFREG | 0600;
	return PST_DONE;
}

static int post_a(struct pst_call *call)
{
	note(call->error ? "A!" : "A");
	return PST_PASS;
}

static int post_b(struct pst_call *call)
{
	note("B");
	return PST_PASS;
}

static int post_c(struct pst_call *call)
{
	note("C");
	return PST_PASS;
}

static struct node *three_filters(void)
{
	static const program_fn pre[] = { pre_a, pre_b, pre_c },
				post[] = { post_a, post_b, post_c };
	static const char *const names[] = { "a", "b", "c" };
	struct node *node = host_node(NULL, "file", S_IFREG);

	/* The bits of the filters are not in the order of the chain. */
	for (unsigned int i = 0; i < 3; i++) {
		struct filter *filter = host_filter(names[i], 0, 2 - i);

		filter->pre[FUSE_GETATTR] = pre[i];
		filter->post[FUSE_GETATTR] = post[i];
	}
	assert_non_null(host_chain());
	return node;
}

/* The engine's part of GETATTR. */
static int getattr(struct filter_call *call, struct node *node, uint32_t uid)
{
	struct fuse_attr_out *out = &call->saved->out.attr;
	int r;

	host_begin(call, FUSE_GETATTR, node, NULL);
	call->caller.uid = uid;
	r = host_before(call);
	if (r == 0) {
		out->attr.mode = node->type | 0644;
		out->attr.size = 5;
		call->out_len = sizeof(*out);
	}
	return apply_after(call, r == APPLY_DONE ? 0 : r, NULL, NULL);
}

TEST_F(node_without_filters_asks_nobody, state)
{
	struct node *node = three_filters();
	struct filter_call *call = host_call();

	port_store(&node->filter.filters, 0);
	host_begin(call, FUSE_GETATTR, node, NULL);
	assert_int_equal(chain_asked(call->chain, FUSE_GETATTR, call->node, NULL), 0);
	port_store(&node->filter.filters, 2);
	assert_int_equal(getattr(call, node, 1000), 0);
	assert_string_equal(asked.log, "b B");
}

TEST_F(operation_runs_its_programs_and_allocates_nothing, state)
{
	struct node *node = three_filters();

	n_allocations = 0;
	assert_int_equal(getattr(host_call(), node, 1000), 0);
	assert_string_equal(asked.log, "a b c C B A");
	assert_int_equal(n_allocations, 0);
}

TEST_F(chain_reports_lack_of_memory, state)
{
	host_filter("a", 0, 0);
	allocation_fails = true;
	assert_null(host_chain());
	allocation_fails = false;
}

/*
 * -- a program that does what a test says --------------------------------------------------------
 */

static void (*leave)(struct pst_call *call);
static int verdict;

static int leaves(struct pst_call *call)
{
	if (leave)
		leave(call);
	return verdict;
}

static int write_100(struct filter_call *call, struct node *node)
{
	const struct fuse_write_in in = { .fh = 7, .size = 100 };
	int r;

	host_begin(call, FUSE_WRITE, node, &in);
	call->data_len = 100;
	r = host_before(call);
	if (r < 0)
		return r;
	call->saved->out.write.size = 100;
	call->out_len = sizeof(call->saved->out.write);
	return apply_after(call, 0, NULL, NULL);
}

/* -- changes that a filter leaves in the slot before the post program of another runs -- */

static int changes_argument(struct pst_call *call)
{
	call->in.write.offset++;
	return 99;
}

static int changes_argument_and_returns_eio(struct pst_call *call)
{
	call->in.write.offset++;
	return -EIO;
}

static int changes_name(struct pst_call *call)
{
	memcpy(call->name[0].text, "other", sizeof("other"));
	call->in.write.offset = 1;
	call->caller.uid = 1;
	return -EACCES;
}

static int delays_undeclared(struct pst_call *call)
{
	call->delay_us = 1;
	return PST_PASS;
}

static int sees_the_request(struct pst_call *call)
{
	bool same = call->in.write.offset == 0 && call->caller.uid == 1000 && !call->delay_us &&
		    (!call->n_names || strcmp(call->name[0].text, "file") == 0);

	note(same ? "same" : "changed");
	return PST_PASS;
}

TEST_F(filter_is_not_blamed_for_changes_of_another, state)
{
	static const struct {
		program_fn pre, post;
		uint32_t opcode;
		int r;
		unsigned int n_bad;
	} rows[] = {
		{ NULL, changes_argument, FUSE_WRITE, -EIO, 1 },
		{ NULL, changes_argument_and_returns_eio, FUSE_WRITE, -EIO, 1 },
		{ changes_name, NULL, FUSE_UNLINK, -EACCES, 0 },
		{ delays_undeclared, NULL, FUSE_WRITE, -EIO, 1 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct filter *sees, *fails;
		struct filter_call *call;
		struct node *node;
		int r;

		host_fini();
		host_init();
		node = host_node(NULL, "dir", S_IFDIR);
		sees = host_filter("sees", 0, 0);
		fails = host_filter("fails", 0, 1);
		sees->post[rows[i].opcode] = sees_the_request;
		fails->pre[rows[i].opcode] = rows[i].pre;
		fails->post[rows[i].opcode] = rows[i].post;
		assert_non_null(host_chain());
		call = host_call();
		host_begin(call, rows[i].opcode, node, NULL);
		call->name[0] = "file";
		r = apply_after(call, host_before(call), NULL, NULL);
		assert_int_equal(r, rows[i].r);
		assert_int_equal(asked.n_bad, rows[i].n_bad);
		assert_string_equal(asked.log, "same");
	}
}

/*
 * -- names ---------------------------------------------------------------------------------------
 */

/* Hides "secret", and does not apply to files named "free". */
static int name_program(struct pst_call *call)
{
	if (strcmp(call->name[0].text, "secret") == 0)
		return -ENOENT;
	if (strcmp(call->name[0].text, "free") == 0)
		call->child.held = 0;
	return PST_PASS;
}

static int counting_program(struct pst_call *call)
{
	call->child.cell = call->cell + 1;
	return PST_PASS;
}

static struct node *tree_with_names(void)
{
	struct node *root = host_node(NULL, "", S_IFDIR);
	struct filter *hide = host_filter("hide", PST_HIDES, 0);
	struct filter *depth = host_filter("depth", PST_CELLS, 1);

	hide->name = name_program;
	depth->name = counting_program;
	host_node(root, "dir", S_IFDIR);
	host_node(root, "file", S_IFREG);
	assert_non_null(host_chain());
	port_store(&root->cells[1], 10);
	return root;
}

static int on_name(uint32_t opcode, struct node *dir, const char *name)
{
	struct filter_call *call = host_call();

	host_begin(call, opcode, dir, NULL);
	call->name[0] = name;
	return host_before(call);
}

TEST_F(filters_and_cells_are_inherited_by_name, state)
{
	struct node *root = tree_with_names();
	struct node *free_node = host_node(root, "free", S_IFREG);
	struct filter_call *call = host_call();

	assert_int_equal(on_name(FUSE_CREATE, root, "free"), 0);
	assert_int_equal(call->child.filters, 2);
	assert_int_equal(call->child.cells[1], 11);
	place_give(call, &free_node->filter, &call->child);
	assert_int_equal(filter_node_filters(&free_node->filter), 2 | FILTERS_SET);
	assert_int_equal(port_load(&free_node->cells[1]), 11);
}

/* The program that the filter chooses files by, which must not run for names that match nothing. */
static int chooser_program(struct pst_call *call)
{
	note(call->name[0].text);
	return strcmp(call->name[0].text, "key") == 0 ? -ENOENT : PST_PASS;
}

TEST_F(program_runs_only_for_names_that_may_be_chosen, state)
{
	struct node *root = host_node(NULL, "", S_IFDIR);
	struct filter *chooser = host_filter("chooser", PST_HIDES | PST_CELLS | PST_CHOOSES, 0);
	struct filter_call *call = host_call();

	chooser->name = chooser_program;
	chooser->facts.choice = (struct filter_choice){ .known = 1 };
	/* "key" goes by its first two bytes. */
	chooser->facts.choice.begin[0]['k' >> 6] = 1ULL << ('k' & 63);
	chooser->facts.choice.begin[1]['e' >> 6] = 1ULL << ('e' & 63);
	assert_non_null(host_chain());
	assert_int_equal(on_name(FUSE_UNLINK, root, "key"), -ENOENT);
	assert_int_equal(on_name(FUSE_UNLINK, root, "file"), 0);
	assert_int_equal(call->child.filters, 1);
	/* It is excluded from the filter, but a directory is not. */
	assert_int_equal(on_name(FUSE_CREATE, root, "file"), 0);
	assert_int_equal(call->child.filters, 0);
	assert_int_equal(on_name(FUSE_MKDIR, root, "dir"), 0);
	assert_int_equal(call->child.filters, 1);
	assert_string_equal(asked.log, "key");
	/* A component of a path may come next. */
	port_store(&root->cells[0], 1);
	assert_int_equal(on_name(FUSE_UNLINK, root, "file"), 0);
	assert_string_equal(asked.log, "key file");
}

TEST_F(names_of_one_file_add_their_filters, state)
{
	struct filter_node node = { 0 };

	filter_node_set(&node, 1, 3);
	filter_node_set(&node, 2, 3);
	assert_int_equal(filter_node_filters(&node), 3 | FILTERS_SET);
	assert_false(filter_node_reset(&node, 4, 7, 1));
	assert_true(filter_node_reset(&node, 4, 7, 3 | FILTERS_SET));
	assert_int_equal(filter_node_filters(&node), 4 | FILTERS_SET);
}

TEST_F(spelling_on_disk_is_asked_about_too, state)
{
	struct node *root = tree_with_names();
	struct filter_call *call = host_call();

	assert_int_equal(on_name(FUSE_UNLINK, root, "UPPER"), 0);
	assert_string_equal(call->saved->real, "upper");
}

static const char *other_name;

static int pre_rename(struct pst_call *call)
{
	snprintf(call->name[0].text, sizeof(call->name[0].text), "%s", other_name);
	call->delay_us = 5;
	return PST_PASS;
}

/* A tree where "file" becomes other_name before it is removed. */
static struct node *tree_with_other_name(const char *name)
{
	struct node *root = tree_with_names();

	other_name = name;
	host_filter("other", PST_DELAYS | PST_WANT_CHILD, 2)->pre[FUSE_UNLINK] = pre_rename;
	assert_non_null(host_chain());
	return root;
}

TEST_F(other_name_is_asked_about_and_keeps_the_delay, state)
{
	struct node *root = tree_with_other_name("free");
	struct filter_call *call = host_call();

	assert_int_equal(on_name(FUSE_UNLINK, root, "file"), 0);
	assert_string_equal(call->name[0], "free");
	assert_int_equal(call->child.filters, 6);
	assert_int_equal(call->delay_us, 5);
}

TEST_F(hidden_other_name_is_not_looked_at, state)
{
	struct node *root = tree_with_other_name("secret");

	assert_int_equal(on_name(FUSE_UNLINK, root, "file"), -ENOENT);
	/* Only "file" was looked at. */
	assert_int_equal(asked.n_peeks, 1);
}

TEST_F(name_that_is_none_is_not_taken, state)
{
	struct node *root = tree_with_other_name("no/name");
	struct filter_call *call = host_call();

	assert_int_equal(on_name(FUSE_UNLINK, root, "file"), -EIO);
	assert_string_equal(call->name[0], "file");
	assert_int_equal(on_name(FUSE_UNLINK, root, "no/name"), -EINVAL);
}

/*
 * -- listings ------------------------------------------------------------------------------------
 */

/* A record with an entry; returns its size. */
static size_t put_record(char *at, uint64_t nodeid, const char *name)
{
	struct fuse_direntplus *record = (struct fuse_direntplus *)at;

	memset(record, 0, FUSE_NAME_OFFSET_DIRENTPLUS);
	record->entry_out.nodeid = nodeid;
	record->entry_out.attr.mode = S_IFREG;
	record->dirent.namelen = (uint32_t)strlen(name);
	memcpy(at + FUSE_NAME_OFFSET_DIRENTPLUS, name, strlen(name));
	return FUSE_REC_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + strlen(name));
}

/*
 * -- slots that change while they are read --------------------------------------------------------
 */

static void scribble(struct pst_call *slot)
{
	memset(slot, 0xff, sizeof(*slot));
}

static void one_event(struct pst_call *call)
{
	call->n_events = 1;
	memset(call->event, 'x', sizeof(call->event));
}

/* Leaves an event, and returns another error than the operation has. */
static int event_and_error(struct pst_call *call)
{
	one_event(call);
	call->error = INT32_MIN;
	return PST_PASS;
}

TEST_F(event_tells_of_the_error_of_the_operation, state)
{
	struct node *node = host_node(NULL, "file", S_IFREG);
	struct filter *filter = host_filter("event", 0, 0);
	struct filter_call *call = host_call();

	filter->post[FUSE_GETATTR] = event_and_error;
	assert_non_null(host_chain());
	host_begin(call, FUSE_GETATTR, node, NULL);
	assert_int_equal(host_before(call), 0);
	assert_int_equal(apply_after(call, -EIO, NULL, NULL), -EIO);
	assert_int_equal(asked.error, -EIO);
}

TEST_F(slot_that_changes_is_not_believed, state)
{
	struct node *node = host_node(NULL, "file", S_IFREG);
	struct filter *filter = host_filter("event", 0, 0);
	struct filter_call *call = host_call();

	filter->pre[FUSE_WRITE] = filter->post[FUSE_WRITE] = leaves;
	assert_non_null(host_chain());
	leave = one_event;
	verdict = PST_PASS;
	assert_int_equal(write_100(call, node), 0);
	assert_int_equal(asked.n_events, 2);
	assert_int_equal(asked.event.what[PST_EVENT_SIZE - 1], 0);

	/* After the core has read the members of the program, before it reads the request. */
	on_event = scribble;
	assert_int_equal(write_100(call, node), -EIO);
	assert_int_equal(call->saved->cur.write.fh, 7);
	on_event = NULL;

	/* After the core has taken over the result. */
	assert_int_equal(write_100(call, node), 0);
	scribble(call->slot);
	assert_int_equal(call->saved->out.write.size, 100);
	assert_int_equal(call->data_len, 100);
}

static volatile bool stop_scribbling;

/* Writes to the slot while the core reads it. */
__attribute__((no_sanitize("thread"))) static void *scribbler(void *slot)
{
	volatile unsigned char *bytes = slot;
	uint32_t random = 1;

	while (!stop_scribbling) {
		random = random * 1664525 + 1013904223;
		bytes[random % (sizeof(struct pst_call) + 512)] = (unsigned char)(random >> 24);
		/* Names and listings in each round, because all their bytes count. */
		bytes[offsetof(struct pst_call, name) + random % 64] =
			(unsigned char)(random >> 16);
	}
	return NULL;
}

/* Checks that the values that an engine uses are valid, whatever is written to the slot. */
TEST_F(slot_that_another_thread_writes_to_does_no_harm, state)
{
	struct node *root = tree_with_names();
	struct filter *filter = host_filter("pass", 0, 2);
	struct filter_call *call = host_call();
	struct filter_entry_id ids[4];
	pthread_t thread;

	filter->pre[FUSE_CREATE] = filter->post[FUSE_READDIR] = leaves;
	filter->pre[FUSE_WRITE] = filter->post[FUSE_WRITE] = leaves;
	leave = NULL;
	verdict = PST_PASS;
	assert_non_null(host_chain());
	stop_scribbling = false;
	assert_int_equal(pthread_create(&thread, NULL, scribbler, call->slot), 0);
	for (int i = 0; i < 20000; i++) {
		if (on_name(FUSE_CREATE, root, "plain") == 0) {
			assert_true(strlen(call->name[0]) < PST_NAME_SIZE && *call->name[0]);
			assert_null(strchr(call->name[0], '/'));
		}
		if (write_100(call, root) == 0) {
			assert_int_equal(call->saved->cur.write.fh, 7);
			assert_true(call->data_len <= 100 && call->saved->out.write.size <= 100);
		}
		host_begin(call, FUSE_READDIRPLUS, root, &(struct fuse_read_in){ .size = 4096 });
		if (host_before(call) == 0) {
			call->answer_len = put_record(call->slot->data, 11, "one");
			call->ids = ids;
			ids[0] = (struct filter_entry_id){ .nodeid = 11, .type = S_IFREG };
			call->n_ids = 1;
			if (apply_after(call, 0, NULL, NULL) == 0)
				assert_true(call->answer_len <= 4096);
		}
	}
	stop_scribbling = true;
	pthread_join(thread, NULL);
}

TEST_MAIN(NULL, NULL)
