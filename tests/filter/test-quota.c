// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * quota: sequences of operations, and the bytes and files that remain after each. The mount tests
 * 92-quota show owners, files without a name, and a usage that would fall below zero.
 */
#include "direct.h"

#include <fcntl.h>
#include <linux/falloc.h>

/* A file as the engine describes it to the filter. */
struct file {
	uint32_t mode, uid, nlink;
	uint64_t ino, size;
};

static void fill(struct pst_attr *attr, const struct file *file)
{
	attr->mode = file->mode;
	attr->uid = file->uid;
	attr->nlink = file->nlink;
	attr->ino = file->ino;
	attr->size = file->size;
}

/* Returns the node ID of a file; each inode has one. */
static uint64_t nodeid(const struct file *file)
{
	return 1000 + file->ino;
}

/*
 * Runs pre and post program as the engine does: the pre program sees the file before the operation.
 * If it passes, the post program sees the file after it.
 */
static int both(const struct file *then)
{
	struct pst_call *call = direct_again();
	uint64_t ops = 1ULL << call->opcode;
	int verdict;

	call->note[0] = call->note[1] = 0;
	verdict = direct_facts()->ops[FILTER_PRE] & ops ? direct_pre() : 0;
	if (verdict != 0)
		return verdict;
	if (then) {
		fill(&call->after.attr, then);
		call->after.nodeid = nodeid(then);
	}
	if (direct_facts()->ops[FILTER_POST] & ops)
		assert_int_equal(direct_post(), 0);
	return 0;
}

static struct pst_call *on_file(uint32_t opcode, const struct file *file)
{
	struct pst_call *call = direct_call(opcode);

	fill(&call->node.attr, file);
	call->node.nodeid = nodeid(file);
	return call;
}

static int create(uint32_t opcode, uint32_t uid)
{
	direct_call(opcode)->caller.uid = uid;
	return both(&(struct file){ S_IFREG, uid, opcode != FUSE_TMPFILE, 99, 0 });
}

/* Runs an operation after which the file has another size. */
static int resize(struct file *file, uint64_t size)
{
	struct file then = *file;
	int verdict;

	then.size = size;
	verdict = both(&then);
	if (verdict == 0)
		*file = then;
	return verdict;
}

static int write_to(struct file *file, uint64_t offset, uint32_t len)
{
	struct pst_call *call = on_file(FUSE_WRITE, file);

	call->in.write.offset = offset;
	call->in.write.size = call->data_len = call->out.write.size = len;
	return resize(file, offset + len > file->size ? offset + len : file->size);
}

/* Writes with O_APPEND, where the offset in the request does not count. */
static int append_to(struct file *file, uint64_t offset, uint32_t len)
{
	struct pst_call *call = on_file(FUSE_WRITE, file);

	call->in.write.offset = offset;
	call->in.write.flags = O_WRONLY | O_APPEND;
	call->in.write.size = call->data_len = call->out.write.size = len;
	return resize(file, file->size + len);
}

static int truncate_to(struct file *file, uint64_t size)
{
	struct pst_call *call = on_file(FUSE_SETATTR, file);

	call->in.setattr.valid = FATTR_SIZE;
	call->in.setattr.size = size;
	return resize(file, size);
}

static int allocate(struct file *file, uint32_t mode, uint64_t offset, uint64_t len, uint64_t size)
{
	struct pst_call *call = on_file(FUSE_FALLOCATE, file);

	call->in.fallocate.mode = mode;
	call->in.fallocate.offset = offset;
	call->in.fallocate.length = len;
	return resize(file, size);
}

/* Tells the filter that the kernel has forgotten the file. */
static void forget(const struct file *file)
{
	struct pst_call *call = direct_call(FUSE_FORGET);

	call->node.nodeid = nodeid(file);
	call->node.attr.mode = file->mode;
	assert_int_equal(direct_post(), 0);
}

/* Removes a name of the file, which no process has open. */
static void take_away(uint32_t opcode, const struct file *file)
{
	struct file then = *file;
	struct pst_call *call = direct_call(opcode);

	fill(&call->child.attr, file);
	then.nlink = S_ISDIR(file->mode) ? 0 : file->nlink - 1;
	assert_int_equal(both(&then), 0);
	forget(&then);
}

static void rename_over(const struct file *file, const struct file *replaced, uint32_t flags)
{
	struct pst_call *call = direct_call(FUSE_RENAME2);
	struct file then;

	fill(&call->child.attr, file);
	call->in.rename.flags = flags;
	if (replaced) {
		then = *replaced;
		fill(&call->replaced, replaced);
		if (!flags && then.ino != file->ino)
			then.nlink--;
	}
	/* After an exchange the engine passes no replaced file, because no file loses a name. */
	assert_int_equal(both(replaced && !flags ? &then : NULL), 0);
	if (replaced)
		forget(replaced);
}

