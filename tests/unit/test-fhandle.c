// SPDX-License-Identifier: LGPL-2.1-or-later
/* File handles: packs and unpacks the four layouts, and reads those of real files. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fhandle-equal.h"
#include "node/fhandle.h"
#include "util/cleanup.h"
#include "util/fd.h"

enum layout { INO32, XFS64, SHMEM, BTRFS, N_LAYOUTS };

static void put32(struct fhandle *fh, size_t at, uint32_t word)
{
	memcpy(fh->bytes + at, &word, sizeof(word));
}

static void put64(struct fhandle *fh, size_t at, uint64_t word)
{
	memcpy(fh->bytes + at, &word, sizeof(word));
}

#define SUBVOLUME 257

/* Makes a handle as the file system does, by the functions named in the kernel's source. */
static struct fhandle handle_of(enum layout layout, uint64_t ino, uint32_t gen)
{
	struct fhandle fh = { 0 };

	switch (layout) {
	case INO32: /* generic_encode_ino32_fh() */
		fh = (struct fhandle){ .len = 8, .type = 1 };
		put32(&fh, 0, (uint32_t)ino);
		put32(&fh, 4, gen);
		break;
	case XFS64: /* struct xfs_fid64 */
		fh = (struct fhandle){ .len = 12, .type = 0x81 };
		put64(&fh, 0, ino);
		put32(&fh, 8, gen);
		break;
	case SHMEM: /* shmem_encode_fh() */
		fh = (struct fhandle){ .len = 12, .type = 1 };
		put32(&fh, 0, gen);
		put32(&fh, 4, (uint32_t)ino);
		put32(&fh, 8, (uint32_t)(ino >> 32));
		break;
	case BTRFS: /* struct btrfs_fid, without parent */
		fh = (struct fhandle){ .len = 20, .type = 0x4d };
		put64(&fh, 0, ino);
		put64(&fh, 8, SUBVOLUME);
		put32(&fh, 16, gen);
		break;
	case N_LAYOUTS:
		break;
	}
	return fh;
}

TEST(packed_handle_is_restored, state)
{
	static const struct {
		uint64_t ino;
		uint32_t gen;
		bool packs;
	} rows[] = {
		{ 2, 0, true },
		{ 3, 7, true },
		{ 1, 1, true },
		{ 0, 1, true },
		{ 0, 0, false },
		{ 1, 0, false },
		{ 0x7fffffff, 0, true },
		{ 0x7fffffff, UINT32_MAX, true },
		{ 0x80000000, 5, false },
		{ 0xffffffff, 5, false },
		{ 128, 0x80000000, true },
	};

	for (int layout = 0; layout < N_LAYOUTS; layout++) {
		struct fhandle sample = handle_of(layout, 64, 0);
		struct fhandle_shape shape = fhandle_shape(&sample);

		for (size_t i = 0; i < N(rows); i++) {
			struct fhandle fh = handle_of(layout, rows[i].ino, rows[i].gen), back;
			uint64_t id = 0;

			assert_int_equal(fhandle_pack(&shape, &fh, &id), rows[i].packs);
			if (!rows[i].packs)
				continue;
			assert_int_equal(id, (uint64_t)rows[i].gen << 32 | rows[i].ino);
			assert_true(fhandle_unpack(&shape, id, &back));
			assert_true(fhandle_equal(&fh, &back));
		}
	}
}

/* Inode numbers of 64 bits are read whole, and never packed to the number of another file. */
TEST(inode_number_of_64_bits_is_not_packed, state)
{
	for (int layout = XFS64; layout < N_LAYOUTS; layout++) {
		struct fhandle sample = handle_of(layout, 64, 0);
		struct fhandle_shape shape = fhandle_shape(&sample);
		struct fhandle fh = handle_of(layout, 0x100000005, 1);
		uint64_t id;

		assert_false(fhandle_pack(&shape, &fh, &id));
		assert_int_equal(fhandle_is_ino(&fh, 0x100000005), 1);
		assert_int_equal(fhandle_is_ino(&fh, 5), 0);
	}
}

