// SPDX-License-Identifier: LGPL-2.1-or-later
/* Callbacks of a program for copies, files without a name, ioctl(2), and absent names. */
#include "scripted-program.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define MY_IOCTL _IOWR('p', 1, uint32_t)

static int64_t answer;
static struct {
	uint64_t off, off2, handle, handle2;
	size_t len, key_len2;
} copied;
static uint32_t made_mode;
static unsigned int n_synced;
static pthread_t looker, syncer; /* the threads of the last calls */

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	program.n_lookups++;
	looker = pthread_self();
	if (strcmp(name, "file") == 0)
		return PST_BACKING;
	if (strcmp(name, "absent") == 0)
		return 0;
	pst_entry_key(entry, name, strlen(name));
	entry->stx = program.stx;
	return 0;
}

static int open_it(struct pst_request *req, int flags, struct pst_opened *opened)
{
	opened->handle = *(const char *)req->file->key;
	return 0;
}

static ssize_t copy(struct pst_request *req, uint64_t off, uint64_t off2, size_t len)
{
	copied.off = off;
	copied.off2 = off2;
	copied.len = len;
	copied.handle = req->handle;
	copied.handle2 = req->handle2;
	copied.key_len2 = req->file2->key_len;
	return answer;
}

static int make_unnamed(struct pst_request *req, uint32_t mode, int flags, struct pst_entry *entry,
			struct pst_opened *opened)
{
	made_mode = mode;
	pst_entry_key(entry, "t", 1);
	entry->stx = (struct statx){ .stx_mode = (uint16_t)mode };
	opened->handle = 't';
	return 0;
}

static int command(struct pst_request *req, uint32_t cmd, const void *in, size_t in_size, void *out,
		   size_t out_size)
{
	uint32_t number;

	if (cmd != MY_IOCTL)
		return PST_BACKING;
	assert_int_equal(in_size, 4);
	assert_int_equal(out_size, 4);
	memcpy(&number, in, 4);
	number++;
	memcpy(out, &number, 4);
	return (int)answer;
}

static int sync_it(struct pst_request *req, int data_only)
{
	syncer = pthread_self();
	n_synced += S_ISDIR(req->file->type) ? 100 : 1;
	return 0;
}

static struct kernel *start(void **state, bool with, bool complaints)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = PST_ANSWERS_ALL,
		.timeout_ns = 1000000000,
		.ops = program_answers,
		.lookup = look_up,
		.getattr = program_getattr,
		.open = open_it,
		.fsync = sync_it,
		.copy_file_range = with ? copy : NULL,
		.tmpfile = with ? make_unnamed : NULL,
		.ioctl = with ? command : NULL,
	};
	struct kernel *k;

	memset(&program, 0, sizeof(program));
	program.answers = PST_ANSWERS_ALL;
	program.stx = (struct statx){ .stx_mode = S_IFREG | 0640, .stx_nlink = 1, .stx_size = 10 };
	k = k_start(&(struct k_options){
		.nodes = K_NODES(state), .node_ops = &ops, .complaints = complaints });
	k_file_below(k, "file", "below");
	return k;
}

struct opened {
	uint64_t id, fh;
};

static struct opened open_named(struct kernel *k, const char *name)
{
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, name, &entry), 0);
	assert_int_equal(k_open(&k->chans[0], entry.nodeid, O_RDWR, &open), 0);
	return (struct opened){ entry.nodeid, open.fh };
}

static int64_t copy_between(struct kernel *k, int opcode, struct opened from, struct opened to,
			    uint64_t len)
{
	struct fuse_copy_file_range_in in = { .fh_in = from.fh,
					      .off_in = 2,
					      .fh_out = to.fh,
					      .nodeid_out = to.id,
					      .off_out = 3,
					      .len = len };
	struct k_request request = *K_REQUEST(opcode, from.id, &in);
	uint64_t out;
	int r = k_ask(&k->chans[0], &request, &out, sizeof(out));

	return r < 0 ? r : opcode == FUSE_COPY_FILE_RANGE ? (uint32_t)out : (int64_t)out;
}

K_TEST(program_copies_between_its_files, state)
{
	struct kernel *k = start(state, true, true);
	struct opened a = open_named(k, "a"), b = open_named(k, "bb"), lower;

	answer = 5;
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE, a, b, 7), 5);
	assert_int_equal(copied.off, 2);
	assert_int_equal(copied.off2, 3);
	assert_int_equal(copied.len, 7);
	assert_int_equal(copied.handle, 'a');
	assert_int_equal(copied.handle2, 'b');
	assert_int_equal(copied.key_len2, 2);
	answer = 1LL << 40;
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE_64, a, a, 1ULL << 41), 1LL << 40);
	answer = 0x7ffff000;
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE, a, b, 1ULL << 41), answer);
	assert_int_equal(copied.len, 0x7ffff000);
	answer = 8;
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE, a, b, 7), -EIO);
	answer = -ENOSPC;
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE, a, b, 7), -ENOSPC);
	/* Between the program's file and a lower file the caller copies. */
	lower = open_named(k, "file");
	answer = 5;
	copied.len = 0;
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE, a, lower, 7), -EXDEV);
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE, lower, a, 7), -EXDEV);
	assert_int_equal(copied.len, 0);
	k_expect_below(k, "file", "below");
	k_stop(k);
	k = start(state, false, false);
	a = open_named(k, "a");
	b = open_named(k, "bb");
	assert_int_equal(copy_between(k, FUSE_COPY_FILE_RANGE, a, b, 7), -EXDEV);
	k_stop(k);
}

