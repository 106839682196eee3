// SPDX-License-Identifier: LGPL-2.1-or-later
/* quota: a story of operations, and what is left to be had after each. */
#include "direct.h"

#include <fcntl.h>
#include <linux/falloc.h>

/* A file as the engine would tell of it. */
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

/* Runs both programs as the engine would, with the file as it was before. */
static int both(void)
{
	struct pst_call *call = direct_again();
	uint64_t ops = 1ULL << call->opcode;
	int verdict = direct_facts()->ops[FILTER_PRE] & ops ? direct_pre() : 0;

	if (verdict == 0 && (direct_facts()->ops[FILTER_POST] & ops))
		assert_int_equal(direct_post(), 0);
	return verdict;
}

static int create(uint32_t opcode, uint32_t uid)
{
	struct pst_call *call = direct_call(opcode);

	call->caller.uid = uid;
	call->child.attr.uid = uid;
	return both();
}

static int write_to(struct file *file, uint64_t offset, uint32_t len)
{
	struct pst_call *call = direct_call(FUSE_WRITE);
	int verdict;

	fill(&call->node.attr, file);
	call->in.write.offset = offset;
	call->in.write.size = call->data_len = call->out.write.size = len;
	verdict = both();
	if (verdict == 0 && offset + len > file->size)
		file->size = offset + len;
	return verdict;
}

static int truncate_to(struct file *file, uint64_t size)
{
	struct pst_call *call = direct_call(FUSE_SETATTR);
	int verdict;

	fill(&call->node.attr, file);
	call->in.setattr.valid = FATTR_SIZE;
	call->in.setattr.size = size;
	verdict = both();
	if (verdict == 0)
		file->size = size;
	return verdict;
}

static int give_to(struct file *file, uint32_t uid)
{
	struct pst_call *call = direct_call(FUSE_SETATTR);
	int verdict;

	fill(&call->node.attr, file);
	call->in.setattr.valid = FATTR_UID;
	call->in.setattr.uid = uid;
	verdict = both();
	if (verdict == 0)
		file->uid = uid;
	return verdict;
}

static int allocate(struct file *file, uint32_t mode, uint64_t offset, uint64_t len)
{
	struct pst_call *call = direct_call(FUSE_FALLOCATE);

	fill(&call->node.attr, file);
	call->in.fallocate.mode = mode;
	call->in.fallocate.offset = offset;
	call->in.fallocate.length = len;
	return both();
}

static int take_away(uint32_t opcode, const struct file *file)
{
	struct pst_call *call = direct_call(opcode);

	fill(&call->child.attr, file);
	return both();
}

static int rename_over(const struct file *file, const struct file *replaced, uint32_t flags)
{
	struct pst_call *call = direct_call(FUSE_RENAME2);

	fill(&call->child.attr, file);
	if (replaced)
		fill(&call->replaced, replaced);
	call->in.rename.flags = flags;
	return both();
}

/* How many bytes more this file can grow by. */
static int64_t left(const struct file *file, int64_t most)
{
	for (int64_t n = most; n > 0; n--) {
		struct pst_call *call = direct_call(FUSE_WRITE);

		fill(&call->node.attr, file);
		call->in.write.offset = file->size;
		call->data_len = n;
		if (direct_pre() == 0)
			return n;
	}
	return 0;
}

