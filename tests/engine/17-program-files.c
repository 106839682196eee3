// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The files of a program (struct pst_node_ops): their keys and file handles, answers that no file
 * can have, and listings.
 */
#include "scripted-program.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define SECOND 1000000000

/* -- nodes with a key -------------------------------------------------------------------------- */

/* open_by_handle_at(2) of a file that the kernel has forgotten is a LOOKUP of ".". */
K_TEST(file_handle_of_a_short_key_stays_valid, state)
{
	static const struct {
		const char *key;
		size_t len;
		bool fits;
	} rows[] = {
		{ "1", 1, true },
		{ "1234567", 7, true },
		{ "12345678", 8, false },
		{ "\x01\0\0\0\0\0\0\x07", 8, true },
		{ "\x01\0\0\0\0\0\0\x08", 8, false },
		{ "\0\0\0", 3, true },
		{ "123456789", 9, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
		struct k_chan *c = &k->chans[0];
		struct fuse_entry_out entry, again;

		program.key = rows[i].key;
		program.key_len = rows[i].len;
		program.stx.stx_ino = 33;
		assert_int_equal(k_lookup(c, K_ROOT, "keyed", &entry), 0);
		k_forget(c, entry.nodeid, 1);
		k_sync(c);
		assert_int_equal(program.n_forgotten, 1);
		assert_int_equal(k_lookup(c, entry.nodeid, ".", &again),
				 rows[i].fits ? 0 : -ESTALE);
		if (rows[i].fits) {
			assert_int_equal(again.nodeid, entry.nodeid);
			assert_int_equal(again.generation, entry.generation);
			assert_int_equal(again.attr.ino, 33);
			k_forget(c, again.nodeid, 1);
		}
		/* The program does not have the file any more. */
		program.stx.stx_mode = 0;
		assert_int_equal(k_lookup(c, entry.nodeid, ".", &again), -ESTALE);
		k_stop_empty(k);
	}
}

/* The program has the file from find() to forget(). */
static _Atomic bool is_found, is_forgetting;

static int look_up_found(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	pst_entry_key(entry, "key", 3);
	entry->stx = program.stx;
	return 0;
}

static void forget_found(void *aux, const struct pst_file *file)
{
	is_forgetting = true;
	usleep(50000);
	is_found = false;
}

static uint32_t find_found(void *aux, const struct pst_file *file, uint64_t *ret_ino)
{
	is_found = true;
	return S_IFREG;
}

static int get_found(struct pst_request *req, struct statx *stx)
{
	*stx = program.stx;
	return is_found ? 0 : -EUCLEAN;
}

K_TEST(file_is_found_after_it_was_forgotten, state)
{
	struct pst_node_ops ops = { .size = sizeof(ops),
				    .quick = PST_ANSWERS_ALL,
				    .ops = program_answers,
				    .forget = forget_found,
				    .find = find_found,
				    .lookup = look_up_found,
				    .getattr = get_found };
	struct fuse_entry_out entry;
	struct kernel *k;

	program.answers = PST_ANSWERS_LOOKUP;
	program.stx = (struct statx){ .stx_mode = S_IFREG | 0640, .stx_nlink = 1 };
	is_forgetting = false;
	k = k_start(&(struct k_options){ .nodes = K_NODES(state), .node_ops = &ops, .n_chans = 2 });
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	k_forget(&k->chans[1], entry.nodeid, 1);
	while (!is_forgetting)
		usleep(100);
	assert_int_equal(k_lookup(&k->chans[0], entry.nodeid, ".", &entry), 0);
	k_stop(k);
}

K_TEST(file_with_a_key_gets_a_lower_file, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct k_chan *c = &k->chans[0];
	struct fs *fs = server_fs(k->server);
	struct fuse_open_out open, later;
	struct fuse_entry_out entry = open_keyed(k, &open);
	struct node *node = fs_keyed_node(fs, "key", 3);
	struct fuse_attr_out attr;
	char buf[20];
	int fd;

	assert_non_null(node);
	fd = openat(k->lower, ".", O_RDONLY | O_DIRECTORY);
	assert_int_equal(fs_keyed_back(fs, node, fd), -EINVAL);
	close(fd);
	fd = openat(k->lower, "file", O_RDONLY);
	assert_int_equal(fs_keyed_back(fs, node, fd), 0);
	assert_int_equal(fs_keyed_back(fs, node, fd), -EBUSY);
	close(fd);
	fs_node_put(fs, node);
	/* An open file stays with the program; later opens have the lower file. */
	program.result = 10;
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 20, 0, O_RDWR), 10);
	assert_int_equal(k_open(c, entry.nodeid, O_RDONLY, &later), 0);
	assert_int_equal(k_read(c, entry.nodeid, later.fh, buf, 20, 0, O_RDONLY), 5);
	assert_memory_equal(buf, "below", 5);
	assert_int_equal(k_getattr(c, entry.nodeid, &attr), 0);
	assert_int_equal(attr.attr.size, 5);
	assert_int_equal(attr.attr.ino, entry.attr.ino);
	program.result = 0;
	assert_int_equal(k_lookup(c, K_ROOT, "keyed", &entry), 0);
	assert_int_equal(entry.attr.size, 5);
	assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
	assert_int_equal(k_release(c, entry.nodeid, later.fh), 0);
	k_forget(c, entry.nodeid, 2);
	k_stop_empty(k);
	assert_int_equal(program.n_forgotten, 1);
}

