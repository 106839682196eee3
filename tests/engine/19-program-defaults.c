// SPDX-License-Identifier: LGPL-2.1-or-later
/* A program with readdir() and read() only: the library finds names, and keeps attributes. */
#include "scripted-program.h"

#include <errno.h>
#include <fcntl.h>

#define N_FILES 300

static int64_t answer; /* of readdir() */
static bool without_key;

/* Adds all names each time, without numbers. */
static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	char name[32];

	for (int i = 0; i < N_FILES; i++) {
		struct pst_entry entry = {
			.stx = { .stx_mode = S_IFREG | 0644, .stx_size = (uint64_t)i },
		};

		snprintf(name, sizeof(name), "name-%d", i);
		if (!without_key)
			pst_entry_key(&entry, name, strlen(name));
		if (pst_listing_add(listing, name, 0, &entry) == 1)
			break;
	}
	if (answer == PST_LATER)
		pst_reply(req, program.reply);
	return (int)answer;
}

static ssize_t read_it(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	return pst_copy(buf, size, off, req->file->key, req->file->key_len);
}

static struct kernel *start(void **state, int64_t result, bool complaints)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = PST_ANSWERS_ALL,
		.timeout_ns = 1000000000,
		.readdir = list,
		.read = read_it,
	};
	struct kernel *k = k_start(&(struct k_options){
		.nodes = K_NODES(state), .node_ops = &ops, .complaints = complaints });

	answer = result;
	without_key = false;
	k_file_below(k, "file", "below");
	return k;
}

static void expect_file(struct kernel *k, const char *name, uint64_t size)
{
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	struct fuse_attr_out attr;
	char buf[32];

	assert_int_equal(k_lookup(c, K_ROOT, name, &entry), 0);
	assert_int_equal(entry.attr.size, size);
	assert_int_equal(entry.entry_valid, 1);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), 0);
	assert_int_equal(attr.attr.size, size);
	assert_int_equal(attr.attr.ino, entry.attr.ino);
	assert_int_equal(k_open(c, entry.nodeid, O_WRONLY, &open), -EROFS);
	assert_int_equal(k_open(c, entry.nodeid, O_RDONLY, &open), 0);
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 32, 0, O_RDONLY), strlen(name));
	assert_memory_equal(buf, name, strlen(name));
	assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
	k_forget(c, entry.nodeid, 1);
}

static void expect_names(struct kernel *k, bool with_lower)
{
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;

	expect_file(k, "name-0", 0);
	expect_file(k, "name-299", 299);
	/* The kernel caches that a name does not exist, unless it may be a lower one. */
	if (!with_lower)
		assert_int_equal(k_lookup(c, K_ROOT, "absent", &entry), 0);
	else
		assert_int_equal(k_lookup(c, K_ROOT, "absent", &entry), -ENOENT);
	if (!with_lower) {
		assert_int_equal(entry.nodeid, 0);
		assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
		assert_int_equal(entry.nodeid, 0);
		return;
	}
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	k_expect_same(k, &entry.attr, "file");
	k_forget(c, entry.nodeid, 1);
}

K_TEST(names_are_found_in_the_listing, state)
{
	struct kernel *k = start(state, 0, false);

	expect_names(k, false);
	k_stop_empty(k);
	k = start(state, PST_BACKING, false);
	expect_names(k, true);
	k_stop_empty(k);
}

K_TEST(names_are_found_in_a_listing_that_comes_later, state)
{
	struct kernel *k = start(state, PST_LATER, false);

	program.reply = PST_BACKING;
	expect_names(k, true);
	program.reply = 0;
	expect_names(k, false);
	program.reply = -EAGAIN;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "name-1", NULL), -EAGAIN);
	k_stop_empty(k);
}

/* Such a name is no absent one. */
K_TEST(listed_name_without_a_key_is_an_error, state)
{
	struct kernel *k = start(state, 0, true);
	struct fuse_entry_out entry;

	without_key = true;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "name-1", &entry), -EIO);
	k_stop(k);
}

K_TEST(names_without_numbers_are_listed_once, state)
{
	struct kernel *k = start(state, PST_BACKING, false);
	struct k_chan *c = &k->chans[0];
	static struct k_answer out;
	struct fuse_open_out open;
	unsigned int n = 0;
	uint64_t off = 0;
	char name[32];

	assert_int_equal(k_opendir(c, K_ROOT, &open), 0);
	do {
		assert_int_equal(k_readdir(c, K_ROOT, open.fh, off, 1024, false, &out), 0);
		for (size_t at = 0; at < out.len;) {
			struct fuse_dirent *d = (struct fuse_dirent *)(out.data + at);

			snprintf(name, sizeof(name), "name-%u", n);
			if (d->namelen > 5) {
				assert_memory_equal(d->name, name, strlen(name));
				n++;
			}
			off = d->off;
			at += FUSE_REC_ALIGN(FUSE_NAME_OFFSET + d->namelen);
		}
	} while (out.len);
	assert_int_equal(n, N_FILES);
	assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
