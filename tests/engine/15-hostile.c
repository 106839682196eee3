// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A lower tree that changes during every look, as fast as a thread of this process can change it.
 * The node and the attributes of a reply always belong to one inode, the server follows no symbolic
 * link, and no request leaves the tree.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define N_LOOKS 4000

/*
 * Returns true for a number of looks, and longer until the change was seen once, because both
 * threads may run in step. Then pauses between looks, to break the step.
 */
static bool goes_on(int look, unsigned int n_seen)
{
	if (look < N_LOOKS)
		return true;
	usleep(100);
	return !n_seen && look < 10 * N_LOOKS;
}

struct hostile {
	struct kernel *k;
	void (*step)(struct hostile *h, unsigned int n);
	pthread_t thread;
	_Atomic bool stop;
};

static void *hostile_main(void *arg)
{
	struct hostile *h = arg;

	for (unsigned int n = 1; !h->stop; n++)
		h->step(h, n);
	return NULL;
}

static void hostile_start(struct hostile *h, struct kernel *k,
			  void (*step)(struct hostile *h, unsigned int n))
{
	h->k = k;
	h->step = step;
	h->stop = false;
	assert_int_equal(pthread_create(&h->thread, NULL, hostile_main, h), 0);
}

static void hostile_stop(struct hostile *h)
{
	h->stop = true;
	pthread_join(h->thread, NULL);
}

static struct kernel *start(void **state)
{
	return k_start(&(struct k_options){ .nodes = K_NODES(state), .ttl_ns = 1000000000 });
}

/* -- files that change places ---------------------------------------------------------------- */

/* The expected text of each file, by inode; each file has a mode and a size of its own. */
static const char *const texts[] = { "a", "bb", "ccc" };
#define N_TEXTS 3
static uint64_t inos[N_TEXTS];

static void make_files(struct kernel *k)
{
	for (int i = 0; i < N_TEXTS; i++) {
		char name[2] = { (char)('a' + i) };
		struct stat st;

		k_file_below(k, name, texts[i]);
		assert_int_equal(fchmodat(k->lower, name, 0600u + (unsigned int)i, 0), 0);
		assert_int_equal(fstatat(k->lower, name, &st, 0), 0);
		inos[i] = st.st_ino;
	}
}

static void exchange_step(struct hostile *h, unsigned int n)
{
	int lower = h->k->lower;

	renameat2(lower, n & 1 ? "a" : "b", lower, n & 2 ? "b" : "c", RENAME_EXCHANGE);
}

static int which(uint64_t ino)
{
	for (int i = 0; i < N_TEXTS; i++)
		if (inos[i] == ino)
			return i;
	k_fail(__FILE__, __LINE__, "a file that nobody made");
	return -1;
}

/* Checks that attributes, node and content belong to the same file. */
static void check_one(struct k_chan *c, const struct fuse_entry_out *entry, bool read)
{
	int i = which(entry->attr.ino);
	struct fuse_open_out open;
	struct fuse_attr_out attr;
	char buf[8];

	assert_int_equal(entry->attr.mode, S_IFREG | (0600u + (unsigned int)i));
	assert_int_equal(entry->attr.size, strlen(texts[i]));
	assert_int_equal(k_getattr(c, entry->nodeid, &attr), 0);
	assert_int_equal(attr.attr.ino, inos[i]);
	assert_int_equal(attr.attr.mode, entry->attr.mode);
	if (!read)
		return;
	assert_int_equal(k_open(c, entry->nodeid, O_RDONLY, &open), 0);
	assert_int_equal(k_read(c, entry->nodeid, open.fh, buf, 8, 0, O_RDONLY), strlen(texts[i]));
	assert_memory_equal(buf, texts[i], strlen(texts[i]));
	assert_int_equal(k_release(c, entry->nodeid, open.fh), 0);
}