static unsigned int n_notified(struct kernel *k, int as)
{
	k_sync(&k->chans[0]);
	return k->chans[0].n_notified_as[as];
}

K_TEST(kernel_drops_what_the_program_has_changed, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct fs *fs = server_fs(k->server);
	struct node *root = fs_node(fs, K_ROOT), *node;
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	server_data_changed(k->server, entry.nodeid, 4096, 4096);
	while (n_notified(k, FUSE_NOTIFY_INVAL_INODE) < 1)
		usleep(1000);
	fs_name_changed(fs, root, "keyed", NULL);
	while (n_notified(k, FUSE_NOTIFY_INVAL_ENTRY) < 1)
		usleep(1000);
	assert_int_equal(k->chans[0].n_unhashed, 0);
	node = fs_keyed_node(fs, "key", 3);
	assert_int_equal(node->id, entry.nodeid);
	fs_name_changed(fs, root, "keyed", node);
	while (n_notified(k, FUSE_NOTIFY_DELETE) < 1)
		usleep(1000);
	assert_null(fs_keyed_node(fs, "other", 5));
	fs_node_put(fs, node);
	fs_node_put(fs, root);
	k_stop(k);
}

/* -- answers that no file can have ------------------------------------------------------------- */

static int ask_entry(struct kernel *k)
{
	struct fuse_entry_out entry;

	return k_lookup(&k->chans[0], K_ROOT, "keyed", &entry);
}

static void expect_wrong(struct kernel *k)
{
	assert_int_equal(ask_entry(k), -EIO);
}

K_TEST(wrong_entries_are_refused, state)
{
	static const size_t lengths[] = { 65, 1 << 20 };
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, true);
	struct statx right = program.stx;

	for (int i = 0; i < 2; i++) {
		program.key_len = lengths[i];
		expect_wrong(k);
	}
	program.key_len = 3;
	program.stx.stx_mode = 0644;
	expect_wrong(k);
	program.stx = right;
	program.stx.stx_uid = (uint32_t)-1;
	expect_wrong(k);
	program.stx = right;
	program.stx.stx_size = 1ULL << 63;
	expect_wrong(k);
	program.stx = right;
	program.stx.stx_mtime.tv_nsec = SECOND;
	expect_wrong(k);
	program.stx = right;
	program.result = 1;
	expect_wrong(k);
	program.result = -5000;
	expect_wrong(k);
	program.result = -512; /* ERESTARTSYS, which is the kernel's only */
	expect_wrong(k);
	/* The kernel would never send the operation again. */
	program.result = -ENOSYS;
	assert_int_equal(ask_entry(k), -EOPNOTSUPP);
	program.result = 0;
	assert_int_equal(ask_entry(k), 0);
	/* A file stays of one type. */
	program.stx.stx_mode = S_IFDIR | 0755;
	expect_wrong(k);
	k_stop(k);
}

/* The program has opened the file, so it learns that the open has failed. */
K_TEST(open_with_a_wrong_answer_is_released, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, true);
	struct fuse_open_out open;
	struct fuse_entry_out entry;

	program.data = 77;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	assert_int_equal(k_open(&k->chans[0], entry.nodeid, O_RDONLY, &open), -EIO);
	assert_int_equal(program.n_released, 1);
	k_stop(k);
}

/* Keys of all lengths are different files, even if one begins with another. */
K_TEST(keys_of_all_lengths_are_different_files, state)
{
	static const char bytes[65] = { 0 };
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct fuse_entry_out entry;
	uint64_t ids[65];

	program.key = bytes;
	for (size_t len = 1; len <= 64; len++) {
		program.key_len = len;
		assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
		ids[len] = entry.nodeid;
		for (size_t before = 1; before < len; before++)
			assert_int_not_equal(ids[before], ids[len]);
	}
	for (size_t len = 1; len <= 64; len++) {
		program.key_len = len;
		assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
		assert_int_equal(ids[len], entry.nodeid);
	}
	k_stop(k);
}