static void test_bytes(void **state)
{
	struct file a = { S_IFREG, 1, 1, 10, 0 }, b = { S_IFREG, 2, 1, 11, 50 };
	struct file gone = { S_IFREG, 1, 0, 12, 0 };

	direct_load("quota,bytes=100");
	assert_int_equal(write_to(&a, 0, 101), -EDQUOT);
	assert_int_equal(write_to(&a, 0, 60), 0);
	assert_int_equal(left(&b, 200), 40);
	assert_int_equal(write_to(&a, 10, 50), 0);
	assert_int_equal(left(&b, 200), 40);
	assert_int_equal(write_to(&b, 40, 30), 0);
	assert_int_equal(left(&b, 200), 20);
	assert_int_equal(truncate_to(&b, 91), -EDQUOT);
	assert_int_equal(truncate_to(&b, 90), 0);
	assert_int_equal(left(&b, 200), 0);
	assert_int_equal(truncate_to(&b, 0), 0);
	assert_int_equal(left(&b, 200), 90);
	assert_int_equal(allocate(&b, 0, 0, 91), -EDQUOT);
	assert_int_equal(allocate(&b, FALLOC_FL_KEEP_SIZE, 0, 1000), 0);
	assert_int_equal(allocate(&b, 0, 80, 10), 0);
	b.size = 90;
	assert_int_equal(left(&b, 200), 0);
	assert_int_equal(allocate(&b, FALLOC_FL_COLLAPSE_RANGE, 0, 30), 0);
	b.size = 60;
	assert_int_equal(left(&b, 200), 30);
	assert_int_equal(allocate(&b, FALLOC_FL_INSERT_RANGE, 0, 31), -EDQUOT);
	/* A file without a name has been given back. */
	assert_int_equal(write_to(&gone, 0, 1000), 0);
	assert_int_equal(left(&b, 200), 30);
	assert_int_equal(take_away(FUSE_UNLINK, &a), 0);
	assert_int_equal(left(&b, 200), 90);
	/* Files are not limited. */
	for (int i = 0; i < 1000; i++)
		assert_int_equal(create(FUSE_MKDIR, 0), 0);
}

/* What was not done is not counted, and what was done in part is counted so. */
static void test_failures(void **state)
{
	struct file a = { S_IFREG, 1, 1, 10, 0 };
	struct pst_call *call;

	direct_load("quota,bytes=100");
	call = direct_call(FUSE_WRITE);
	fill(&call->node.attr, &a);
	call->data_len = 90;
	call->error = -ENOSPC;
	assert_int_equal(direct_post(), 0);
	assert_int_equal(left(&a, 200), 100);
	call = direct_call(FUSE_WRITE);
	fill(&call->node.attr, &a);
	call->data_len = 90;
	call->out.write.size = 30;
	assert_int_equal(direct_post(), 0);
	assert_int_equal(left(&a, 200), 70);
	call = direct_call(FUSE_OPEN);
	fill(&call->node.attr, &(struct file){ S_IFREG, 1, 1, 10, 30 });
	call->in.open.flags = O_WRONLY;
	assert_int_equal(direct_post(), 0);
	call->in.open.flags = O_WRONLY | O_TRUNC;
	assert_int_equal(direct_post(), 0);
	assert_int_equal(left(&a, 200), 100);
	call = direct_call(FUSE_UNLINK);
	fill(&call->child.attr, &(struct file){ S_IFREG, 1, 1, 10, 30 });
	call->error = -EACCES;
	assert_int_equal(direct_post(), 0);
	assert_int_equal(left(&a, 200), 100);
}

static void test_files(void **state)
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
	/* Names that remain, or that take each other's place. */
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

static void test_owners(void **state)
{
	struct file a = { S_IFREG, 1, 1, 10, 0 }, b = { S_IFREG, 2, 1, 11, 0 };

	direct_load("quota,bytes=100,files=2,per=uid");
	assert_int_equal(write_to(&a, 0, 80), 0);
	assert_int_equal(left(&a, 200), 20);
	assert_int_equal(left(&b, 200), 100);
	assert_int_equal(create(FUSE_CREATE, 1), 0);
	assert_int_equal(create(FUSE_CREATE, 1), 0);
	assert_int_equal(create(FUSE_CREATE, 1), -EDQUOT);
	assert_int_equal(create(FUSE_CREATE, 2), 0);
	/* A file that changes hands is the new owner's. */
	assert_int_equal(write_to(&b, 0, 30), 0);
	assert_int_equal(give_to(&a, 2), -EDQUOT);
	assert_int_equal(truncate_to(&a, 70), 0);
	assert_int_equal(give_to(&a, 2), 0);
	assert_int_equal(left(&b, 200), 0);
	assert_int_equal(give_to(&b, 2), 0);
	b.uid = 1;
	assert_int_equal(left(&b, 200), 100);
	assert_int_equal(create(FUSE_CREATE, 1), 0);
	assert_int_equal(create(FUSE_CREATE, 2), -EDQUOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	 cmocka_unit_test(test_failures),
		cmocka_unit_test(test_files),	 cmocka_unit_test(test_owners),
	};

	return cmocka_run_group_tests(tests, direct_setup, direct_teardown);
}
