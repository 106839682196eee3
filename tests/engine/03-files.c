// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Open files: the replies that tell the kernel how to reach their data, and READ and WRITE
 * requests.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

static struct kernel *start(void **state, bool passthrough)
{
	return k_start(&(struct k_options){
		.nodes = K_NODES(state), .ttl_ns = 1000000000, .passthrough = passthrough });
}

/* A file of the lower tree, looked up and opened. */
struct file {
	uint64_t id, fh;
	struct fuse_open_out open;
};

static struct file open_file(struct kernel *k, const char *name, const char *text, int flags)
{
	struct fuse_entry_out entry;
	struct file file;

	k_file_below(k, name, text);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, name, &entry), 0);
	assert_int_equal(k_open(&k->chans[0], entry.nodeid, flags, &file.open), 0);
	file.id = entry.nodeid;
	file.fh = file.open.fh;
	return file;
}

static void close_file(struct kernel *k, const struct file *file)
{
	assert_int_equal(k_release(&k->chans[0], file->id, file->fh), 0);
	k_forget(&k->chans[0], file->id, 1);
	k_sync(&k->chans[0]);
}

/* Checks that each file has one node, and that closed files have none. */
static void expect_nothing_open(struct kernel *k)
{
	k_expect_left(k, 0, 1);
	assert_int_equal(k_stat(k).n_backings, 0);
}

K_TEST(opens_share_one_backing_id, state)
{
	struct kernel *k = start(state, true);
	struct k_chan *c = &k->chans[0];
	struct file file = open_file(k, "file", "0123456789", O_RDWR);
	struct fuse_open_out second;
	char buf[32];

	assert_true(k->init.flags2 & (FUSE_PASSTHROUGH >> 32));
	assert_true(file.open.open_flags & FOPEN_PASSTHROUGH);
	assert_true(file.open.backing_id > 0);
	assert_false(file.open.open_flags & (FOPEN_KEEP_CACHE | FOPEN_DIRECT_IO));
	/* The kernel accepts no other backing file while this open exists. */
	assert_int_equal(k_open(c, file.id, O_RDONLY, &second), 0);
	assert_int_equal(second.backing_id, file.open.backing_id);
	assert_int_not_equal(second.fh, file.fh);
	assert_int_equal(k_stat(k).n_backings, 1);
	/* READ requests also arrive for passed-through files, for readahead. */
	assert_int_equal(k_read(c, file.id, second.fh, buf, sizeof(buf), 3, O_RDONLY), 7);
	assert_memory_equal(buf, "3456789", 7);
	assert_int_equal(k_release(c, file.id, second.fh), 0);
	close_file(k, &file);
	expect_nothing_open(k);
	k_stop(k);
}

K_TEST(reads_at_any_offset_are_answered, state)
{
	struct kernel *k = start(state, false);
	struct k_chan *c = &k->chans[0];
	struct file file = open_file(k, "file", "0123456789", O_RDONLY);
	char buf[64];

	assert_false(file.open.open_flags & FOPEN_PASSTHROUGH);
	assert_int_equal(file.open.backing_id, 0);
	assert_int_equal(k_read(c, file.id, file.fh, buf, 64, 0, O_RDONLY), 10);
	assert_memory_equal(buf, "0123456789", 10);
	assert_int_equal(k_read(c, file.id, file.fh, buf, 4, 3, O_RDONLY), 4);
	assert_memory_equal(buf, "3456", 4);
	assert_int_equal(k_read(c, file.id, file.fh, buf, 64, 10, O_RDONLY), 0);
	assert_int_equal(k_read(c, file.id, file.fh, buf, 64, 1ULL << 40, O_RDONLY), 0);
	assert_int_equal(k_read(c, file.id, file.fh, buf, 0, 0, O_RDONLY), 0);
	/*
	 * The server must refuse offset -1, which pread(2) of the lower file would take for the
	 * current position.
	 */
	assert_int_equal(k_read(c, file.id, file.fh, buf, 64, UINT64_MAX, O_RDONLY), -EINVAL);
	assert_int_equal(k_read(c, file.id, file.fh, buf, 64, 1ULL << 63, O_RDONLY), -EINVAL);
	close_file(k, &file);
	k_stop(k);
}

K_TEST(writes_at_any_offset_are_answered, state)
{
	struct kernel *k = start(state, false);
	struct k_chan *c = &k->chans[0];
	struct file file = open_file(k, "file", "0123456789", O_RDWR);
	struct fuse_write_in in = { .fh = file.fh, .flags = O_RDWR, .offset = 2, .size = 3 };
	char buf[64];

	assert_int_equal(k_write(c, file.id, &in, "abc"), 3);
	k_expect_below(k, "file", "01abc56789");
	in.offset = 12;
	assert_int_equal(k_write(c, file.id, &in, "xyz"), 3);
	assert_int_equal(k_read(c, file.id, file.fh, buf, 64, 0, O_RDWR), 15);
	assert_memory_equal(buf, "01abc56789\0\0xyz", 15);
	in.size = 0;
	assert_int_equal(k_write(c, file.id, &in, ""), 0);
	in.size = 3;
	in.offset = UINT64_MAX;
	assert_int_equal(k_write(c, file.id, &in, "end"), -EINVAL);
	in.offset = 1ULL << 63;
	assert_int_equal(k_write(c, file.id, &in, "end"), -EINVAL);
	in.flags = O_RDWR | O_SYNC;
	in.offset = 0;
	assert_int_equal(k_write(c, file.id, &in, "syn"), 3);
	in.flags = O_RDWR | O_DSYNC;
	assert_int_equal(k_write(c, file.id, &in, "dsy"), 3);
	close_file(k, &file);
	k_stop(k);
}

