// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes of a call by programs: forbidden changes fail the operation with EIO, and the lookup
 * counts and open files of the kernel and the view stay equal. The mount tests 81-filter-data and
 * 88-fuse-bpf-faults show that permitted changes take effect.
 */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "transport/slot.h"

/* The kind of program that the test uses, and the function that this program runs. */
static enum filter_kind side;
/* Atomic, because a test may change it while a request runs for whose reply it does not wait. */
static void (*_Atomic change)(struct pst_call *call);
static int verdict;

static int run(struct pst_call *call, enum filter_kind kind)
{
	void (*fn)(struct pst_call * call) = change;

	if (!fn || kind != side)
		return PST_PASS;
	fn(call);
	return verdict;
}

static int run_pre(struct pst_call *call)
{
	return run(call, FILTER_PRE);
}

static int run_post(struct pst_call *call)
{
	return run(call, FILTER_POST);
}

#define BOTH(name, opcode, facts)                                                                  \
	{ FILTER_PRE, opcode, run_pre }, { FILTER_POST, opcode, run_post },
#define POST(name, opcode, facts) { FILTER_POST, opcode, run_post },
static const struct fake_program both_programs[] = { PST_OPS(BOTH){ 0 } };
static const struct fake_program post_programs[] = { PST_OPS(POST){ 0 } };
static const struct fake both = { .name = "both", .programs = both_programs };
static const struct fake posts = { .name = "posts", .programs = post_programs };

static struct filter_view start(void **state, const char *spec)
{
	fake_register(&both);
	fake_register(&posts);
	change = NULL;
	return filter_view_start(state, &(struct k_options){ .complaints = true },
				 (const char *const[]){ spec, NULL });
}

static void stop(struct filter_view *view)
{
	change = NULL;
	filter_view_stop(view);
}

/* -- what may not be -------------------------------------------------------------------------- */

#define CHANGE(NAME, WHAT)                                                                         \
	static void NAME(struct pst_call *call)                                                    \
	{                                                                                          \
		WHAT;                                                                              \
	}

static struct fuse_dirent *first(struct pst_call *call)
{
	return (struct fuse_dirent *)call->data;
}

CHANGE(other_fh, call->in.write.fh++)
CHANGE(other_dir, call->in.rename.newdir++)
CHANGE(other_file, call->in.link.oldnodeid++)
CHANGE(name_slash, strcpy(call->name[0].text, "dir/a"))
CHANGE(name_up, strcpy(call->name[0].text, ".."))
CHANGE(name_dot, strcpy(call->name[0].text, "."))
CHANGE(name_none, call->name[0].text[0] = '\0')
CHANGE(name_endless, memset(call->name[0].text, 'x', PST_NAME_SIZE))
CHANGE(name2_up, strcpy(call->name[1].text, ".."))
CHANGE(more_data, call->data_len++)
CHANGE(all_data, call->data_len = call->data_size = UINT32_MAX)
CHANGE(read_more, call->in.read.size++)
CHANGE(list_more, call->in.getxattr.size++)
CHANGE(list_size, call->in.getxattr.size = 0)
CHANGE(cell_of_none, call->cell = 1)
CHANGE(child_cell_of_none, call->child.cell = 1)
CHANGE(held_twice, call->child.held = 2)
CHANGE(other_offset, call->in.write.offset++)
CHANGE(nobody, call->caller.uid = UINT32_MAX)
CHANGE(other_type, call->in.mknod.mode = S_IFIFO | 0600)
CHANGE(open_path, call->in.create.flags |= O_PATH)
CHANGE(exchange, call->in.rename.flags = RENAME_EXCHANGE)
CHANGE(text_cut, call->data[2] = '\0')
CHANGE(text_none, call->data_len = 0)
CHANGE(entry_node, call->out.entry.nodeid++)
CHANGE(entry_no_node, call->out.entry.nodeid = 0)
CHANGE(entry_generation, call->out.entry.generation++)
CHANGE(entry_type, call->out.entry.attr.mode ^= S_IFREG ^ S_IFLNK)
CHANGE(entry_endless, call->out.entry.attr.size = UINT64_MAX)
CHANGE(opened_fh, call->out.open.fh++)
CHANGE(opened_flags, call->out.open.open_flags ^= FOPEN_DIRECT_IO)
CHANGE(opened_backing, call->out.open.backing_id++)
CHANGE(created_fh, call->out.create.open.fh++)
CHANGE(created_node, call->out.create.entry.nodeid++)
CHANGE(attr_type, call->out.attr.attr.mode = S_IFLNK)
CHANGE(attr_size, call->out.attr.attr.size = 1ULL << 63)
CHANGE(statx_type, call->out.statx.stat.mode = S_IFLNK)
CHANGE(wrote_more, call->out.write.size++)
CHANGE(dirent_none, first(call)->namelen = 0)
CHANGE(dirent_huge, first(call)->namelen = UINT32_MAX - 20)
CHANGE(dirent_long, first(call)->namelen = PST_NAME_SIZE)
CHANGE(dirent_slash, memcpy(first(call)->name, "/", 1))
CHANGE(dirent_cut, call->data_len -= 9)
CHANGE(data_beyond, call->data_len = call->data_size + 1)