K_TEST(exchanged_files_keep_their_attributes, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct hostile h;
	unsigned int n_moved = 0;

	make_files(k);
	hostile_start(&h, k, exchange_step);
	for (int look = 0; goes_on(look, n_moved); look++) {
		char name[2] = { (char)('a' + look % 3) };
		struct fuse_entry_out entry;

		assert_int_equal(k_lookup(c, K_ROOT, name, &entry), 0);
		check_one(c, &entry, look % 8 == 0);
		n_moved += entry.attr.ino != inos[look % 3];
		k_forget(c, entry.nodeid, 1);
	}
	hostile_stop(&h);
	assert_true(n_moved > 0);
	k_stop_empty(k);
}

/* The same through listings with entries. */
K_TEST(listed_files_keep_their_attributes, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	static struct k_answer answer;
	struct fuse_open_out open;
	struct hostile h;

	make_files(k);
	assert_int_equal(k_opendir(c, K_ROOT, &open), 0);
	hostile_start(&h, k, exchange_step);
	for (int look = 0; look < N_LOOKS / 4; look++) {
		assert_int_equal(k_readdir(c, K_ROOT, open.fh, 0, 4096, true, &answer), 0);
		for (size_t at = 0; at < answer.len;) {
			const struct fuse_direntplus *plus =
				(const struct fuse_direntplus *)(answer.data + at);

			if (plus->entry_out.nodeid) {
				check_one(c, &plus->entry_out, false);
				k_forget(c, plus->entry_out.nodeid, 1);
			}
			at += FUSE_REC_ALIGN(FUSE_NAME_OFFSET_DIRENTPLUS + plus->dirent.namelen);
		}
	}
	hostile_stop(&h);
	assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
	k_stop_empty(k);
}

/* -- files that are replaced ----------------------------------------------------------------- */

