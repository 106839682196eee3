// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations on names, each compared with what the lower tree has become. */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "util/cleanup.h"
#include "util/fd.h"

static struct kernel *start(void **state)
{
	return k_start(&(struct k_options){ .nodes = K_NODES(state), .ttl_ns = 2500000000 });
}

static bool exists(struct kernel *k, const char *name)
{
	struct stat st;

	return fstatat(k->lower, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* An entry is whole, about this lower file, and its name holds for as long as was asked for. */
static void expect_name(struct kernel *k, const struct fuse_entry_out *entry, const char *name)
{
	assert_true(entry->nodeid > 1);
	assert_int_not_equal(entry->generation, 0);
	assert_int_equal(entry->entry_valid, 2);
	assert_int_equal(entry->entry_valid_nsec, 500000000);
	k_expect_same(k, &entry->attr, name);
}

/* So do its attributes. */
static void expect_entry(struct kernel *k, const struct fuse_entry_out *entry, const char *name)
{
	assert_int_equal(entry->attr_valid, 2);
	assert_int_equal(entry->attr_valid_nsec, 500000000);
	expect_name(k, entry, name);
}

static void test_lookup(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, again;

	k_file_below(k, "file", "text");
	assert_int_equal(mkdirat(k->lower, "dir", 0750), 0);
	assert_int_equal(symlinkat("nowhere", k->lower, "link"), 0);
	assert_int_equal(mkfifoat(k->lower, "fifo", 0600), 0);
	for (size_t i = 0; i < 4; i++) {
		const char *name = &"file\0dir\0\0link\0fifo"[i * 5];

		assert_int_equal(k_lookup(c, K_ROOT, name, &entry), 0);
		expect_entry(k, &entry, name);
		/* The same number each time, and the same generation. */
		assert_int_equal(k_lookup(c, K_ROOT, name, &again), 0);
		assert_memory_equal(&entry, &again, sizeof(entry));
		k_forget(c, entry.nodeid, 2);
	}
	k_sync(c);
	k_expect_left(k, 0, 1);
	k_stop(k);
}

/* A name that is absent is an answer that holds, unless nothing may be believed. */
static void test_absent(void **state)
{
	struct kernel *k = start(state);
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "absent", &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(entry.entry_valid, 2);
	assert_int_equal(entry.entry_valid_nsec, 500000000);
	k_stop(k);

	k = k_start(&(struct k_options){ .nodes = K_NODES(state), .cache = PST_CACHE_NONE });
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "absent", &entry), -ENOENT);
	k_stop(k);
}

/* Names of the same file lead to one node; it is known until the last of its names is forgotten. */
static void test_link(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, second, dir;
	int r;

	assert_int_equal(k_mknod(c, K_ROOT, "one", S_IFREG | 0644, &entry), 0);
	assert_int_equal(k_mkdir(c, K_ROOT, "dir", 0755, &dir), 0);
	r = k_link(c, entry.nodeid, dir.nodeid, "two", &second);
	if (r == -ENOENT && geteuid() != 0) {
		print_message("linking a descriptor takes CAP_DAC_READ_SEARCH\n");
		k_stop(k);
		skip();
	}
	assert_int_equal(r, 0);
	assert_int_equal(second.nodeid, entry.nodeid);
	assert_int_equal(second.attr.nlink, 2);
	expect_name(k, &second, "dir/two");
	assert_int_equal(k_link(c, entry.nodeid, dir.nodeid, "two", &second), -EEXIST);
	assert_int_equal(k_link(c, dir.nodeid, K_ROOT, "three", &second), -EPERM);
	k_forget(c, entry.nodeid, 2);
	k_forget(c, dir.nodeid, 1);
	k_sync(c);
	k_expect_left(k, 0, 1);
	k_stop(k);
}