static const struct {
	enum filter_kind side;
	uint32_t opcode;
	void (*change)(struct pst_call *call);
} refused[] = {
	{ FILTER_PRE, FUSE_WRITE, other_fh },
	{ FILTER_PRE, FUSE_RENAME2, other_dir },
	{ FILTER_PRE, FUSE_LINK, other_file },
	{ FILTER_PRE, FUSE_LOOKUP, name_slash },
	{ FILTER_PRE, FUSE_UNLINK, name_up },
	{ FILTER_PRE, FUSE_MKDIR, name_dot },
	{ FILTER_PRE, FUSE_MKDIR, name_none },
	{ FILTER_PRE, FUSE_SETXATTR, name_none },
	{ FILTER_PRE, FUSE_MKDIR, child_cell_of_none },
	{ FILTER_PRE, FUSE_GETXATTR, list_size },
	{ FILTER_PRE, FUSE_MKNOD, name_endless },
	{ FILTER_PRE, FUSE_RENAME2, name2_up },
	{ FILTER_PRE, FUSE_WRITE, cell_of_none },
	{ FILTER_PRE, FUSE_WRITE, held_twice },
	{ FILTER_PRE, FUSE_WRITE, more_data },
	{ FILTER_PRE, FUSE_WRITE, all_data },
	{ FILTER_PRE, FUSE_SETXATTR, all_data },
	{ FILTER_PRE, FUSE_SYMLINK, all_data },
	{ FILTER_PRE, FUSE_IOCTL, all_data },
	{ FILTER_PRE, FUSE_SYMLINK, text_cut },
	{ FILTER_PRE, FUSE_SYMLINK, text_none },
	{ FILTER_PRE, FUSE_READ, read_more },
	{ FILTER_PRE, FUSE_READDIR, read_more },
	{ FILTER_PRE, FUSE_GETXATTR, list_more },
	{ FILTER_PRE, FUSE_LISTXATTR, list_size },
	{ FILTER_PRE, FUSE_MKDIR, nobody },
	{ FILTER_PRE, FUSE_MKNOD, other_type },
	{ FILTER_PRE, FUSE_CREATE, open_path },
	{ FILTER_PRE, FUSE_TMPFILE, open_path },
	{ FILTER_PRE, FUSE_RENAME2, exchange },
	{ FILTER_POST, FUSE_LOOKUP, name_up },
	{ FILTER_POST, FUSE_LOOKUP, entry_node },
	{ FILTER_POST, FUSE_LOOKUP, entry_no_node },
	{ FILTER_POST, FUSE_LOOKUP, entry_generation },
	{ FILTER_POST, FUSE_LOOKUP, entry_type },
	{ FILTER_POST, FUSE_LOOKUP, entry_endless },
	{ FILTER_POST, FUSE_OPEN, opened_fh },
	{ FILTER_POST, FUSE_OPEN, opened_flags },
	{ FILTER_POST, FUSE_OPENDIR, opened_backing },
	{ FILTER_POST, FUSE_TMPFILE, created_fh },
	{ FILTER_POST, FUSE_TMPFILE, created_node },
	{ FILTER_POST, FUSE_GETATTR, attr_type },
	{ FILTER_POST, FUSE_SETATTR, attr_type },
	{ FILTER_POST, FUSE_GETATTR, attr_size },
	{ FILTER_POST, FUSE_STATX, statx_type },
	{ FILTER_POST, FUSE_WRITE, other_offset },
	{ FILTER_POST, FUSE_WRITE, wrote_more },
	{ FILTER_POST, FUSE_READLINK, text_none },
	{ FILTER_POST, FUSE_READLINK, text_cut },
	{ FILTER_POST, FUSE_READLINK, data_beyond },
	{ FILTER_POST, FUSE_READ, data_beyond },
	{ FILTER_POST, FUSE_READDIR, dirent_none },
	{ FILTER_POST, FUSE_READDIR, dirent_huge },
	{ FILTER_POST, FUSE_READDIR, dirent_long },
	{ FILTER_POST, FUSE_READDIR, dirent_slash },
	{ FILTER_POST, FUSE_READDIR, dirent_cut },
};