/* Each file has a size of its own. The inode numbers of removed files are soon used again. */
static void replace_step(struct hostile *h, unsigned int n)
{
	int fd = openat(h->k->lower, "new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	k_require(fd >= 0);
	k_require(ftruncate(fd, n) == 0);
	close(fd);
	k_require(renameat(h->k->lower, "new", h->k->lower, "file") == 0);
}

K_TEST(replaced_file_keeps_its_node, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct hostile h;
	unsigned int n_same = 0;

	k_file_below(k, "file", "x");
	hostile_start(&h, k, replace_step);
	for (int look = 0; goes_on(look, n_same); look++) {
		struct fuse_entry_out entry;
		struct fuse_attr_out attr;
		int r;

		assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
		/*
		 * The node belongs to one file forever: a second look returns that file, or that it
		 * has gone.
		 */
		r = k_getattr(c, entry.nodeid, &attr);
		if (r != 0)
			assert_int_equal(r, -ESTALE);
		if (r == 0) {
			assert_int_equal(attr.attr.ino, entry.attr.ino);
			assert_int_equal(attr.attr.size, entry.attr.size);
			n_same++;
		}
		k_forget(c, entry.nodeid, 1);
	}
	hostile_stop(&h);
	assert_true(n_same > 0);
	k_stop_empty(k);
}

/*
 * Names that appear and vanish within a lookup: it succeeds or fails with ENOENT, and with no other
 * error.
 */
static void blink_step(struct hostile *h, unsigned int n)
{
	if (n & 1)
		mknodat(h->k->lower, "file", S_IFREG | 0600, 0);
	else
		unlinkat(h->k->lower, "file", 0);
}

K_TEST(blinking_name_is_there_or_absent, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct hostile h;
	unsigned int n_there = 0;

	hostile_start(&h, k, blink_step);
	for (int look = 0; goes_on(look, n_there); look++) {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
		int r;

		assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
		if (entry.nodeid) {
			n_there++;
			k_forget(c, entry.nodeid, 1);
		}
		r = k_create(c, K_ROOT, "file", O_RDWR, 0600, &entry, &open);
		assert_true(r == 0 || r == -ESTALE);
		if (r == 0) {
			assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
			k_forget(c, entry.nodeid, 1);
		}
	}
	hostile_stop(&h);
	assert_true(n_there > 0);
	k_stop_empty(k);
}

/* -- other kinds of files -------------------------------------------------------------------- */

/* A directory changes places with a symbolic link to /, and with a file. */
static void disguise_step(struct hostile *h, unsigned int n)
{
	renameat2(h->k->lower, n & 1 ? "link" : "file", h->k->lower, "dir", RENAME_EXCHANGE);
}

K_TEST(directory_exchanged_with_link_leads_nowhere_else, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct stat dir, link, file;
	struct hostile h;

	k_file_below(k, "file", "text");
	assert_int_equal(mkdirat(k->lower, "dir", 0755), 0);
	assert_int_equal(mkdirat(k->lower, "dir/tmp", 0700), 0);
	assert_int_equal(symlinkat("/", k->lower, "link"), 0);
	assert_int_equal(fstatat(k->lower, "dir", &dir, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(k->lower, "link", &link, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(k->lower, "file", &file, AT_SYMLINK_NOFOLLOW), 0);
	hostile_start(&h, k, disguise_step);
	for (int look = 0; look < N_LOOKS; look++) {
		struct fuse_entry_out entry, below;
		struct fuse_open_out open;
		const struct stat *st;
		int r;

		assert_int_equal(k_lookup(c, K_ROOT, "dir", &entry), 0);
		st = entry.attr.ino == dir.st_ino  ? &dir :
		     entry.attr.ino == link.st_ino ? &link :
						     &file;
		assert_int_equal(entry.attr.ino, st->st_ino);
		assert_int_equal(entry.attr.mode, st->st_mode);
		/*
		 * The lower directory has "tmp". Through the link the lookup would find the
		 * machine's /tmp, and /etc.
		 */
		r = k_lookup(c, entry.nodeid, "etc", &below);
		assert_true(st == &dir ? r == 0 && below.nodeid == 0 : r == -ENOTDIR);
		r = k_lookup(c, entry.nodeid, "tmp", &below);
		assert_int_equal(r, st == &dir ? 0 : -ENOTDIR);
		if (r == 0) {
			assert_int_equal(below.attr.mode, S_IFDIR | 0700);
			k_forget(c, below.nodeid, 1);
		}
		r = k_opendir(c, entry.nodeid, &open);
		assert_int_equal(r, st == &dir ? 0 : -ENOTDIR);
		if (r == 0)
			assert_int_equal(k_releasedir(c, entry.nodeid, open.fh), 0);
		r = k_open(c, entry.nodeid, O_RDONLY, &open);
		assert_true(st == &file ? r == 0 : r < 0);
		if (r == 0)
			assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
		k_forget(c, entry.nodeid, 1);
	}
	hostile_stop(&h);
	k_stop_empty(k);
}

/* A directory is moved while files are created in it: they appear in it, wherever it is. */
static void move_step(struct hostile *h, unsigned int n)
{
	renameat(h->k->lower, n & 1 ? "dir" : "other/dir", h->k->lower,
		 n & 1 ? "other/dir" : "dir");
}

K_TEST(moved_directory_takes_its_files_along, state)
{
	struct kernel *k = start(state);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out dir, entry;
	struct fuse_open_out open;
	struct hostile h;

	assert_int_equal(mkdirat(k->lower, "dir", 0755), 0);
	assert_int_equal(mkdirat(k->lower, "other", 0755), 0);
	assert_int_equal(k_lookup(c, K_ROOT, "dir", &dir), 0);
	hostile_start(&h, k, move_step);
	for (int look = 0; look < N_LOOKS / 2; look++) {
		int r;

		assert_int_equal(k_create(c, dir.nodeid, "f", O_RDWR, 0600, &entry, &open), 0);
		assert_int_equal(k_release(c, entry.nodeid, open.fh), 0);
		assert_int_equal(k_rename(c, dir.nodeid, "f", dir.nodeid, "g", 0), 0);
		assert_int_equal(k_unlink(c, dir.nodeid, "g"), 0);
		k_forget(c, entry.nodeid, 1);
		r = k_lookup(c, dir.nodeid, "..", &entry);
		assert_int_equal(r, 0);
		k_forget(c, entry.nodeid, 1);
	}
	hostile_stop(&h);
	k_forget(c, dir.nodeid, 1);
	k_stop_empty(k);
}

TEST_MAIN(NULL, NULL)