static void test_make(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;

	assert_int_equal(k_mkdir(c, K_ROOT, "dir", 0777, &entry), 0);
	expect_entry(k, &entry, "dir");
	assert_int_equal(entry.attr.mode, S_IFDIR | 0755);
	assert_int_equal(k_mkdir(c, entry.nodeid, "sub", 01777, &entry), 0);
	expect_entry(k, &entry, "dir/sub");
	assert_int_equal(entry.attr.mode, S_IFDIR | 01755);
	assert_int_equal(k_mkdir(c, K_ROOT, "dir", 0777, &entry), -EEXIST);

	assert_int_equal(k_mknod(c, K_ROOT, "file", S_IFREG | 0666, &entry), 0);
	expect_entry(k, &entry, "file");
	assert_int_equal(entry.attr.mode, S_IFREG | 0644);
	assert_int_equal(k_mknod(c, K_ROOT, "fifo", S_IFIFO | 0600, &entry), 0);
	expect_entry(k, &entry, "fifo");
	assert_int_equal(k_mknod(c, K_ROOT, "socket", S_IFSOCK | 0600, &entry), 0);
	expect_entry(k, &entry, "socket");
	assert_true(k_mknod(c, K_ROOT, "d", S_IFDIR | 0600, &entry) < 0);
	assert_true(k_mknod(c, K_ROOT, "l", S_IFLNK | 0600, &entry) < 0);
	assert_false(exists(k, "d") || exists(k, "l"));

	assert_int_equal(k_symlink(c, K_ROOT, "link", "../some/where", &entry), 0);
	expect_entry(k, &entry, "link");
	assert_int_equal(k_symlink(c, K_ROOT, "link", "x", &entry), -EEXIST);
	k_stop(k);
}

/* Device numbers come through in the kernel's packing, both ways. */
static void test_device(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_mknod_in in = { .mode = S_IFCHR | 0600, .rdev = 0x12111ab };
	struct fuse_entry_out entry;
	struct stat st;

	if (geteuid() != 0) {
		k_stop(k);
		print_message("making a device takes root\n");
		skip();
	}
	assert_int_equal(k_ask(c, K_REQUEST(FUSE_MKNOD, K_ROOT, &in, .names = { "dev" }), &entry,
			       sizeof(entry)),
			 0);
	expect_entry(k, &entry, "dev");
	assert_int_equal(entry.attr.rdev, in.rdev);
	assert_int_equal(fstatat(k->lower, "dev", &st, 0), 0);
	assert_int_equal(major(st.st_rdev), 0x111);
	assert_int_equal(minor(st.st_rdev), 0x12ab);
	k_stop(k);
}

static void test_readlink(void **state)
{
	static const char *const targets[] = { "a", "/an/absolute/one", "\xff\x01", NULL };
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	char longest[4096];

	memset(longest, 'x', 4095);
	longest[4095] = 0;
	for (int i = 0; i < 4; i++) {
		const char *target = targets[i] ? targets[i] : longest;
		struct k_request request = *K_PLAIN(FUSE_READLINK, 0);
		struct fuse_entry_out entry;
		struct k_answer answer;
		int r = k_symlink(c, K_ROOT, "link", target, &entry);

		/* Some file systems hold less. */
		if (!targets[i] && r == -ENAMETOOLONG)
			continue;
		assert_int_equal(r, 0);
		request.nodeid = entry.nodeid;
		assert_int_equal(k_call(c, &request, &answer), 0);
		assert_int_equal(answer.len, strlen(target));
		assert_memory_equal(answer.data, target, answer.len);
		assert_int_equal(k_unlink(c, K_ROOT, "link"), 0);
	}
	{
		struct k_request request = *K_PLAIN(FUSE_READLINK, K_ROOT);
		struct k_answer answer;

		/* A descriptor on a directory has an empty link text of its own: an error, no text. */
		assert_true(k_call(c, &request, &answer) < 0);
	}
	k_stop(k);
}

static void test_remove(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];

	k_file_below(k, "file", "");
	assert_int_equal(mkdirat(k->lower, "dir", 0755), 0);
	assert_int_equal(mkdirat(k->lower, "dir/full", 0755), 0);
	assert_int_equal(k_rmdir(c, K_ROOT, "file"), -ENOTDIR);
	assert_int_equal(k_unlink(c, K_ROOT, "dir"), -EISDIR);
	assert_int_equal(k_rmdir(c, K_ROOT, "dir"), -ENOTEMPTY);
	assert_int_equal(k_unlink(c, K_ROOT, "absent"), -ENOENT);
	assert_int_equal(k_rmdir(c, K_ROOT, "absent"), -ENOENT);
	assert_int_equal(k_unlink(c, K_ROOT, "file"), 0);
	assert_false(exists(k, "file"));
	assert_int_equal(unlinkat(k->lower, "dir/full", AT_REMOVEDIR), 0);
	assert_int_equal(k_rmdir(c, K_ROOT, "dir"), 0);
	assert_false(exists(k, "dir"));
	k_stop(k);
}

