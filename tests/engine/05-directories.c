// SPDX-License-Identifier: LGPL-2.1-or-later
/* Listings, plain and with entries, in buffers of all sizes, from any offset. */
#include "kernel.h"
#include "util/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define N_FILES 60

struct fixture {
	struct kernel *k;
	struct k_chan *c;
	uint64_t fh;
};

/* Makes and opens a root directory with files whose names have all lengths. */
static struct fixture start(void **state)
{
	struct fixture f = { 0 };
	struct fuse_open_out open;
	char name[NAME_MAX + 1];

	f.k = k_start(&(struct k_options){ .nodes = K_NODES(state), .ttl_ns = 1000000000 });
	f.c = &f.k->chans[0];
	for (int i = 0; i < N_FILES; i++) {
		snprintf(name, sizeof(name), "%0*d", 2 + i * 4, i);
		k_file_below(f.k, name, "");
	}
	assert_int_equal(mkdirat(f.k->lower, "dir", 0755), 0);
	assert_int_equal(symlinkat("dir", f.k->lower, "link"), 0);
	assert_int_equal(k_opendir(f.c, K_ROOT, &open), 0);
	assert_int_equal(open.open_flags & (FOPEN_CACHE_DIR | FOPEN_PASSTHROUGH), 0);
	f.fh = open.fh;
	return f;
}

static void stop(struct fixture *f)
{
	assert_int_equal(k_releasedir(f->c, K_ROOT, f->fh), 0);
	k_stop_empty(f->k);
}

/* The expected listing, from the lower directory: names, inode numbers, types and offsets. */
struct listing {
	unsigned int n;
	struct {
		char name[NAME_MAX + 1];
		uint64_t ino, off;
		uint32_t type;
	} items[N_FILES + 10];
};

