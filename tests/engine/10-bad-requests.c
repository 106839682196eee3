// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Malformed requests that no kernel sends, and replies to every kind of request. The view survives
 * all of them, answers each request that needs a reply exactly once, and changes nothing that it
 * should not.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../unit/samples.h"
#include "util/cleanup.h"

static struct kernel *start(void **state)
{
	struct kernel *k = k_start(&(struct k_options){ .nodes = K_NODES(state),
							.ttl_ns = 1000000000,
							.locks = PST_LOCKS_LOWER,
							.complaints = true });

	k_file_below(k, "file", "text");
	return k;
}

/*
 * Checks that the view's state is that after start(), except for nodes that the kernel knows, and
 * stops it.
 */
static void stop(struct kernel *k)
{
	k_sync(&k->chans[0]);
	k_expect_below(k, "file", "text");
	k_expect_left(k, 0, 1);
	k_stop(k);
}

static bool wants_answer(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT &&
	       opcode != FUSE_NOTIFY_REPLY;
}

/*
 * Sends bytes with a number of this channel and expects a reply if one is due. Returns the error.
 */
static int send_sample(struct k_chan *c, char *bytes, size_t len, uint32_t opcode)
{
	struct fuse_in_header *head = (struct fuse_in_header *)bytes;
	static struct k_answer answer;

	c->unique += 2;
	if (len >= sizeof(*head))
		head->unique = c->unique;
	k_send_raw(c, bytes, len);
	if (len < sizeof(*head) || !wants_answer(opcode)) {
		k_sync(c);
		return 0;
	}
	return k_wait(c, c->unique, &answer);
}

/* Every operation on an unknown node, with a random argument. */
K_TEST(every_operation_on_unknown_node_is_answered, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];

	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];
		_cleanup_(freep) char *bytes = sample_new(s, 0);
		uint64_t n, errors;
		int r = send_sample(c, bytes, sample_len(s, 0), s->opcode);

		server_op_stat(k->server, s->opcode, &n, &errors);
		assert_int_equal(n, s->opcode == FUSE_GETATTR ? n : 1);
		if (!wants_answer(s->opcode) || s->opcode == FUSE_DESTROY)
			continue;
		assert_true(r < 0);
		assert_true(errors >= 1);
		if (s->opcode == FUSE_ACCESS || s->opcode == FUSE_BMAP || s->opcode == FUSE_POLL ||
		    s->opcode == FUSE_INIT)
			assert_int_equal(r, -ENOSYS);
		else
			assert_int_equal(r, -ESTALE);
	}
	stop(k);
}

/*
 * The same requests truncated at every byte, with the right and with the full length in the header.
 */
K_TEST(truncated_requests_fail_with_eio, state)
{
	struct kernel *k = start(state);

	for (size_t i = 0; i < N_SAMPLES; i++) {
		const struct sample *s = &samples[i];

		for (size_t len = 1; len < sample_len(s, 0); len++) {
			for (int lies = 0; lies < 2; lies++) {
				_cleanup_(freep) char *bytes = sample_new(s, 0);
				uint32_t head_len = (uint32_t)len;
				int r;

				if (!lies)
					memcpy(bytes, &head_len, 4);
				r = send_sample(&k->chans[0], bytes, len, s->opcode);
				assert_int_equal(r,
						 len < 40 || !wants_answer(s->opcode) ? 0 : -EIO);
			}
		}
	}
	stop(k);
}

K_TEST(unknown_opcodes_fail_with_enosys, state)
{
	static const uint32_t opcodes[] = {
		0, 7, 19, 48, 49, 60, 63, 64, 4096, 1u << 30, UINT32_MAX
	};
	struct kernel *k = start(state);

	for (size_t i = 0; i < N(opcodes); i++) {
		struct fuse_in_header head = { .len = 40, .opcode = opcodes[i], .nodeid = 1 };

		assert_int_equal(send_sample(&k->chans[0], (char *)&head, 40, opcodes[i]), -ENOSYS);
	}
	stop(k);
}