K_TEST(wrong_numbers_of_bytes_are_refused, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, true);
	struct k_chan *c = &k->chans[0];
	struct fuse_getxattr_in value = { .size = 10 };
	static struct k_answer answer;
	struct fuse_open_out open;
	struct fuse_entry_out entry;
	struct fuse_write_in in;
	char buf[100];

	entry = open_keyed(k, &open);
	in = (struct fuse_write_in){ .fh = open.fh, .size = 10 };
	program.result = 101;
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 100, 0, O_RDWR), -EIO);
	program.result = INT64_MAX;
	assert_int_equal(k_read(c, entry.nodeid, open.fh, buf, 100, 0, O_RDWR), -EIO);
	program.result = 11;
	assert_int_equal(k_write(c, entry.nodeid, &in, "0123456789"), -EIO);
	program.result = 10;
	assert_int_equal(k_write(c, entry.nodeid, &in, "0123456789"), 10);
	/* A value that has grown meanwhile. */
	program.result = 11;
	assert_int_equal(
		k_call(c, K_REQUEST(FUSE_GETXATTR, entry.nodeid, &value, .names = { "user.a" }),
		       &answer),
		-ERANGE);
	program.result = 1 << 20;
	assert_int_equal(
		k_call(c, K_REQUEST(FUSE_GETXATTR, entry.nodeid, &value, .names = { "user.a" }),
		       &answer),
		-EIO);
	k_stop(k);
}

/* An operation without a callback fails as in a file system that lacks it. */
K_TEST(missing_callbacks_have_usual_errors, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out dir, entry;
	struct fuse_open_out open;
	struct fuse_statfs_out st;

	program.stx.stx_mode = S_IFDIR | 0755;
	assert_int_equal(k_lookup(c, K_ROOT, "keyed", &dir), 0);
	assert_int_equal(k_rename(c, dir.nodeid, "f", dir.nodeid, "g", 0), -EPERM);
	assert_int_equal(k_mkdir(c, dir.nodeid, "d", 0755, &entry), -EPERM);
	assert_int_equal(k_create(c, dir.nodeid, "f", O_RDWR, 0644, &entry, &open), -EPERM);
	assert_int_equal(k_symlink(c, dir.nodeid, "s", "t", &entry), -EPERM);
	assert_int_equal(k_unlink(c, dir.nodeid, "f"), -EPERM);
	assert_int_equal(k_rename(c, K_ROOT, "file", dir.nodeid, "f", 0), -EXDEV);
	assert_int_equal(k_rename(c, dir.nodeid, "f", K_ROOT, "file", 0), -EXDEV);
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	assert_int_equal(k_link(c, entry.nodeid, dir.nodeid, "f", &entry), -EXDEV);
	assert_int_equal(k_ask(c, K_PLAIN(FUSE_STATFS, dir.nodeid), &st, sizeof(st)), 0);
	assert_int_not_equal(st.st.bsize, 0);
	k_expect_below(k, "file", "below");
	k_stop(k);
}

/* -- listings ---------------------------------------------------------------------------------- */

/* Lists a directory in replies of size bytes, and counts names that begin with a text. */
static unsigned int count_names(struct k_chan *c, uint64_t nodeid, uint32_t size, bool plus,
				const char *begin)
{
	struct fuse_open_out open;
	static struct k_answer answer;
	unsigned int n = 0;
	uint64_t off = 0;

	assert_int_equal(k_opendir(c, nodeid, &open), 0);
	assert_int_equal(open.open_flags & FOPEN_CACHE_DIR, 0);
	for (;;) {
		size_t head = plus ? sizeof(struct fuse_entry_out) : 0;

		assert_int_equal(k_readdir(c, nodeid, open.fh, off, size, plus, &answer), 0);
		if (answer.len == 0 || answer.uncached)
			break;
		for (size_t at = 0; at < answer.len;) {
			struct fuse_dirent *d = (struct fuse_dirent *)(answer.data + at + head);

			n += d->namelen >= strlen(begin) &&
			     memcmp(d->name, begin, strlen(begin)) == 0;
			assert_true(d->off != off);
			off = d->off;
			at += FUSE_REC_ALIGN(head + FUSE_NAME_OFFSET + d->namelen);
		}
	}
	assert_int_equal(k_releasedir(c, nodeid, open.fh), 0);
	return n;
}