K_TEST(bad_changes_fail_with_eio, state)
{
	static struct k_answer answer;
	static const char *const sides[] = { "pre", "post" };
	struct filter_view view = start(state, "both");

	verdict = PST_PASS;
	for (size_t i = 0; i < N(refused); i++) {
		uint32_t opcode = refused[i].opcode;
		char program[40];
		uint64_t n_bad;

		snprintf(program, sizeof(program), "%s/%s", sides[refused[i].side],
			 op_filter_name(opcode));
		print_message("%zu: %s\n", i, program);
		n_bad = filter_view_count(&view, "both", program).n_bad;
		side = refused[i].side;
		change = refused[i].change;
		assert_int_equal(op_call(&view, opcode, &answer), -EIO);
		change = NULL;
		assert_int_equal(filter_view_count(&view, "both", program).n_bad, n_bad + 1);
	}
	assert_int_equal(faccessat(view.k->lower, "new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	k_expect_left(view.k, 2, 4);
	stop(&view);
}

static void set(enum filter_kind kind, void (*fn)(struct pst_call *call))
{
	side = kind;
	verdict = PST_PASS;
	change = fn;
}

/* Without a pre program the lower tree gets the name and data exactly as the client sent them. */
K_TEST(request_without_pre_program_arrives_as_sent, state)
{
	static const char name[] = "a-name-that-reaches-into-where-the-data-of-a-request-will-lie";
	struct filter_view view = start(state, "posts");
	char value[300], have[300], path[200];
	struct fuse_setxattr_in in = { .size = sizeof(value) };
	struct fuse_entry_out entry;
	int r;

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)('a' + i % 26);
	value[sizeof(value) - 1] = '\0';
	assert_int_equal(k_symlink(view.c, K_ROOT, name, value, &entry), 0);
	k_forget(view.c, entry.nodeid, 1);
	assert_int_equal(readlinkat(view.k->lower, name, have, sizeof(have)), sizeof(value) - 1);
	assert_memory_equal(have, value, sizeof(value) - 1);
	r = k_ask(view.c,
		  K_REQUEST(FUSE_SETXATTR, view.file, &in, .names = { "user.n" }, .data = value,
			    .data_len = sizeof(value)),
		  NULL, 0);
	if (r == 0) {
		snprintf(path, sizeof(path), "%s/file", view.k->path);
		assert_int_equal(getxattr(path, "user.n", have, sizeof(have)), sizeof(value));
		assert_memory_equal(have, value, sizeof(value));
	} else {
		assert_int_equal(r, -EOPNOTSUPP);
	}
	stop(&view);
}

static bool name_in_slot;

static void find_name(struct pst_call *call)
{
	name_in_slot = memcmp((char *)call + SLOT_ASIDE, "user.n", sizeof("user.n")) == 0;
}

/*
 * A program checked the name; the operation must use a copy that programs cannot change afterwards.
 */
K_TEST(checked_xattr_name_is_not_in_the_slot, state)
{
	static struct k_answer answer;
	struct filter_view view = start(state, "both");

	name_in_slot = true;
	set(FILTER_POST, find_name);
	op_call(&view, FUSE_GETXATTR, &answer);
	assert_false(name_in_slot);
	stop(&view);
}

/* -- accounts --------------------------------------------------------------------------------- */

/* Overwrites the slot, to show that the engine has copied all that it still needs. */
static void scribble_message(struct pst_call *call)
{
	memset((char *)call + offsetof(struct pst_call, pad1), 'x',
	       sizeof(call->pad1) + fake_data_size());
}

/* If a post program refuses the operation, the view drops the new node and closes the new file. */
K_TEST(refused_operation_leaves_no_reference, state)
{
	static const uint32_t opcodes[] = { FUSE_LOOKUP, FUSE_OPEN,   FUSE_OPENDIR, FUSE_TMPFILE,
					    FUSE_CREATE, FUSE_UNLINK, FUSE_MKDIR,   FUSE_SETXATTR };
	static struct k_answer answer;
	struct filter_view view = start(state, "both");

	for (size_t i = 0; i < N(opcodes); i++) {
		set(FILTER_POST, scribble_message);
		verdict = -EACCES;
		unlinkat(view.k->lower, "new", 0);
		assert_int_equal(op_call(&view, opcodes[i], &answer), -EACCES);
		change = NULL;
		k_sync(view.c);
		k_expect_left(view.k, 2, 4);
	}
	stop(&view);
}

/* A refused open has truncated the file: the server invalidates the file before it replies. */
K_TEST(refused_truncating_open_invalidates_the_file, state)
{
	struct filter_view view = start(state, "both");
	unsigned int *forgotten = &view.c->n_notified_as[FUSE_NOTIFY_INVAL_INODE], before;
	struct fuse_open_out open;

	set(FILTER_POST, scribble_message);
	verdict = -EACCES;
	before = *forgotten;
	assert_int_equal(k_open(view.c, view.file, O_WRONLY, &open), -EACCES);
	assert_int_equal(*forgotten - before, 0);
	assert_int_equal(k_open(view.c, view.file, O_WRONLY | O_TRUNC, &open), -EACCES);
	assert_int_equal(*forgotten - before, 1);
	change = NULL;
	k_sync(view.c);
	k_expect_left(view.k, 2, 4);
	stop(&view);
}

static bool scribbled;

static void scribble(struct pst_call *call)
{
	memset(&call->out, 0x55, sizeof(call->out));
	scribbled = true;
}

/* A lookup that found no file returns no node, whatever a program writes into the entry. */
K_TEST(absent_name_stays_absent, state)
{
	/* The reply allows the kernel to cache the absence, so it is a success with node ID 0. */
	struct k_options options = { .cache = PST_CACHE_EXCLUSIVE };
	struct filter_view view;
	struct fuse_entry_out entry;

	fake_register(&posts);
	change = NULL;
	view = filter_view_start(state, &options, (const char *const[]){ "posts", NULL });
	assert_int_equal(k_lookup(view.c, K_ROOT, "absent", &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	set(FILTER_POST, scribble);
	scribbled = false;
	assert_int_equal(k_lookup(view.c, K_ROOT, "absent", &entry), 0);
	assert_true(scribbled);
	assert_int_equal(entry.nodeid, 0);
	stop(&view);
}

/* -- listings --------------------------------------------------------------------------------- */

static unsigned int keep_mask; /* bit N: the Nth name of the answer stays */
static unsigned int n_parts;

/* Keeps only some names of the listing. */
static void drop(struct pst_call *call)
{
	bool plus = call->in.read.read_flags & PST_READ_PLUS;
	size_t to = 0, size;
	unsigned int i = 0;

	/* READDIRPLUS also runs the programs for LOOKUP. */
	if (call->opcode != FUSE_READDIR)
		return;
	n_parts++;
	for (size_t at = 0; at < call->data_len; at += size, i++) {
		const struct fuse_direntplus *entry = (const void *)(call->data + at);

		size = entry_size(plus ? &entry->dirent : (const void *)entry, plus);
		if (!(keep_mask >> i & 1))
			continue;
		memmove(call->data + to, call->data + at, size);
		to += size;
	}
	call->data_len = (uint32_t)to;
}

/*
 * Returns the number of names in the reply. Forgets their nodes, which the view must know until
 * then.
 */
static unsigned int count_and_forget(struct filter_view *view, const struct k_answer *answer)
{
	const struct fuse_direntplus *entry;
	struct fuse_attr_out attr;
	unsigned int n = 0;

	for (size_t at = 0; at < answer->len; at += entry_size(&entry->dirent, true), n++) {
		entry = (const struct fuse_direntplus *)(answer->data + at);
		if (!entry->entry_out.nodeid)
			continue;
		assert_int_equal(k_getattr(view->c, entry->entry_out.nodeid, &attr), 0);
		k_forget(view->c, entry->entry_out.nodeid, 1);
	}
	return n;
}

K_TEST(dropped_entries_are_forgotten, state)
{
	static const unsigned int masks[] = { 0x3f, 0x2a, 0x15, 0x20, 0x01 };
	static struct k_answer answer;
	struct filter_view view = start(state, "both");

	set(FILTER_POST, drop);
	for (size_t i = 0; i < N(masks); i++) {
		keep_mask = masks[i];
		assert_int_equal(k_readdir(view.c, view.dir, view.dir_fh, 0, 4096, true, &answer),
				 0);
		assert_int_equal(count_and_forget(&view, &answer), __builtin_popcount(masks[i]));
		k_sync(view.c);
		k_expect_left(view.k, 2, 4);
	}
	/* A part without names is not the end: the kernel asks for the next part. */
	keep_mask = 0;
	n_parts = 0;
	assert_int_equal(k_readdir(view.c, view.dir, view.dir_fh, 0, 200, true, &answer), 0);
	assert_int_equal(answer.len, 0);
	/* One part for each of ".", "..", "a", "b", "c", "sub", and the end. */
	assert_int_equal(n_parts, 7);
	k_sync(view.c);
	k_expect_left(view.k, 2, 4);
	stop(&view);
}

/* Names of a plain listing whose bytes also look like an entry with attributes. */
#define N_ALIKE 5
static uint64_t alike_nodeid;

static void list_alike(struct pst_call *call)
{
	struct fuse_dirent head = { .ino = alike_nodeid, .namelen = 8, .type = S_IFREG >> 12 };

	if (call->opcode != FUSE_READDIR)
		return;
	call->data_len = 0;
	for (head.off = 1; head.off <= N_ALIKE; head.off++) {
		memcpy(call->data + call->data_len, &head, FUSE_NAME_OFFSET);
		memcpy(call->data + call->data_len + FUSE_NAME_OFFSET, "namename", 8);
		call->data_len += FUSE_NAME_OFFSET + 8;
	}
}

/* A plain listing that the kernel does not receive has no entries, so no node may be forgotten. */
K_TEST(undelivered_plain_listing_forgets_nothing, state)
{
	struct k_options options = { .n_chans = 2 };
	struct filter_view view;
	struct fuse_read_in in = { .size = 4096 };
	struct fuse_attr_out attr;
	uint64_t n, errors;

	fake_register(&posts);
	change = NULL;
	view = filter_view_start(state, &options, (const char *const[]){ "posts", NULL });
	set(FILTER_POST, list_alike);
	alike_nodeid = view.link;
	in.fh = view.dir_fh;
	k_deafen(&view.k->chans[1]);
	k_send(&view.k->chans[1], K_REQUEST(FUSE_READDIR, view.dir, &in));
	/*
	 * The server handles the next request on this channel only after it has dropped the
	 * references of this one.
	 */
	k_send(&view.k->chans[1], K_PLAIN(FUSE_STATFS, K_ROOT));
	do {
		server_op_stat(view.k->server, FUSE_STATFS, &n, &errors);
	} while (n == 0);
	change = NULL;
	assert_int_equal(k_getattr(view.c, view.link, &attr), 0);
	stop(&view);
}

/* The entries of ".", and of the first two files in the listing. */
static struct fuse_direntplus *dot, *one, *other;

static void find_entries(struct pst_call *call)
{
	struct fuse_direntplus *entry;

	dot = one = other = NULL;
	for (size_t at = 0; at < call->data_len; at += entry_size(&entry->dirent, true)) {
		entry = (struct fuse_direntplus *)(call->data + at);
		if (!entry->entry_out.nodeid)
			dot = entry;
		else if (!one)
			one = entry;
		else if (!other)
			other = entry;
	}
	assert_true(dot && one && other);
}

#define N_FORGERIES 9
static int forgery;

static void forge(struct pst_call *call)
{
	struct fuse_entry_out entry;

	if (call->opcode != FUSE_READDIR)
		return;
	find_entries(call);
	entry = one->entry_out;
	switch (forgery) {
	case 0:
		one->entry_out.nodeid = 12345;
		break;
	case 1:
		one->entry_out = other->entry_out;
		other->entry_out = entry;
		break;
	case 2: /* the files are in their order, their names are not */
		one->dirent.name[0] ^= other->dirent.name[0];
		other->dirent.name[0] ^= one->dirent.name[0];
		one->dirent.name[0] ^= other->dirent.name[0];
		break;
	case 3:
		dot->entry_out = entry;
		one->entry_out.nodeid = 0;
		break;
	case 4:
		dot->entry_out = entry;
		break;
	case 5:
		one->entry_out.generation++;
		break;
	case 6:
		one->entry_out.attr.mode ^= S_IFDIR ^ S_IFREG;
		break;
	case 7:
		one->entry_out.attr.size = UINT64_MAX;
		break;
	case 8: /* one twice */
		other->entry_out = entry;
		other->dirent.name[0] = one->dirent.name[0];
		break;
	}
}

/*
 * A program must not write node IDs. After such a fault the entries of the listing are forgotten.
 */
K_TEST(forged_entries_are_refused, state)
{
	static struct k_answer answer;
	struct filter_view view = start(state, "both");

	set(FILTER_POST, forge);
	for (forgery = 0; forgery < N_FORGERIES; forgery++)
		if (k_readdir(view.c, view.dir, view.dir_fh, 0, 4096, true, &answer) != -EIO)
			fail_msg("forgery %d was taken", forgery);
	change = NULL;
	k_sync(view.c);
	k_expect_left(view.k, 2, 4);
	stop(&view);
}

/* The node ID of an entry that a program invents, or 0. */
static uint64_t made_up;

static void make_up(struct pst_call *call)
{
	struct fuse_direntplus *entry = (struct fuse_direntplus *)call->data;

	memset(entry, 0, FUSE_NAME_OFFSET_DIRENTPLUS + 8);
	entry->entry_out.nodeid = made_up;
	entry->dirent.namelen = 4;
	entry->dirent.off = 1;
	memcpy(entry->dirent.name, "name", 4);
	call->data_len = FUSE_NAME_OFFSET_DIRENTPLUS + 8;
}

K_TEST(invented_entry_has_no_node, state)
{
	static struct k_answer answer;
	struct filter_view view = start(state, "both");

	set(FILTER_PRE, make_up);
	verdict = PST_DONE;
	made_up = 0;
	assert_int_equal(k_readdir(view.c, view.dir, view.dir_fh, 0, 4096, true, &answer), 0);
	assert_int_equal(answer.len, FUSE_NAME_OFFSET_DIRENTPLUS + 8);
	assert_int_equal(count_and_forget(&view, &answer), 1);
	made_up = view.file;
	assert_int_equal(k_readdir(view.c, view.dir, view.dir_fh, 0, 4096, true, &answer), -EIO);
	change = NULL;
	k_sync(view.c);
	k_expect_left(view.k, 2, 4);
	stop(&view);
}

/* -- slots of other requests ------------------------------------------------------------------ */

static _Atomic bool held;
static struct fuse_in_header written; /* unique: of the request whose header is changed */
static const char *written_name;      /* of that MKDIR; NULL: it is another operation */

static int hold(struct pst_call *call)
{
	(void)call;
	while (held)
		usleep(1000);
	return PST_PASS;
}

/* Writes to the header of another request in its slot. */
static int write_elsewhere(struct pst_call *call)
{
	struct pst_call *slot;

	(void)call;
	for (unsigned int i = 0; (slot = fake_slot(i)); i++) {
		struct fuse_in_header *head =
			(struct fuse_in_header *)((char *)slot + SLOT_MESSAGE);

		if (head->unique != written.unique)
			continue;
		head->nodeid = written.nodeid;
		head->uid = written.uid;
		if (written_name)
			strcpy((char *)(head + 1) + sizeof(struct fuse_mkdir_in), written_name);
	}
	return PST_PASS;
}

static const struct fake_program holder_programs[] = { { FILTER_PRE, FUSE_GETATTR, hold }, { 0 } };
static const struct fake holder = { .name = "holder",
				    .flags = PST_DELAYS,
				    .programs = holder_programs };
static const struct fake_program writer_programs[] = { { FILTER_PRE, FUSE_LOOKUP, write_elsewhere },
						       { 0 } };
static const struct fake writer = { .name = "writer", .programs = writer_programs };

/* One user may have four of the eight threads, so the fifth request stays queued. */
#define N_HELD 5

static uint64_t send_getattr(struct filter_view *view, uint32_t uid)
{
	const struct fuse_getattr_in in = { 0 };

	return k_send(view->c, K_REQUEST(FUSE_GETATTR, view->file, &in,
					 .caller = &(struct k_caller){ .uid = uid }));
}

/* No filter applies to MKDIR. With dirsync it waits in the pool before check-in. */
K_TEST(name_of_a_queued_request_is_out_of_reach, state)
{
	const struct fuse_mkdir_in in = { .mode = 0755 };
	static struct k_answer answer;
	uint64_t uniques[N_HELD];
	struct filter_view view;
	struct fuse_entry_out entry;

	fake_register(&holder);
	fake_register(&writer);
	view = filter_view_start(state, &(struct k_options){ .n_pool = 1, .dirsync = true },
				 (const char *const[]){ "holder", "writer", NULL });
	held = true;
	for (int i = 0; i < N_HELD - 1; i++)
		uniques[i] = send_getattr(&view, getuid());
	uniques[N_HELD - 1] =
		k_send(view.c, K_REQUEST(FUSE_MKDIR, view.dir, &in, .names = { "asked" }));
	written = (struct fuse_in_header){ .unique = uniques[N_HELD - 1], .nodeid = view.dir };
	written_name = "other";
	assert_int_equal(k_lookup(view.c, view.dir, "b", &entry), 0);
	k_forget(view.c, entry.nodeid, 1);
	held = false;
	for (int i = 0; i < N_HELD; i++)
		assert_int_equal(k_wait(view.c, uniques[i], &answer), 0);
	written_name = NULL;
	memcpy(&entry, answer.data, sizeof(entry));
	k_forget(view.c, entry.nodeid, 1);
	assert_int_equal(unlinkat(view.k->lower, "dir/asked", AT_REMOVEDIR), 0);
	assert_int_equal(faccessat(view.k->lower, "dir/other", F_OK, 0), -1);
	filter_view_stop(&view);
}

K_TEST(header_of_a_queued_request_is_out_of_reach, state)
{
	static struct k_answer answer;
	uint64_t uniques[N_HELD];
	struct filter_view view;
	struct fuse_attr_out attr;
	struct fuse_entry_out entry;

	fake_register(&holder);
	fake_register(&writer);
	view = filter_view_start(state, &(struct k_options){ .n_pool = 1 },
				 (const char *const[]){ "holder", "writer", NULL });
	held = true;
	for (int i = 0; i < N_HELD; i++)
		uniques[i] = send_getattr(&view, 7);
	written = (struct fuse_in_header){ .unique = uniques[N_HELD - 1],
					   .nodeid = view.link,
					   .uid = 8 };
	assert_int_equal(k_lookup(view.c, view.dir, "b", &entry), 0);
	k_forget(view.c, entry.nodeid, 1);
	held = false;
	for (int i = 0; i < N_HELD; i++) {
		assert_int_equal(k_wait(view.c, uniques[i], &answer), 0);
		memcpy(&attr, answer.data, sizeof(attr));
		assert_true(S_ISREG(attr.attr.mode));
	}
	/* The other user still has threads. */
	assert_int_equal(k_wait(view.c, send_getattr(&view, 8), &answer), 0);
	filter_view_stop(&view);
}

TEST_MAIN(NULL, NULL)