/* Returns by how many bytes this file can grow. */
static int64_t left(const struct file *file, int64_t most)
{
	for (int64_t n = most; n > 0; n--) {
		struct pst_call *call = on_file(FUSE_WRITE, file);

		call->in.write.offset = file->size;
		call->data_len = n;
		if (direct_pre() != 0)
			continue;
		/* Frees the reservation. */
		call->error = -EIO;
		fill(&call->after.attr, file);
		assert_int_equal(direct_post(), 0);
		return n;
	}
	return 0;
}

TEST(growth_beyond_bytes_is_refused, state)
{
	struct file a = { S_IFREG, 1, 1, 10, 0 }, b = { S_IFREG, 2, 1, 11, 50 };

	direct_load("quota,bytes=100");
	assert_int_equal(write_to(&a, 0, 101), -EDQUOT);
	assert_int_equal(write_to(&a, 0, 60), 0);
	assert_int_equal(left(&b, 200), 40);
	assert_int_equal(write_to(&a, 10, 50), 0);
	assert_int_equal(left(&b, 200), 40);
	assert_int_equal(write_to(&b, 40, 30), 0);
	assert_int_equal(left(&b, 200), 20);
	assert_int_equal(append_to(&b, 0, 21), -EDQUOT);
	assert_int_equal(append_to(&b, 0, 5), 0);
	assert_int_equal(left(&b, 200), 15);
	assert_int_equal(truncate_to(&b, 91), -EDQUOT);
	assert_int_equal(truncate_to(&b, 90), 0);
	assert_int_equal(left(&b, 200), 0);
	/* Bytes that a file had before the mount also become free. */
	assert_int_equal(truncate_to(&b, 0), 0);
	assert_int_equal(left(&b, 200), 90);
	assert_int_equal(allocate(&b, 0, 0, 91, 91), -EDQUOT);
	assert_int_equal(allocate(&b, 0, 80, 10, 90), 0);
	assert_int_equal(left(&b, 200), 0);
	assert_int_equal(allocate(&b, FALLOC_FL_COLLAPSE_RANGE, 0, 30, 60), 0);
	assert_int_equal(left(&b, 200), 30);
	assert_int_equal(allocate(&b, FALLOC_FL_INSERT_RANGE, 0, 31, 91), -EDQUOT);
	take_away(FUSE_UNLINK, &a);
	assert_int_equal(left(&b, 200), 90);
	/* Without files= the number of files is not limited. */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(create(FUSE_MKDIR, 0), 0);
}

TEST(allocation_beyond_eof_is_refused, state)
{
	struct file a = { S_IFREG, 1, 1, 10, 50 };

	direct_load("quota,bytes=100");
	assert_int_equal(allocate(&a, FALLOC_FL_KEEP_SIZE, 0, 1000, 50), -EDQUOT);
	assert_int_equal(allocate(&a, FALLOC_FL_KEEP_SIZE, 40, 20, 50), -EOPNOTSUPP);
	assert_int_equal(allocate(&a, FALLOC_FL_KEEP_SIZE, 0, 50, 50), 0);
	assert_int_equal(allocate(&a, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 40, 20, 50),
			 -EOPNOTSUPP);
	assert_int_equal(allocate(&a, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 40, 1000, 50), 0);
	assert_int_equal(left(&a, 200), 100);
}

TEST(huge_sizes_do_not_overflow, state)
{
	static const char *const specs[] = { "quota,bytes=100", "quota,files=100",
					     "quota,bytes=1152921504606846976" };
	struct file a = { S_IFREG, 1, 1, 10, 0 }, b = { S_IFREG, 1, 1, 11, 0 };

	direct_load(specs[0]);
	assert_int_equal(write_to(&b, 0, 60), 0);
	assert_int_equal(truncate_to(&a, INT64_MAX), -EDQUOT);
	assert_int_equal(truncate_to(&a, (uint64_t)INT64_MAX + 1), -EDQUOT);
	assert_int_equal(truncate_to(&a, UINT64_MAX), -EDQUOT);
	assert_int_equal(allocate(&a, 0, INT64_MAX, INT64_MAX, 0), -EDQUOT);
	assert_int_equal(write_to(&a, INT64_MAX - 10, 10), -EDQUOT);
	assert_int_equal(left(&a, 200), 40);
	for (int i = 1; i < 3; i++) {
		uint64_t most = i == 1 ? INT64_MAX : 1ULL << 60;

		a.size = b.size = 0;
		direct_load(specs[i]);
		assert_int_equal(truncate_to(&a, most), 0);
		assert_int_equal(truncate_to(&b, most), -EDQUOT);
		assert_int_equal(truncate_to(&a, 0), 0);
		assert_int_equal(truncate_to(&b, most), 0);
	}
}

