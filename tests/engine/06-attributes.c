// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sizes, times and extended attributes that no file can have, and the timeouts of replies. The
 * mount tests compare valid ones with the lower tree (tests/mount/tools/parity/attr.c and xattr.c).
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "util/cleanup.h"

static const char *const kinds[] = { "file", "dir", "link", "fifo" };
#define N_KINDS 4

static struct kernel *start(void **state)
{
	struct kernel *k =
		k_start(&(struct k_options){ .nodes = K_NODES(state), .ttl_ns = 1000000000 });

	k_file_below(k, "file", "0123456789");
	assert_int_equal(mkdirat(k->lower, "dir", 0755), 0);
	assert_int_equal(symlinkat("file", k->lower, "link"), 0);
	assert_int_equal(mkfifoat(k->lower, "fifo", 0600), 0);
	return k;
}

static uint64_t look_up(struct kernel *k, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, name, &entry), 0);
	return entry.nodeid;
}

static int set(struct kernel *k, uint64_t id, const struct fuse_setattr_in *in,
	       struct fuse_attr_out *ret_out)
{
	return k_setattr(&k->chans[0], id, in, ret_out);
}

K_TEST(setattr_sets_sizes, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	uint64_t id = look_up(k, "file");
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = 4 };
	struct fuse_open_out open;
	struct fuse_attr_out out;

	assert_int_equal(set(k, id, &in, &out), 0);
	assert_int_equal(out.attr.size, 4);
	k_expect_below(k, "file", "0123");
	assert_int_equal(k_open(c, id, O_RDWR, &open), 0);
	in = (struct fuse_setattr_in){ .valid = FATTR_SIZE | FATTR_FH, .fh = open.fh, .size = 2 };
	assert_int_equal(set(k, id, &in, &out), 0);
	k_expect_below(k, "file", "01");
	/* With an unknown or a read-only handle the server changes the file by its node. */
	in.fh = 4711;
	in.size = 1;
	assert_int_equal(set(k, id, &in, &out), 0);
	k_expect_below(k, "file", "0");
	in.valid = FATTR_SIZE;
	in.size = 1ULL << 63;
	assert_int_equal(set(k, id, &in, &out), -EFBIG);
	in.size = UINT64_MAX;
	assert_int_equal(set(k, id, &in, &out), -EFBIG);
	in.size = 0;
	assert_int_equal(set(k, look_up(k, "dir"), &in, &out), -EISDIR);
	assert_true(set(k, look_up(k, "link"), &in, &out) < 0);
	assert_int_equal(set(k, look_up(k, "fifo"), &in, &out), -EINVAL);
	k_expect_below(k, "file", "0");
	assert_int_equal(k_release(c, id, open.fh), 0);
	k_stop(k);
}

K_TEST(setattr_sets_times, state)
{
	struct kernel *k = start(state);
	struct fuse_attr_out out;

	for (int i = 0; i < N_KINDS; i++) {
		uint64_t id = look_up(k, kinds[i]);
		struct fuse_setattr_in in = { .valid = FATTR_ATIME | FATTR_MTIME,
					      .atime = 1000000000,
					      .atimensec = 123456789,
					      .mtime = (uint64_t)-5,
					      .mtimensec = 999999999 };

		assert_int_equal(set(k, id, &in, &out), 0);
		assert_int_equal(out.attr.atime, 1000000000);
		assert_int_equal(out.attr.mtime, (uint64_t)-5);
		k_expect_same(k, &out.attr, kinds[i]);
		/*
		 * Sets one time and keeps the other. With FATTR_MTIME_NOW the time in the request
		 * does not count.
		 */
		in = (struct fuse_setattr_in){ .valid = FATTR_MTIME | FATTR_MTIME_NOW, .mtime = 7 };
		assert_int_equal(set(k, id, &in, &out), 0);
		assert_int_equal(out.attr.atime, 1000000000);
		assert_true(out.attr.mtime > 1000000000);
		k_expect_same(k, &out.attr, kinds[i]);
		in = (struct fuse_setattr_in){ .valid = FATTR_ATIME, .atimensec = 1000000000 };
		assert_int_equal(set(k, id, &in, &out), -EINVAL);
		/*
		 * The server must not pass UTIME_NOW and UTIME_OMIT in the request to utimensat(2).
		 */
		in.atimensec = UTIME_NOW;
		assert_int_equal(set(k, id, &in, &out), -EINVAL);
		in.atimensec = UTIME_OMIT;
		assert_int_equal(set(k, id, &in, &out), -EINVAL);
	}
	k_stop(k);
}

/* -- extended attributes --------------------------------------------------------------------- */