static void list_below(struct kernel *k, struct listing *listing)
{
	DIR *dir = fdopendir(openat(k->lower, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *entry;

	assert_non_null(dir);
	listing->n = 0;
	while ((entry = readdir(dir))) {
		strcpy(listing->items[listing->n].name, entry->d_name);
		listing->items[listing->n].ino = entry->d_ino;
		listing->items[listing->n].off = (uint64_t)entry->d_off;
		listing->items[listing->n++].type = entry->d_type;
	}
	closedir(dir);
}

static void add(struct listing *listing, const struct fuse_dirent *dirent)
{
	unsigned int n = listing->n++;

	assert_true(n < N_FILES + 10);
	assert_true(dirent->namelen <= NAME_MAX);
	memcpy(listing->items[n].name, dirent->name, dirent->namelen);
	listing->items[n].name[dirent->namelen] = 0;
	listing->items[n].ino = dirent->ino;
	listing->items[n].off = dirent->off;
	listing->items[n].type = dirent->type;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Checks that an entry belongs to its name and file, and forgets it at once. */
static void check_plus(struct fixture *f, const struct fuse_direntplus *plus, const char *name)
{
	if (is_dots(name)) {
		assert_int_equal(plus->entry_out.nodeid, 0);
		return;
	}
	assert_int_not_equal(plus->entry_out.nodeid, 0);
	assert_int_equal(plus->entry_out.attr_valid, 1);
	assert_int_equal(plus->entry_out.entry_valid, 1);
	assert_int_equal(plus->entry_out.attr.ino, plus->dirent.ino);
	k_expect_same(f->k, &plus->entry_out.attr, name);
	k_forget(f->c, plus->entry_out.nodeid, 1);
}

/* Decodes one reply. Returns the offset at which to continue. */
static uint64_t take(struct fixture *f, const struct k_answer *answer, bool plus,
		     struct listing *listing)
{
	uint64_t off = 0;
	size_t at = 0;

	while (at < answer->len) {
		const struct fuse_direntplus *entry =
			(const struct fuse_direntplus *)(answer->data + at);
		const struct fuse_dirent *dirent = plus ? &entry->dirent :
							  (const struct fuse_dirent *)entry;

		add(listing, dirent);
		if (plus)
			check_plus(f, entry, listing->items[listing->n - 1].name);
		off = dirent->off;
		at += FUSE_REC_ALIGN((plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET) +
				     dirent->namelen);
	}
	assert_int_equal(at, answer->len);
	return off;
}

static int is_dir_below(struct kernel *k, const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(k->lower, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0;
}

static void list_view(struct fixture *f, uint64_t off, uint32_t size, bool plus,
		      struct listing *listing)
{
	static struct k_answer answer;

	listing->n = 0;
	for (;;) {
		assert_int_equal(k_readdir(f->c, K_ROOT, f->fh, off, size, plus, &answer), 0);
		if (!answer.len)
			return;
		off = take(f, &answer, plus, listing);
	}
}

static void expect_equal(const struct listing *have, const struct listing *want, unsigned int from)
{
	assert_int_equal(have->n, want->n - from);
	for (unsigned int i = 0; i < have->n; i++) {
		assert_string_equal(have->items[i].name, want->items[from + i].name);
		assert_int_equal(have->items[i].type, want->items[from + i].type);
		assert_int_equal(have->items[i].ino, want->items[from + i].ino);
		assert_int_equal(have->items[i].off, want->items[from + i].off);
	}
}

K_TEST(listing_is_whole_with_any_buffer, state)
{
	static const uint32_t sizes[] = { 420, 424, 500, 1000, 4096, 32768, 65536, 1 << 20 };
	struct fixture f = start(state);
	static struct listing below, view;

	list_below(f.k, &below);
	assert_int_equal(below.n, N_FILES + 4);
	for (size_t i = 0; i < N(sizes); i++) {
		for (int plus = 0; plus < 2; plus++) {
			list_view(&f, 0, sizes[i], plus, &view);
			expect_equal(&view, &below, 0);
		}
	}
	stop(&f);
}

/*
 * Plain requests and requests with entries alternate on one open directory, as when the kernel
 * adapts.
 */
K_TEST(plain_and_plus_requests_may_alternate, state)
{
	struct fixture f = start(state);
	static struct listing below, view;
	static struct k_answer answer;
	uint64_t off = 0;

	list_below(f.k, &below);
	view.n = 0;
	for (int turn = 0;; turn++) {
		assert_int_equal(k_readdir(f.c, K_ROOT, f.fh, off, 900, turn % 2, &answer), 0);
		if (!answer.len)
			break;
		off = take(&f, &answer, turn % 2, &view);
	}
	expect_equal(&view, &below, 0);
	stop(&f);
}

/* A buffer that is too small for one name gets no name, and later requests miss none. */
K_TEST(buffer_too_small_for_a_name_stays_empty, state)
{
	struct fixture f = start(state);
	static struct listing below, view;
	static struct k_answer answer;

	for (uint32_t size = 0; size < 32; size++) {
		assert_int_equal(k_readdir(f.c, K_ROOT, f.fh, 0, size, false, &answer), 0);
		assert_int_equal(answer.len, 0);
		assert_int_equal(k_readdir(f.c, K_ROOT, f.fh, 0, size, true, &answer), 0);
		assert_int_equal(answer.len, 0);
	}
	list_below(f.k, &below);
	list_view(&f, 0, 4096, false, &view);
	expect_equal(&view, &below, 0);
	stop(&f);
}

/* A name that is removed between two requests is not listed by the second one. */
K_TEST(name_removed_between_requests_is_not_listed, state)
{
	struct fixture f = start(state);
	static struct listing below, view;
	static struct k_answer answer;

	for (int plus = 0; plus < 2; plus++) {
		const char *name;
		uint64_t off;

		list_below(f.k, &below);
		name = below.items[below.n - 1].name;
		view.n = 0;
		assert_int_equal(k_readdir(f.c, K_ROOT, f.fh, 0, 900, plus, &answer), 0);
		off = take(&f, &answer, plus, &view);
		assert_true(view.n < below.n - 1);
		assert_int_equal(unlinkat(f.k->lower, name, is_dir_below(f.k, name)), 0);
		list_view(&f, off, 900, plus, &view);
		for (unsigned int i = 0; i < view.n; i++)
			assert_string_not_equal(view.items[i].name, name);
	}
	stop(&f);
}

/*
 * Reads the directory to its end. Returns true if the kernel may take its cached listing for
 * complete.
 */
static bool completes(struct fixture *f, uint64_t fh, uint64_t off)
{
	static struct listing view;
	static struct k_answer answer;

	do {
		assert_int_equal(k_readdir(f->c, K_ROOT, fh, off, 900, false, &answer), 0);
		view.n = 0;
		off = take(f, &answer, false, &view);
	} while (view.n);
	return !answer.uncached;
}

#define QUIET_US 150000

/*
 * A reader that began before a change, or soon after it, does not complete the cached listing that
 * later readers use.
 */
K_TEST(listing_changed_while_read_is_not_completed, state)
{
	struct fixture f = start(state);
	static struct k_answer answer;
	static struct listing view = { 0 };
	struct fuse_entry_out entry;
	uint32_t began_ms;
	uint64_t off;

	assert_true(completes(&f, f.fh, 0));
	/* Rounds that take more than 50 ms prove nothing, so the test repeats them. */
	do {
		began_ms = clock_ms();
		assert_int_equal(k_readdir(f.c, K_ROOT, f.fh, 0, 900, false, &answer), 0);
		off = take(&f, &answer, false, &view);
		assert_int_equal(k_mkdir(f.c, K_ROOT, "made", 0755, &entry), 0);
		k_forget(f.c, entry.nodeid, 1);
		if (!completes(&f, f.fh, off) && !completes(&f, f.fh, 0))
			break;
		assert_int_equal(k_rmdir(f.c, K_ROOT, "made"), 0);
		assert_true(clock_ms() - began_ms >= 50);
	} while (true);
	usleep(QUIET_US);
	assert_true(completes(&f, f.fh, 0));
	stop(&f);
}

/*
 * A reader begins after a change, while the listing of a reader that began before the change is not
 * at its end. The kernel may cache the older names under the newer version: the daemon completes no
 * listing until the version has changed again.
 */
K_TEST(listing_beside_an_older_one_is_not_completed, state)
{
	struct fixture f = start(state);
	static struct k_answer answer;
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	assert_int_equal(k_opendir(f.c, K_ROOT, &open), 0);
	assert_int_equal(k_readdir(f.c, K_ROOT, f.fh, 0, 900, false, &answer), 0);
	usleep(QUIET_US);
	assert_int_equal(k_mkdir(f.c, K_ROOT, "made", 0755, &entry), 0);
	k_forget(f.c, entry.nodeid, 1);
	completes(&f, open.fh, 0);
	usleep(QUIET_US);
	assert_false(completes(&f, open.fh, 0));
	assert_false(completes(&f, f.fh, 0));
	assert_int_equal(k_rmdir(f.c, K_ROOT, "made"), 0);
	usleep(QUIET_US);
	assert_true(completes(&f, open.fh, 0));
	assert_int_equal(k_releasedir(f.c, K_ROOT, open.fh), 0);
	stop(&f);
}

K_TEST(bad_offsets_list_nothing, state)
{
	static const uint64_t offsets[] = { UINT64_MAX, 1ULL << 63, (1ULL << 63) + 1 };
	struct fixture f = start(state);
	static struct listing below, view;
	static struct k_answer answer;

	for (size_t i = 0; i < N(offsets); i++) {
		for (int plus = 0; plus < 2; plus++) {
			int r = k_readdir(f.c, K_ROOT, f.fh, offsets[i], 4096, plus, &answer);

			assert_true(r < 0 || answer.len == 0);
		}
	}
	list_below(f.k, &below);
	list_view(&f, 0, 4096, false, &view);
	expect_equal(&view, &below, 0);
	stop(&f);
}

/* With cache=exclusive no other program changes the tree, so the kernel may cache listings. */
K_TEST(exclusive_listings_are_cached, state)
{
	struct kernel *k = k_start(
		&(struct k_options){ .nodes = K_NODES(state), .cache = PST_CACHE_EXCLUSIVE });
	struct fuse_open_out open;

	assert_int_equal(k_opendir(&k->chans[0], K_ROOT, &open), 0);
	assert_int_equal(open.open_flags & (FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE),
			 FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE);
	/* The directory stays open; the end of the view closes it. */
	k_stop(k);
}

/* Opens the root. Returns true if the kernel may use and fill its cached listing. */
static bool opens_cached(struct k_chan *c, struct fuse_open_out *ret_open)
{
	const uint32_t flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;

	assert_int_equal(k_opendir(c, K_ROOT, ret_open), 0);
	assert_true((ret_open->open_flags & flags) == flags || !(ret_open->open_flags & flags));
	return ret_open->open_flags & flags;
}

/* Waits until the kernel has been told n times to drop what it has cached of a file. */
static bool drops(struct k_chan *c, unsigned int n)
{
	for (int i = 0; c->n_notified_as[FUSE_NOTIFY_INVAL_INODE] < n && i < 2000; i++) {
		k_sync(c);
		usleep(1000);
	}
	return c->n_notified_as[FUSE_NOTIFY_INVAL_INODE] == n;
}

/*
 * A reader may get the end of its listing when others have filled the cached listing again, after a
 * change: the kernel would take that for complete. Until the reader asks again or closes the
 * directory, nobody uses the cached listing; then the kernel drops it.
 */
K_TEST(late_end_completes_no_newer_listing, state)
{
	struct kernel *k = k_start(
		&(struct k_options){ .nodes = K_NODES(state), .cache = PST_CACHE_EXCLUSIVE });
	struct k_chan *c = &k->chans[0];
	struct fuse_open_out late, early, open;
	struct fixture f = { .k = k, .c = c };
	struct fuse_entry_out entry;
	unsigned int n;

	for (int closes = 0; closes < 2; closes++) {
		assert_true(opens_cached(c, &early));
		assert_true(opens_cached(c, &late));
		completes(&f, late.fh, 0);
		/* A reader who has gone on after the end is not late. */
		completes(&f, early.fh, 0);
		assert_int_equal(k_releasedir(c, K_ROOT, early.fh), 0);
		assert_true(opens_cached(c, &early));
		n = c->n_notified_as[FUSE_NOTIFY_INVAL_INODE];
		assert_int_equal(k_mkdir(c, K_ROOT, "made", 0755, &entry), 0);
		k_forget(c, entry.nodeid, 1);
		assert_false(opens_cached(c, &open));
		assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
		/* One that was open already fills the cached listing: the kernel drops that. */
		completes(&f, early.fh, 0);
		assert_true(drops(c, n + 1));
		assert_int_equal(k_releasedir(c, K_ROOT, early.fh), 0);
		assert_false(opens_cached(c, &open));
		assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
		if (closes)
			assert_int_equal(k_releasedir(c, K_ROOT, late.fh), 0);
		else
			completes(&f, late.fh, 0);
		assert_true(drops(c, n + 2));
		if (!closes)
			assert_int_equal(k_releasedir(c, K_ROOT, late.fh), 0);
		assert_true(drops(c, n + 2));
		assert_true(opens_cached(c, &open));
		assert_int_equal(k_releasedir(c, K_ROOT, open.fh), 0);
		assert_int_equal(k_rmdir(c, K_ROOT, "made"), 0);
	}
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
