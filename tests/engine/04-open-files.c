// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations on an open file, apart from reads and writes. */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

/*
 * A view with one open file. If the file passes through, the server opens its own descriptor only
 * when it needs one.
 */
struct fixture {
	struct kernel *k;
	struct k_chan *c;
	uint64_t id, fh;
};

static struct fixture start(void **state, bool passthrough, const char *text)
{
	struct fixture f = { 0 };
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	f.k = k_start(&(struct k_options){
		.nodes = K_NODES(state), .locks = PST_LOCKS_LOWER, .passthrough = passthrough });
	f.c = &f.k->chans[0];
	k_file_below(f.k, "file", text);
	assert_int_equal(k_lookup(f.c, K_ROOT, "file", &entry), 0);
	assert_int_equal(k_open(f.c, entry.nodeid, O_RDWR, &open), 0);
	f.id = entry.nodeid;
	f.fh = open.fh;
	return f;
}

static void stop(struct fixture *f)
{
	assert_int_equal(k_release(f->c, f->id, f->fh), 0);
	k_forget(f->c, f->id, 1);
	k_stop_empty(f->k);
}

static int call(struct fixture *f, uint32_t opcode, const void *arg, size_t arg_len)
{
	return k_ask(f->c,
		     &(struct k_request){
			     .opcode = opcode, .nodeid = f->id, .arg = arg, .arg_len = arg_len },
		     NULL, 0);
}

K_TEST(bad_ranges_of_fallocate_are_refused, state)
{
	for (int passthrough = 0; passthrough < 2; passthrough++) {
		struct fixture f = start(state, passthrough, "0123456789");
		struct fuse_fallocate_in in = { .fh = f.fh };

		assert_int_equal(call(&f, FUSE_FALLOCATE, &in, sizeof(in)), -EINVAL);
		in.length = UINT64_MAX;
		assert_true(call(&f, FUSE_FALLOCATE, &in, sizeof(in)) < 0);
		in = (struct fuse_fallocate_in){ .fh = f.fh, .offset = 1ULL << 63, .length = 1 };
		assert_int_equal(call(&f, FUSE_FALLOCATE, &in, sizeof(in)), -EINVAL);
		in = (struct fuse_fallocate_in){ .fh = f.fh, .length = 1, .mode = 1u << 30 };
		assert_true(call(&f, FUSE_FALLOCATE, &in, sizeof(in)) < 0);
		stop(&f);
	}
}

K_TEST(lseek_answers_as_below, state)
{
	struct fixture f = start(state, true, "0123456789");
	struct {
		uint64_t offset;
		uint32_t whence;
		int64_t result;
	} rows[] = {
		{ 0, SEEK_DATA, 0 },
		{ 0, SEEK_HOLE, 10 },
		{ 10, SEEK_DATA, -ENXIO },
		{ 100, SEEK_HOLE, -ENXIO },
		{ 0, SEEK_END, 10 },
		{ 4, 99, -EINVAL },
		{ 1ULL << 63, SEEK_SET, -EINVAL },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct fuse_lseek_in in = { .fh = f.fh,
					    .offset = rows[i].offset,
					    .whence = rows[i].whence };
		struct k_request request = *K_REQUEST(FUSE_LSEEK, f.id, &in);
		struct fuse_lseek_out out;
		int r = k_ask(f.c, &request, &out, sizeof(out));

		assert_int_equal(r < 0 ? r : (int64_t)out.offset, rows[i].result);
	}
	stop(&f);
}