static int make_tmpfile(struct kernel *k, uint64_t dir, struct fuse_entry_out *ret_entry)
{
	struct fuse_create_in in = { .flags = O_RDWR | O_TMPFILE, .mode = 0666, .umask = 022 };
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out;
	int r = k_ask(&k->chans[0], K_REQUEST(FUSE_TMPFILE, dir, &in, .names = { "" }), &out,
		      sizeof(out));

	if (r == 0)
		*ret_entry = out.entry;
	return r;
}

K_TEST(program_makes_files_without_a_name, state)
{
	struct kernel *k = start(state, true, false);
	struct fuse_entry_out dir, entry;

	assert_int_equal(make_tmpfile(k, K_ROOT, &entry), 0);
	assert_int_equal(made_mode, S_IFREG | 0644);
	assert_int_equal(entry.attr.nlink, 0);
	k_stop(k);
	/* Without the callback: in the lower directory, and refused in another. */
	k = start(state, false, false);
	assert_int_equal(make_tmpfile(k, K_ROOT, &entry), 0);
	program.stx.stx_mode = S_IFDIR | 0755;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "d", &dir), 0);
	assert_int_equal(make_tmpfile(k, dir.nodeid, &entry), -EOPNOTSUPP);
	k_stop(k);
}

static int do_ioctl(struct kernel *k, struct opened file, uint32_t cmd, uint32_t *number,
		    int32_t *ret_result)
{
	struct fuse_ioctl_in in = { .fh = file.fh, .cmd = cmd, .in_size = 4, .out_size = 4 };
	static struct k_answer reply;
	int r = k_call(&k->chans[0],
		       K_REQUEST(FUSE_IOCTL, file.id, &in, .data = number, .data_len = 4), &reply);

	if (r < 0)
		return r;
	assert_int_equal(reply.len, sizeof(struct fuse_ioctl_out) + 4);
	*ret_result = ((struct fuse_ioctl_out *)reply.data)->result;
	memcpy(number, reply.data + sizeof(struct fuse_ioctl_out), 4);
	return 0;
}

K_TEST(program_answers_ioctl, state)
{
	struct kernel *k = start(state, true, true);
	struct opened a = open_named(k, "a");
	uint32_t number = 41;
	int32_t result;

	answer = 7;
	assert_int_equal(do_ioctl(k, a, MY_IOCTL, &number, &result), 0);
	assert_int_equal(number, 42);
	assert_int_equal(result, 7);
	assert_int_equal(do_ioctl(k, a, MY_IOCTL + 1, &number, &result), -ENOTTY);
	answer = -EPERM;
	assert_int_equal(do_ioctl(k, a, MY_IOCTL, &number, &result), -EPERM);
	k_stop(k);
}

K_TEST(program_syncs_files_and_directories, state)
{
	struct kernel *k = start(state, true, false);
	struct opened a = open_named(k, "a");
	struct fuse_fsync_in in = { .fh = a.fh };
	struct fuse_open_out open;

	n_synced = 0;
	assert_int_equal(k_ask(&k->chans[0], K_REQUEST(FUSE_FSYNC, a.id, &in), NULL, 0), 0);
	assert_int_equal(k_opendir(&k->chans[0], K_ROOT, &open), 0);
	in.fh = open.fh;
	assert_int_equal(k_ask(&k->chans[0], K_REQUEST(FUSE_FSYNCDIR, K_ROOT, &in), NULL, 0), 0);
	assert_int_equal(n_synced, 101);
	k_stop(k);
}

/* FSYNC of a lower file always runs in the pool. */
K_TEST(quick_callback_runs_in_the_thread_that_receives_requests, state)
{
	struct kernel *k = start(state, true, false);
	struct opened a = open_named(k, "a");
	struct fuse_fsync_in in = { .fh = a.fh };

	assert_int_equal(k_ask(&k->chans[0], K_REQUEST(FUSE_FSYNC, a.id, &in), NULL, 0), 0);
	assert_true(pthread_equal(looker, syncer));
	k_stop(k);
}

/* An empty entry is a name that the kernel may cache as absent. */
K_TEST(absent_names_have_a_timeout, state)
{
	struct kernel *k = start(state, true, false);
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "absent", &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(entry.entry_valid, 1);
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