static int set_xattr(struct kernel *k, uint64_t id, const char *name, const void *value,
		     size_t size, uint32_t flags)
{
	struct fuse_setxattr_in in = { .size = (uint32_t)size, .flags = flags };

	return k_ask(&k->chans[0],
		     K_REQUEST(FUSE_SETXATTR, id, &in, .names = { name }, .data = value,
			       .data_len = size),
		     NULL, 0);
}

/* Sends GETXATTR, or LISTXATTR if there is no name. Returns the length or -errno. */
static int get_xattr(struct kernel *k, uint64_t id, const char *name, char *buf, uint32_t size)
{
	struct fuse_getxattr_in in = { .size = size };
	static struct k_answer answer;
	int r = k_call(&k->chans[0],
		       K_REQUEST(name ? FUSE_GETXATTR : FUSE_LISTXATTR, id, &in, .names = { name }),
		       &answer);

	if (r < 0)
		return r;
	if (size == 0) {
		assert_int_equal(answer.len, sizeof(struct fuse_getxattr_out));
		return (int)((struct fuse_getxattr_out *)answer.data)->size;
	}
	assert_true(answer.len <= size);
	memcpy(buf, answer.data, answer.len);
	return (int)answer.len;
}

/* Names and values of all sizes get a reply. */
K_TEST(xattrs_of_any_size_are_answered, state)
{
	struct kernel *k = start(state);
	uint64_t id = look_up(k, "file");
	_cleanup_(freep) char *name = malloc(8192), *value = calloc(1, XATTR_SIZE_MAX);
	static char buf[65536];

	for (size_t len = 0; len < 8192; len = len * 2 + 1) {
		int r;

		memset(name, 'x', len);
		memcpy(name, "user.", len < 5 ? len : 5);
		name[len] = 0;
		r = set_xattr(k, id, name, "v", 1, 0);
		assert_true(len > 5 && len < 256 ? r == 0 || r == -EOPNOTSUPP : r < 0);
		r = get_xattr(k, id, name, buf, sizeof(buf));
		assert_true(len > 5 && len < 256 ? r == 1 || r == -EOPNOTSUPP : r < 0);
	}
	for (size_t size = 1; size <= XATTR_SIZE_MAX; size *= 4) {
		int r = set_xattr(k, id, "user.value", value, size, 0);

		if (r == 0)
			assert_int_equal(get_xattr(k, id, "user.value", buf, sizeof(buf)), size);
	}
	/* The client's buffer is larger than any reply. */
	assert_true(get_xattr(k, id, NULL, buf, sizeof(buf)) >= 0);
	k_stop(k);
}

/* -- the rest -------------------------------------------------------------------------------- */

/* The attribute timeout for each kind of cache and each mode of open. */
K_TEST(attr_timeout_depends_on_cache_and_opens, state)
{
	static const struct {
		enum pst_cache cache;
		uint64_t ttl_ns;
		bool passthrough;
		int flags; /* of an open before the look; -1: none */
		bool zero;
	} rows[] = {
		{ PST_CACHE_NONE, 0, true, -1, true },
		{ PST_CACHE_TTL, 3000000000, true, -1, false },
		{ PST_CACHE_TTL, 0, true, -1, true },
		{ PST_CACHE_EXCLUSIVE, 0, true, -1, false },
		{ PST_CACHE_TTL, 3000000000, true, O_RDONLY, false },
		{ PST_CACHE_TTL, 3000000000, true, O_RDWR, true },
		{ PST_CACHE_EXCLUSIVE, 0, true, O_RDWR, true },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct kernel *k =
			k_start(&(struct k_options){ .nodes = K_NODES(state),
						     .cache = rows[i].cache,
						     .ttl_ns = rows[i].ttl_ns,
						     .passthrough = rows[i].passthrough });
		struct fuse_attr_out out;
		struct fuse_open_out open;
		uint64_t id;

		k_file_below(k, "file", "");
		id = look_up(k, "file");
		if (rows[i].flags >= 0)
			assert_int_equal(k_open(&k->chans[0], id, rows[i].flags, &open), 0);
		assert_int_equal(k_getattr(&k->chans[0], id, &out), 0);
		assert_int_equal(out.attr_valid == 0 && out.attr_valid_nsec == 0, rows[i].zero);
		/*
		 * With cache=exclusive the timeout is long again once the last writer has closed
		 * the file, unless a lease shows another writer.
		 */
		if (rows[i].flags == O_RDWR && rows[i].cache == PST_CACHE_EXCLUSIVE) {
			assert_int_equal(k_release(&k->chans[0], id, open.fh), 0);
			assert_int_equal(k_getattr(&k->chans[0], id, &out), 0);
			assert_true(out.attr_valid > 0);
		}
		k_stop(k);
	}
}

TEST_MAIN(NULL, NULL)