/* COPY_FILE_RANGE and COPY_FILE_RANGE_64, within a file and between two files. */
K_TEST(both_forms_of_copy_copy, state)
{
	struct fixture f = start(state, true, "0123456789");
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_copy_file_range_in in = { .fh_in = f.fh, .off_in = 2, .len = 5 };
	struct k_request request = *K_REQUEST(FUSE_COPY_FILE_RANGE, f.id, &in);
	struct fuse_write_out out;
	struct fuse_copy_file_range_out wide;

	assert_int_equal(k_create(f.c, K_ROOT, "copy", O_WRONLY | O_CREAT, 0644, &entry, &open), 0);
	in.nodeid_out = entry.nodeid;
	in.fh_out = open.fh;
	assert_int_equal(k_ask(f.c, &request, &out, sizeof(out)), 0);
	assert_int_equal(out.size, 5);
	k_expect_below(f.k, "copy", "23456");
	request.opcode = FUSE_COPY_FILE_RANGE_64;
	in.off_out = 5;
	in.len = 1ULL << 40;
	assert_int_equal(k_ask(f.c, &request, &wide, sizeof(wide)), 0);
	assert_int_equal(wide.bytes_copied, 8);
	k_expect_below(f.k, "copy", "2345623456789");
	in.off_in = 1ULL << 63;
	assert_true(k_ask(f.c, &request, &wide, sizeof(wide)) < 0);
	in.off_in = 0;
	in.flags = 1;
	assert_int_equal(k_ask(f.c, &request, &wide, sizeof(wide)), -EINVAL);
	in.flags = 1ULL << 32;
	assert_int_equal(k_ask(f.c, &request, &wide, sizeof(wide)), -EINVAL);
	in.flags = 0;
	in.nodeid_out = f.id;
	assert_int_equal(k_ask(f.c, &request, &wide, sizeof(wide)), -EBADF);
	assert_int_equal(k_release(f.c, entry.nodeid, open.fh), 0);
	k_forget(f.c, entry.nodeid, 1);
	stop(&f);
}

static int do_ioctl(struct fixture *f, const struct fuse_ioctl_in *in, const void *data,
		    struct k_answer *ret_answer)
{
	return k_call(f->c, K_REQUEST(FUSE_IOCTL, f->id, in, .data = data, .data_len = in->in_size),
		      ret_answer);
}

K_TEST(known_ioctls_pass, state)
{
	struct fixture f = start(state, true, "text");
	struct fuse_ioctl_in in = { .fh = f.fh, .cmd = FS_IOC_GETFLAGS, .out_size = 4 };
	_cleanup_(fd_closep) int fd = openat(f.k->lower, "file", O_RDONLY);
	struct k_answer answer;
	char big[200] = { 0 };
	int flags = 0, have;
	int r = do_ioctl(&f, &in, NULL, &answer);

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0) {
		assert_int_equal(r, -ENOTTY);
	} else {
		assert_int_equal(r, 0);
		assert_int_equal(answer.len, sizeof(struct fuse_ioctl_out) + 4);
		assert_int_equal(((struct fuse_ioctl_out *)answer.data)->result, 0);
		memcpy(&have, answer.data + sizeof(struct fuse_ioctl_out), 4);
		assert_int_equal(have, flags);
		in = (struct fuse_ioctl_in){ .fh = f.fh, .cmd = FS_IOC_SETFLAGS, .in_size = 4 };
		flags |= FS_NODUMP_FL;
		r = do_ioctl(&f, &in, &flags, &answer);
		assert_true(r == 0 || r == -EOPNOTSUPP);
		if (r == 0) {
			assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &have), 0);
			assert_true(have & FS_NODUMP_FL);
		}
	}
	/*
	 * A size that the command does not have, commands that the server would carry out with its
	 * own privileges, and an unknown command.
	 */
	in = (struct fuse_ioctl_in){ .fh = f.fh, .cmd = FS_IOC_GETFLAGS, .out_size = 65 };
	assert_int_equal(do_ioctl(&f, &in, NULL, &answer), -EINVAL);
	in.out_size = UINT32_MAX;
	assert_int_equal(do_ioctl(&f, &in, NULL, &answer), -EINVAL);
	in = (struct fuse_ioctl_in){ .fh = f.fh, .cmd = FS_IOC_SETFLAGS, .in_size = sizeof(big) };
	assert_int_equal(do_ioctl(&f, &in, big, &answer), -EINVAL);
	in = (struct fuse_ioctl_in){ .fh = f.fh, .cmd = FICLONE, .in_size = 4 };
	assert_int_equal(do_ioctl(&f, &in, &flags, &answer), -ENOTTY);
	in = (struct fuse_ioctl_in){ .fh = f.fh, .cmd = FIFREEZE };
	assert_int_equal(do_ioctl(&f, &in, NULL, &answer), -ENOTTY);
	in = (struct fuse_ioctl_in){ .fh = f.fh, .cmd = UINT32_MAX };
	assert_int_equal(do_ioctl(&f, &in, NULL, &answer), -ENOTTY);
	in = (struct fuse_ioctl_in){
		.fh = f.fh, .cmd = FS_IOC_GETFLAGS, .out_size = 4, .flags = FUSE_IOCTL_UNRESTRICTED
	};
	assert_int_equal(do_ioctl(&f, &in, NULL, &answer), -ENOTTY);
	fd = fd_close(fd);
	stop(&f);
}

TEST_MAIN(NULL, NULL)