/* Node IDs that the server never returned, in every operation that has one. */
K_TEST(unknown_nodeids_are_stale, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, other;
	struct fuse_open_out open;
	struct fuse_attr_out attr;
	uint64_t ids[] = { 0, 2, 0x80000000, 0x80000001, 0xffffffff, 1ULL << 63, UINT64_MAX, 0, 0 };

	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	/* A node ID one too high, one too low, and one that was forgotten. */
	ids[7] = entry.nodeid + 1;
	ids[8] = entry.nodeid ^ (1ULL << 40);
	for (size_t i = 0; i < N(ids); i++) {
		assert_int_equal(k_getattr(c, ids[i], &attr), -ESTALE);
		assert_int_equal(k_lookup(c, ids[i], "file", &other), -ESTALE);
		assert_int_equal(k_open(c, ids[i], O_RDWR, &open), -ESTALE);
		assert_int_equal(k_mkdir(c, ids[i], "new", 0755, &other), -ESTALE);
		assert_int_equal(k_unlink(c, ids[i], "file"), -ESTALE);
		assert_int_equal(k_link(c, entry.nodeid, ids[i], "new", &other), -ESTALE);
		assert_int_equal(k_link(c, ids[i], K_ROOT, "new", &other), -ESTALE);
		assert_int_equal(k_rename(c, ids[i], "file", K_ROOT, "new", 0), -ESTALE);
		assert_int_equal(k_rename(c, K_ROOT, "file", ids[i], "new", 0), -ESTALE);
		k_forget(c, ids[i], 1);
		k_forget(c, ids[i], UINT64_MAX);
	}
	k_forget(c, entry.nodeid, 1);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), -ESTALE);
	stop(k);
}

static int call_fh(struct k_chan *c, uint32_t opcode, uint64_t nodeid, uint64_t fh)
{
	/*
	 * Long enough for every argument that begins with a handle; 0 bytes of data for all
	 * operations.
	 */
	uint64_t arg[8] = { fh };
	static struct k_answer answer;

	return k_call(c,
		      &(struct k_request){ .opcode = opcode,
					   .nodeid = nodeid,
					   .arg = arg,
					   .arg_len = op_find(opcode)->arg_size },
		      &answer);
}

/* File handles that the server never returned, or that belong to another node or type. */
K_TEST(unknown_handles_are_refused, state)
{
	static const uint32_t of_files[] = { FUSE_READ,
					     FUSE_WRITE,
					     FUSE_FLUSH,
					     FUSE_RELEASE,
					     FUSE_FSYNC,
					     FUSE_GETLK,
					     FUSE_SETLK,
					     FUSE_SETLKW,
					     FUSE_FALLOCATE,
					     FUSE_LSEEK,
					     FUSE_IOCTL,
					     FUSE_COPY_FILE_RANGE,
					     FUSE_COPY_FILE_RANGE_64 };
	static const uint32_t of_dirs[] = { FUSE_READDIR, FUSE_READDIRPLUS, FUSE_RELEASEDIR,
					    FUSE_FSYNCDIR };
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, other;
	struct fuse_open_out file, dir;
	uint64_t fhs[8] = { 0, 1, UINT64_MAX, 99ULL << 32, 4242ULL << 32 | 1 };

	k_file_below(k, "other", "");
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	assert_int_equal(k_lookup(c, K_ROOT, "other", &other), 0);
	assert_int_equal(k_open(c, entry.nodeid, O_RDWR, &file), 0);
	assert_int_equal(k_opendir(c, K_ROOT, &dir), 0);
	fhs[5] = file.fh + 1;
	fhs[6] = file.fh + (1ULL << 32);
	fhs[7] = dir.fh;
	for (size_t i = 0; i < N(fhs); i++) {
		for (size_t j = 0; j < N(of_files); j++)
			assert_int_equal(call_fh(c, of_files[j], entry.nodeid, fhs[i]), -EBADF);
		for (size_t j = 0; j < N(of_dirs); j++)
			assert_int_equal(
				call_fh(c, of_dirs[j], K_ROOT, fhs[i] == dir.fh ? 0 : fhs[i]),
				-EBADF);
	}
	/* A valid handle of another node. */
	for (size_t j = 0; j < N(of_files); j++)
		assert_int_equal(call_fh(c, of_files[j], other.nodeid, file.fh), -EBADF);
	assert_int_equal(call_fh(c, FUSE_READDIR, K_ROOT, file.fh), -EBADF);
	/* READDIR of a file and READ of a directory. */
	assert_int_equal(call_fh(c, FUSE_READDIR, entry.nodeid, file.fh), -ENOTDIR);
	assert_int_equal(call_fh(c, FUSE_READDIRPLUS, entry.nodeid, file.fh), -ENOTDIR);
	assert_int_equal(call_fh(c, FUSE_READ, K_ROOT, dir.fh), -EISDIR);
	assert_int_equal(call_fh(c, FUSE_WRITE, K_ROOT, dir.fh), -EISDIR);
	assert_int_equal(call_fh(c, FUSE_LSEEK, K_ROOT, dir.fh), -EISDIR);
	assert_int_equal(k_release(c, entry.nodeid, file.fh), 0);
	assert_int_equal(k_release(c, entry.nodeid, file.fh), -EBADF);
	assert_int_equal(k_releasedir(c, K_ROOT, dir.fh), 0);
	assert_int_equal(k_releasedir(c, K_ROOT, dir.fh), -EBADF);
	k_forget(c, entry.nodeid, 1);
	k_forget(c, other.nodeid, 1);
	stop(k);
}