/* The filter frees an unused reservation, and counts a partial write. */
TEST(failed_operation_frees_its_reservation, state)
{
	struct file a = { S_IFREG, 1, 1, 10, 0 }, then = a;
	struct pst_call *call;

	direct_load("quota,bytes=100,files=1");
	call = on_file(FUSE_WRITE, &a);
	call->data_len = 90;
	assert_int_equal(direct_pre(), 0);
	/* The operation fails after the filter has reserved its bytes. */
	assert_int_equal(call->note[0], 90);
	call->error = -ENOSPC;
	then.size = 30;
	fill(&call->after.attr, &then);
	assert_int_equal(direct_post(), 0);
	a = then;
	assert_int_equal(left(&a, 200), 70);
	call = on_file(FUSE_OPEN, &a);
	call->in.open.flags = O_WRONLY;
	assert_int_equal(both(&a), 0);
	assert_int_equal(left(&a, 200), 70);
	call = on_file(FUSE_OPEN, &a);
	call->in.open.flags = O_WRONLY | O_TRUNC;
	assert_int_equal(resize(&a, 0), 0);
	/* A second open at the same time finds the file empty, so it frees nothing. */
	on_file(FUSE_OPEN, &a)->in.open.flags = O_WRONLY | O_TRUNC;
	assert_int_equal(resize(&a, 0), 0);
	assert_int_equal(left(&a, 200), 100);
	call = direct_call(FUSE_CREATE);
	assert_int_equal(direct_pre(), 0);
	call->error = -EEXIST;
	assert_int_equal(direct_post(), 0);
	assert_int_equal(create(FUSE_CREATE, 1), 0);
	call = direct_call(FUSE_UNLINK);
	fill(&call->child.attr, &a);
	fill(&call->after.attr, &a);
	call->error = -EACCES;
	assert_int_equal(direct_post(), 0);
	assert_int_equal(create(FUSE_CREATE, 1), -EDQUOT);
}

TEST(reserved_bytes_are_not_given_twice, state)
{
	struct file a = { S_IFREG, 1, 1, 10, 0 }, b = { S_IFREG, 1, 1, 11, 0 };
	struct pst_call *call, kept;

	direct_load("quota,bytes=100");
	call = on_file(FUSE_WRITE, &a);
	call->data_len = 60;
	assert_int_equal(direct_pre(), 0);
	memcpy(&kept, call, sizeof(kept));
	assert_int_equal(left(&b, 200), 40);
	memcpy(call, &kept, sizeof(kept));
	a.size = 60;
	fill(&call->after.attr, &a);
	assert_int_equal(direct_post(), 0);
	assert_int_equal(left(&b, 200), 40);
}

TEST(creation_beyond_files_is_refused, state)
{
	static const uint32_t creations[] = { FUSE_CREATE, FUSE_MKDIR, FUSE_MKNOD, FUSE_SYMLINK,
					      FUSE_TMPFILE };
	const struct file file = { S_IFREG, 0, 1, 10, 7 }, other = { S_IFREG, 0, 1, 11, 7 };
	const struct file linked = { S_IFREG, 0, 2, 12, 7 }, dir = { S_IFDIR, 0, 5, 13, 4096 };

	direct_load("quota,files=5");
	for (int i = 0; i < 5; i++)
		assert_int_equal(create(creations[i], i), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(create(creations[i], i), -EDQUOT);
	/* Names of files with another link, renames, and exchanges free no file. */
	take_away(FUSE_UNLINK, &linked);
	rename_over(&file, NULL, 0);
	rename_over(&file, &file, 0);
	rename_over(&file, &linked, 0);
	rename_over(&file, &other, 2);
	assert_int_equal(create(FUSE_CREATE, 0), -EDQUOT);
	take_away(FUSE_UNLINK, &file);
	assert_int_equal(create(FUSE_CREATE, 0), 0);
	assert_int_equal(create(FUSE_CREATE, 0), -EDQUOT);
	rename_over(&file, &other, 0);
	assert_int_equal(create(FUSE_CREATE, 0), 0);
	assert_int_equal(create(FUSE_CREATE, 0), -EDQUOT);
	take_away(FUSE_RMDIR, &dir);
	assert_int_equal(create(FUSE_MKDIR, 0), 0);
	assert_int_equal(create(FUSE_MKDIR, 0), -EDQUOT);
}

TEST_MAIN(direct_setup, direct_teardown)
