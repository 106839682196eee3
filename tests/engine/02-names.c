// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Nodes by name: node IDs, and the timeouts of replies. The mount tests compare operations on names
 * with the lower tree (tests/mount/tools/parity/names.c, kinds.c, rename.c).
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct kernel *start(void **state)
{
	return k_start(&(struct k_options){ .nodes = K_NODES(state), .ttl_ns = 2500000000 });
}

/* Checks that an entry describes this lower file and has the entry timeout of the options. */
static void expect_name(struct kernel *k, const struct fuse_entry_out *entry, const char *name)
{
	assert_true(entry->nodeid > 1);
	assert_int_not_equal(entry->generation, 0);
	assert_int_equal(entry->entry_valid, 2);
	assert_int_equal(entry->entry_valid_nsec, 500000000);
	k_expect_same(k, &entry->attr, name);
}

/* Checks the attributes and their timeout as well. */
static void expect_entry(struct kernel *k, const struct fuse_entry_out *entry, const char *name)
{
	assert_int_equal(entry->attr_valid, 2);
	assert_int_equal(entry->attr_valid_nsec, 500000000);
	expect_name(k, entry, name);
}

K_TEST(lookup_answers_whole_entries, state)
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
		/* Each lookup returns the same node ID and the same generation. */
		assert_int_equal(k_lookup(c, K_ROOT, name, &again), 0);
		assert_memory_equal(&entry, &again, sizeof(entry));
		k_forget(c, entry.nodeid, 2);
	}
	k_stop_empty(k);
}

/* A reply about an absent name has a timeout, except with cache=none. */
K_TEST(absent_name_is_cached_for_the_timeout, state)
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

/*
 * Names of one file lead to one node; the node is known until all lookups of all names are
 * forgotten.
 */
K_TEST(hard_links_share_a_node, state)
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
	k_stop_empty(k);
}

/* The kernel looks up "." and ".." when a process opens a file handle of the view. */
K_TEST(dots_lead_to_self_and_parent, state)
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
	/* The root has no parent in the view. */
	assert_int_equal(k_lookup(c, K_ROOT, "..", &entry), -ENOENT);
	k_stop(k);
}

/* A node ID that is made of the file's handle leads to the file even after FORGET. */
K_TEST(forgotten_nodeid_leads_to_its_file, state)
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
	k_stop_empty(k);
}

TEST_MAIN(NULL, NULL)