/* Names with slashes, empty names, "." and "..", in every operation that has a name. */
K_TEST(bad_names_are_refused, state)
{
	static char too_long[257];
	static const char *const names[] = {
		"", "/", "a/b", "/etc", "..", ".", "../file", too_long
	};
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, other;
	struct fuse_open_out open;

	memset(too_long, 'n', 256);
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	for (size_t i = 0; i < N(names); i++) {
		int want = names[i] == too_long ? -ENAMETOOLONG : -EINVAL;

		assert_int_equal(k_mkdir(c, K_ROOT, names[i], 0755, &other), want);
		assert_int_equal(k_mknod(c, K_ROOT, names[i], S_IFREG | 0644, &other), want);
		assert_int_equal(k_symlink(c, K_ROOT, names[i], "target", &other), want);
		assert_int_equal(k_create(c, K_ROOT, names[i], O_RDWR, 0644, &other, &open), want);
		assert_int_equal(k_unlink(c, K_ROOT, names[i]), want);
		assert_int_equal(k_rmdir(c, K_ROOT, names[i]), want);
		assert_int_equal(k_rename(c, K_ROOT, names[i], K_ROOT, "x", 0), want);
		assert_int_equal(k_rename(c, K_ROOT, "file", K_ROOT, names[i], 0), want);
		if (geteuid() == 0)
			assert_int_equal(k_link(c, entry.nodeid, K_ROOT, names[i], &other), want);
		/* The kernel looks up "." and ".." to resolve a file handle of the view. */
		if (strcmp(names[i], ".") != 0)
			assert_true(k_lookup(c, K_ROOT, names[i], &other) < 0);
	}
	k_forget(c, entry.nodeid, 1);
	stop(k);
}

/* Names in a file, in a link and in a pipe. */
K_TEST(names_below_files_are_refused, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry, other;
	struct fuse_open_out open;

	assert_int_equal(symlinkat("/", k->lower, "link"), 0);
	assert_int_equal(mkfifoat(k->lower, "fifo", 0600), 0);
	for (int i = 0; i < 3; i++) {
		const char *name = &"file\0link\0fifo"[i * 5];

		assert_int_equal(k_lookup(c, K_ROOT, name, &entry), 0);
		assert_int_equal(k_lookup(c, entry.nodeid, "etc", &other), -ENOTDIR);
		assert_true(k_lookup(c, entry.nodeid, "..", &other) < 0);
		assert_int_equal(k_mkdir(c, entry.nodeid, "etc", 0755, &other), -ENOTDIR);
		assert_int_equal(k_create(c, entry.nodeid, "f", O_RDWR, 0644, &other, &open),
				 -ENOTDIR);
		assert_int_equal(k_unlink(c, entry.nodeid, "etc"), -ENOTDIR);
		assert_int_equal(k_opendir(c, entry.nodeid, &open), -ENOTDIR);
		k_forget(c, entry.nodeid, 1);
	}
	assert_int_equal(unlinkat(k->lower, "link", 0), 0);
	assert_int_equal(unlinkat(k->lower, "fifo", 0), 0);
	stop(k);
}

/* Sizes beyond the limits of a request: the server does less, and overruns no buffer. */
K_TEST(huge_sizes_are_cut, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_read_in read_in = { .size = UINT32_MAX };
	struct fuse_getxattr_in xattr_in = { .size = UINT32_MAX };
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	static struct k_answer answer;
	int fd = openat(k->lower, "big", O_RDWR | O_CREAT, 0644);

	assert_int_equal(ftruncate(fd, 1 << 20), 0);
	close(fd);
	assert_int_equal(k_lookup(c, K_ROOT, "big", &entry), 0);
	assert_int_equal(k_open(c, entry.nodeid, O_RDWR, &open), 0);
	read_in.fh = open.fh;
	assert_int_equal(k_call(c, K_REQUEST(FUSE_READ, entry.nodeid, &read_in), &answer), 0);
	assert_int_equal(answer.len, 65536);
	assert_true(k_call(c, K_REQUEST(FUSE_LISTXATTR, entry.nodeid, &xattr_in), &answer) <= 0);
	assert_int_equal(k_opendir(c, K_ROOT, &open), 0);
	read_in.fh = open.fh;
	for (uint32_t opcode = FUSE_READDIR; opcode <= FUSE_READDIRPLUS; opcode += 16) {
		assert_int_equal(k_call(c, K_REQUEST(opcode, K_ROOT, &read_in), &answer), 0);
		assert_true(answer.len > 0 && answer.len <= 65536);
	}
	/* The end of the view closes the open file and drops the nodes. */
	k_stop(k);
}