static void expect_all_names(struct kernel *k, uint64_t dir, unsigned int n_dots)
{
	static const uint32_t sizes[] = { 512, 4096, 65536 };

	for (int i = 0; i < 6; i++) {
		struct k_chan *c = &k->chans[0];
		uint32_t size = sizes[i / 2];

		assert_int_equal(count_names(c, dir, size, i & 1, "name-"), program.n_names);
		assert_int_equal(count_names(c, dir, size, i & 1, "name-0"), program.n_names > 0);
		assert_int_equal(count_names(c, dir, size, i & 1, "."), n_dots);
	}
}

K_TEST(listing_has_all_names_in_replies_of_all_sizes, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, false);
	struct fuse_entry_out dir;

	program.stx.stx_mode = S_IFDIR | 0755;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &dir), 0);
	for (unsigned int n = 0; n < 500; n = n * 3 + 1) {
		program.n_names = n;
		expect_all_names(k, dir.nodeid, 2);
	}
	/* Instead of the names of a lower directory, and after them. */
	expect_all_names(k, K_ROOT, 2);
	assert_int_equal(count_names(&k->chans[0], K_ROOT, 512, false, "file"), 0);
	program.result = PST_BACKING;
	expect_all_names(k, K_ROOT, 2);
	assert_int_equal(count_names(&k->chans[0], K_ROOT, 512, false, "file"), 1);
	k_stop(k);
}

/* Expects name-0 to name-2 in a READDIRPLUS of the root, all with an entry or all without. */
static void expect_entries(struct kernel *k, bool with)
{
	static struct k_answer answer;
	struct k_chan *c = &k->chans[0];
	struct fuse_open_out open;
	char name[32];
	int n = 0;

	assert_int_equal(k_opendir(c, K_ROOT, &open), 0);
	assert_int_equal(k_readdir(c, K_ROOT, open.fh, 0, 4096, true, &answer), 0);
	for (size_t at = 0; at < answer.len; n++) {
		const struct fuse_direntplus *plus = (const void *)(answer.data + at);
		const struct fuse_entry_out *entry = &plus->entry_out;

		if (n >= 2) {
			snprintf(name, sizeof(name), "name-%d", n - 2);
			assert_int_equal(plus->dirent.namelen, strlen(name));
			assert_memory_equal(plus->dirent.name, name, strlen(name));
		}
		assert_int_equal(entry->nodeid != 0, n >= 2 && with);
		assert_int_equal(entry->attr.mode, entry->nodeid ? S_IFREG | 0600 : 0);
		assert_int_equal(entry->attr.ino, plus->dirent.ino);
		at += FUSE_REC_ALIGN(sizeof(*entry) + FUSE_NAME_OFFSET + plus->dirent.namelen);
	}
	assert_int_equal(n, 5);
	assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
}

K_TEST(listed_names_have_entries_if_their_keys_can_be_keys, state)
{
	static const uint32_t lengths[] = { 0, 1, 7, 8, 9, 15, 64, 65, 1 << 20 };
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, true);

	program.n_names = 3;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		program.listed_key_len = lengths[i];
		for (int again = 0; again < 2; again++)
			expect_entries(k, lengths[i] >= 1 && lengths[i] <= 64);
	}
	k_stop(k);
}

K_TEST(listing_that_repeats_its_names_ends, state)
{
	struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, true);
	struct k_chan *c = &k->chans[0];
	static struct k_answer answer;
	struct fuse_open_out open;
	uint64_t off = 0;
	int r = 0;

	program.n_names = 3;
	program.repeats = true;
	assert_int_equal(k_opendir(c, K_ROOT, &open), 0);
	for (int i = 0; i < 3 && r == 0; i++) {
		r = k_readdir(c, K_ROOT, open.fh, off, 4096, false, &answer);
		for (size_t at = 0; r == 0 && at < answer.len;) {
			struct fuse_dirent *d = (struct fuse_dirent *)(answer.data + at);

			off = d->off;
			at += FUSE_REC_ALIGN(FUSE_NAME_OFFSET + d->namelen);
		}
	}
	assert_int_equal(r, -EIO);
	assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
	k_stop(k);
}

K_TEST(names_that_no_file_can_have_are_not_listed, state)
{
	char name[300] = { 0 };
	const char *const names[] = { "", ".", "..", "/", "a/b", "../../etc", name };

	memset(name, 'x', 256);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct kernel *k = program_start(state, PST_ANSWERS_ALL, 0, true);

		program.n_names = 3;
		program.bad_name = names[i];
		assert_int_equal(count_names(&k->chans[0], K_ROOT, 4096, false, ""), 5);
		k_stop(k);
	}
}

TEST_MAIN(NULL, NULL)