/* A handle allows exactly the accesses that it was opened for. */
K_TEST(handle_allows_what_it_was_opened_for, state)
{
	struct kernel *k = start(state, false);
	struct k_chan *c = &k->chans[0];
	struct file file = open_file(k, "file", "0123456789", O_RDONLY);
	struct fuse_write_in in = { .fh = file.fh, .flags = O_RDONLY, .size = 3 };
	struct fuse_open_out only;
	char buf[8];

	assert_int_equal(k_write(c, file.id, &in, "abc"), -EBADF);
	assert_int_equal(k_open(c, file.id, O_WRONLY, &only), 0);
	assert_int_equal(k_read(c, file.id, only.fh, buf, 8, 0, O_WRONLY), -EBADF);
	assert_int_equal(k_release(c, file.id, only.fh), 0);
	k_expect_below(k, "file", "0123456789");
	close_file(k, &file);
	k_stop(k);
}

/*
 * Checks appends: a write by a caller goes to the end of the lower file, whatever size the kernel
 * has cached. A write from the page cache goes to the offset of its page.
 */
static void expect_appends(struct kernel *k, const struct file *file, const char *name)
{
	struct fuse_write_in in = {
		.fh = file->fh, .flags = O_RDWR | O_APPEND, .offset = 0, .size = 3
	};
	_cleanup_(fd_closep) int fd = openat(k->lower, name, O_WRONLY | O_APPEND);

	assert_int_equal(k_write(&k->chans[0], file->id, &in, "abc"), 3);
	assert_int_equal(write(fd, "DEF", 3), 3);
	assert_int_equal(k_write(&k->chans[0], file->id, &in, "ghi"), 3);
	k_expect_below(k, name, "abcDEFghi");
	in.write_flags = FUSE_WRITE_CACHE;
	in.offset = 1;
	assert_int_equal(k_write(&k->chans[0], file->id, &in, "BCd"), 3);
	k_expect_below(k, name, "aBCdEFghi");
}

K_TEST(append_goes_to_the_end_below, state)
{
	struct kernel *k = start(state, false);
	struct file file = open_file(k, "file", "", O_RDWR | O_APPEND);
	struct fuse_entry_out entry;

	expect_appends(k, &file, "file");
	close_file(k, &file);
	assert_int_equal(k_create(&k->chans[0], K_ROOT, "new", O_RDWR | O_APPEND | O_CREAT, 0644,
				  &entry, &file.open),
			 0);
	file.id = entry.nodeid;
	file.fh = file.open.fh;
	expect_appends(k, &file, "new");
	close_file(k, &file);
	k_stop(k);
}

/* fcntl(2) sets and clears O_DIRECT, so the flags of each WRITE count. */
K_TEST(write_follows_its_own_o_direct, state)
{
	struct kernel *k = start(state, false);
	struct k_chan *c = &k->chans[0];
	struct file file = open_file(k, "file", "0123456789", O_RDWR);
	struct fuse_write_in in = { .fh = file.fh, .flags = O_RDWR | O_DIRECT, .size = 4096 };
	_cleanup_(freep) char *page = calloc(1, 4096);
	ssize_t n;

	n = k_write(c, file.id, &in, page);
	assert_true(n == 4096 || n == -EINVAL);
	in = (struct fuse_write_in){ .fh = file.fh, .flags = O_RDWR, .offset = 1, .size = 3 };
	assert_int_equal(k_write(c, file.id, &in, "abc"), 3);
	close_file(k, &file);
	k_stop(k);
}

K_TEST(create_of_existing_name_is_stale, state)
{
	for (int passthrough = 0; passthrough < 2; passthrough++) {
		struct kernel *k = start(state, passthrough);
		struct k_chan *c = &k->chans[0];
		struct fuse_entry_out entry;
		struct fuse_open_out open;
		struct file file;

		assert_int_equal(
			k_create(c, K_ROOT, "new", O_RDWR | O_CREAT | O_EXCL, 0666, &entry, &open),
			0);
		k_expect_same(k, &entry.attr, "new");
		assert_int_equal(entry.attr.mode, S_IFREG | 0644);
		assert_int_equal(!!(open.open_flags & FOPEN_PASSTHROUGH), passthrough);
		file = (struct file){ entry.nodeid, open.fh, open };
		assert_int_equal(
			k_create(c, K_ROOT, "new", O_RDWR | O_CREAT | O_EXCL, 0666, &entry, &open),
			-EEXIST);
		/*
		 * Without O_EXCL another process may have created the file first; the kernel has to
		 * look it up again.
		 */
		assert_int_equal(k_create(c, K_ROOT, "new", O_RDWR | O_CREAT, 0666, &entry, &open),
				 -ESTALE);
		close_file(k, &file);
		expect_nothing_open(k);
		k_stop(k);
	}
}

/* The kernel sends OPEN for regular files only, and OPENDIR for directories only. */
K_TEST(open_refuses_all_but_regular_files, state)
{
	struct kernel *k = start(state, true);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	assert_true(k_open(c, K_ROOT, O_RDONLY, &open) < 0);
	assert_int_equal(k_mknod(c, K_ROOT, "fifo", S_IFIFO | 0600, &entry), 0);
	assert_true(k_open(c, entry.nodeid, O_RDONLY, &open) < 0);
	assert_int_equal(k_opendir(c, entry.nodeid, &open), -ENOTDIR);
	assert_int_equal(k_symlink(c, K_ROOT, "link", "fifo", &entry), 0);
	assert_true(k_open(c, entry.nodeid, O_RDONLY, &open) < 0);
	assert_int_equal(k_stat(k).n_handles, 0);
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