/* A message longer than the server's buffer for requests. */
K_TEST(message_longer_than_any_is_refused, state)
{
	struct kernel *k = start(state);
	size_t len = 120000;
	_cleanup_(freep) char *bytes = calloc(1, len);

	*(struct fuse_in_header *)bytes =
		(struct fuse_in_header){ .len = (uint32_t)len, .opcode = FUSE_STATFS, .nodeid = 1 };
	assert_int_equal(send_sample(&k->chans[0], bytes, len, FUSE_STATFS), -EIO);
	stop(k);
}

/* Extensions with a group, and with random bytes instead. */
K_TEST(extensions_are_checked, state)
{
	static const uint32_t exts[][4] = {
		{ 16, FUSE_EXT_GROUPS, 1, 0 },
		{ 16, FUSE_EXT_GROUPS, UINT32_MAX, 0 },
		{ 16, FUSE_EXT_GROUPS, 1, UINT32_MAX },
		{ UINT32_MAX, UINT32_MAX, 0, 0 },
		{ 0, 0, 0, 0 },
		{ 16, 5, 0, 0 },
	};
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_mkdir_in in = { .mode = 0755, .umask = 022 };

	for (size_t i = 0; i < N(exts); i++) {
		struct fuse_entry_out entry;
		int r = k_ask(c,
			      K_REQUEST(FUSE_MKDIR, K_ROOT, &in, .names = { "new" }, .ext = exts[i],
					.ext_len = 16),
			      &entry, sizeof(entry));

		/* (gid_t)-1 is no group, so even root cannot take it. */
		if (i == 2 && geteuid() == 0) {
			assert_int_equal(r, -EINVAL);
			continue;
		}
		assert_int_equal(r, 0);
		k_forget(c, entry.nodeid, 1);
		assert_int_equal(k_rmdir(c, K_ROOT, "new"), 0);
	}
	stop(k);
}

/* File types that MKNOD does not make, unknown flags of RENAME2, and READLINK of a directory. */
K_TEST(impossible_kinds_and_flags_are_refused, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct k_answer answer;

	assert_true(k_mknod(c, K_ROOT, "new", S_IFDIR | 0600, &entry) < 0);
	assert_true(k_mknod(c, K_ROOT, "new", S_IFLNK | 0600, &entry) < 0);
	assert_int_equal(faccessat(k->lower, "new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(k_rename(c, K_ROOT, "file", K_ROOT, "new", 1u << 31), -EINVAL);
	/*
	 * A descriptor of a directory has an empty link text: the answer is an error, not the text.
	 */
	assert_true(k_call(c, K_PLAIN(FUSE_READLINK, K_ROOT), &answer) < 0);
	stop(k);
}

/* Ranges that end before they begin or exceed all offsets, and unknown lock types. */
K_TEST(impossible_locks_are_refused, state)
{
	static const struct fuse_file_lock rows[] = {
		{ 5, 4, F_RDLCK, 100 },
		{ UINT64_MAX, UINT64_MAX, F_RDLCK, 100 },
		{ 0, 4, 77, 100 },
	};
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	assert_int_equal(k_open(c, entry.nodeid, O_RDWR, &open), 0);
	for (size_t i = 0; i < N(rows); i++) {
		struct fuse_lk_in in = { .fh = open.fh, .owner = 1, .lk = rows[i] };
		struct fuse_file_lock lock;

		assert_int_equal(k_lock(c, FUSE_SETLK, entry.nodeid, &in, NULL), -EINVAL);
		assert_int_equal(k_lock(c, FUSE_SETLKW, entry.nodeid, &in, NULL), -EINVAL);
		assert_int_equal(k_lock(c, FUSE_GETLK, entry.nodeid, &in, &lock), -EINVAL);
	}
	assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
	k_forget(c, entry.nodeid, 1);
	stop(k);
}

TEST_MAIN(NULL, NULL)