/* RENAME and RENAME2, with what flags there are. */
static void test_rename(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out dir, entry;
	struct fuse_rename_in in;
	struct fuse_attr_out attr;
	struct k_answer answer;
	int r;

	assert_int_equal(mkdirat(k->lower, "dir", 0755), 0);
	k_file_below(k, "a", "a");
	k_file_below(k, "b", "b");
	assert_int_equal(k_lookup(c, K_ROOT, "dir", &dir), 0);
	assert_int_equal(k_lookup(c, K_ROOT, "a", &entry), 0);
	in.newdir = dir.nodeid;
	assert_int_equal(
		k_call(c, K_REQUEST(FUSE_RENAME, K_ROOT, &in, .names = { "a", "a2" }), &answer), 0);
	assert_false(exists(k, "a"));
	k_expect_below(k, "dir/a2", "a");
	assert_int_equal(k_rename(c, dir.nodeid, "a2", K_ROOT, "b", RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(k_rename(c, dir.nodeid, "a2", K_ROOT, "b", RENAME_EXCHANGE), 0);
	k_expect_below(k, "dir/a2", "b");
	k_expect_below(k, "b", "a");
	assert_int_equal(k_rename(c, dir.nodeid, "a2", K_ROOT, "b", 0), 0);
	k_expect_below(k, "b", "b");
	assert_int_equal(k_rename(c, K_ROOT, "absent", K_ROOT, "c", 0), -ENOENT);
	assert_int_equal(k_rename(c, K_ROOT, "b", K_ROOT, "c", 1u << 31), -EINVAL);
	assert_int_equal(k_rename(c, K_ROOT, "dir", dir.nodeid, "in-itself", 0), -EINVAL);
	/* The node is the file, whatever its name: "a" was replaced just now. Nothing holds it. */
	r = k_getattr(c, entry.nodeid, &attr);
	assert_true(r == 0 ? attr.attr.nlink == 0 : r == -ESTALE);
	k_stop(k);
}

/* ".", "..": what the kernel asks when somebody opens a file handle of the view. */
static void test_dots(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out dir, sub, entry;

	assert_int_equal(k_mkdir(c, K_ROOT, "dir", 0755, &dir), 0);
	assert_int_equal(k_mkdir(c, dir.nodeid, "sub", 0755, &sub), 0);
	assert_int_equal(k_lookup(c, sub.nodeid, ".", &entry), 0);
	assert_int_equal(entry.nodeid, sub.nodeid);
	assert_int_equal(k_lookup(c, sub.nodeid, "..", &entry), 0);
	assert_int_equal(entry.nodeid, dir.nodeid);
	assert_int_equal(k_lookup(c, dir.nodeid, "..", &entry), 0);
	assert_int_equal(entry.nodeid, K_ROOT);
	assert_int_equal(entry.generation, 0);
	assert_int_equal(k_lookup(c, K_ROOT, ".", &entry), 0);
	assert_int_equal(entry.nodeid, K_ROOT);
	/* There is no way up from the root. */
	assert_int_equal(k_lookup(c, K_ROOT, "..", &entry), -ENOENT);
	k_stop(k);
}

/* A number that was forgotten still stands for its file where it is made of the file's handle. */
static void test_revive(void **state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, again;
	bool packed;

	assert_int_equal(k_mkdir(c, K_ROOT, "dir", 0755, &entry), 0);
	packed = !(entry.nodeid & 0x80000000);
	k_forget(c, entry.nodeid, 1);
	k_sync(c);
	k_expect_left(k, 0, 1);
	assert_int_equal(k_lookup(c, entry.nodeid, ".", &again), packed ? 0 : -ESTALE);
	if (packed) {
		assert_int_equal(again.nodeid, entry.nodeid);
		assert_int_equal(again.generation, entry.generation);
		k_forget(c, entry.nodeid, 1);
	}
	assert_int_equal(unlinkat(k->lower, "dir", AT_REMOVEDIR), 0);
	k_sync(c);
	assert_int_equal(k_lookup(c, entry.nodeid, ".", &again), -ESTALE);
	assert_int_equal(k_lookup(c, entry.nodeid, "name", &again), -ESTALE);
	k_sync(c);
	k_expect_left(k, 0, 1);
	k_stop(k);
}

TEST_MAIN(K_TEST(test_lookup), K_TEST(test_absent), K_TEST(test_link), K_TEST(test_make),
	  K_TEST(test_device), K_TEST(test_readlink), K_TEST(test_remove), K_TEST(test_rename),
	  K_TEST(test_dots), K_TEST(test_revive))