/* Handles of another mount, layout or subvolume than the shape's do not pack. */
TEST(handle_of_other_shape_is_not_packed, state)
{
	for (int layout = 0; layout < N_LAYOUTS; layout++) {
		struct fhandle sample = handle_of(layout, 64, 0);
		struct fhandle_shape shape = fhandle_shape(&sample);
		uint64_t id;

		for (int other = 0; other < N_LAYOUTS; other++) {
			struct fhandle fh = handle_of(other, 9, 9);

			assert_int_equal(fhandle_pack(&shape, &fh, &id), other == layout);
		}
		sample.mount = 1;
		assert_false(fhandle_pack(&shape, &sample, &id));
	}
	{
		struct fhandle fh = handle_of(BTRFS, 64, 1), other = fh;
		struct fhandle_shape shape = fhandle_shape(&fh);
		uint64_t id;

		put64(&other, 8, SUBVOLUME + 1);
		assert_true(fhandle_pack(&shape, &fh, &id));
		assert_false(fhandle_pack(&shape, &other, &id));
	}
}

/* Handles of an unknown layout are neither packed nor unpacked, and have no inode number. */
TEST(handle_of_unknown_layout_is_not_packed, state)
{
	static const struct fhandle others[] = {
		{ .len = 8, .type = 2 },     { .len = 16, .type = 1 },
		{ .len = 24, .type = 0x4d }, { .len = 8, .type = 0x81 },
		{ .len = 16, .type = 0xff }, { .len = 0, .type = 0 },
		{ .len = 20, .type = 0x4e }, { .len = 10, .type = 1 },
	};

	for (size_t i = 0; i < N(others); i++) {
		struct fhandle_shape shape = fhandle_shape(&others[i]);
		struct fhandle fh = others[i];
		uint64_t id;

		assert_int_equal(fhandle_is_ino(&fh, 0), -1);
		assert_false(fhandle_pack(&shape, &fh, &id));
		assert_false(fhandle_unpack(&shape, 0x500000003, &fh));
	}
}

/* Numbers that no handle packs to are not unpacked. */
TEST(number_of_no_handle_is_not_unpacked, state)
{
	static const uint64_t ids[] = { 0, 1, 0x80000000, 0x580000003, UINT64_MAX };

	for (int layout = 0; layout < N_LAYOUTS; layout++) {
		struct fhandle sample = handle_of(layout, 64, 0), fh;
		struct fhandle_shape shape = fhandle_shape(&sample);

		for (size_t i = 0; i < N(ids); i++)
			assert_false(fhandle_unpack(&shape, ids[i], &fh));
	}
}

TEST(handle_has_its_inode_number, state)
{
	for (int layout = 0; layout < N_LAYOUTS; layout++) {
		struct fhandle fh = handle_of(layout, 1234567, 99);

		assert_int_equal(fhandle_is_ino(&fh, 1234567), 1);
		assert_int_equal(fhandle_is_ino(&fh, 99), 0);
		assert_int_equal(fhandle_is_ino(&fh, 1234567ULL | 99ULL << 32), 0);
	}
}

/* The handle of a directory in /tmp has its inode number if the layout is known. */
TEST(handle_of_real_directory_has_its_inode_number, state)
{
	char path[] = "/tmp/penstock-test-XXXXXX";
	struct fhandle by_name, by_fd, none;
	_cleanup_(fd_closep) int dir = -1;
	struct stat st;
	int r, mnt_id;

	assert_non_null(mkdtemp(path));
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rmdir(path);
	assert_true(dir >= 0);
	assert_int_equal(fstat(dir, &st), 0);
	r = fhandle_at(dir, "", &by_fd, &mnt_id);
	if (r == -EOPNOTSUPP) {
		print_message("/tmp has no file handles\n");
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_not_equal(fhandle_is_ino(&by_fd, st.st_ino), 0);
	assert_int_not_equal(fhandle_is_ino(&by_fd, st.st_ino + 1), 1);
	assert_int_equal(fhandle_at(dir, "absent", &none, &mnt_id), -ENOENT);
	assert_int_equal(fhandle_at(-1, "absent", &none, &mnt_id), -EBADF);
	assert_int_equal(fhandle_at(AT_FDCWD, "/", &by_name, &mnt_id), 0);
	assert_false(fhandle_equal(&by_name, &by_fd));
}

TEST_MAIN(NULL, NULL)
