// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Filters are added, replaced and removed while the view is in use. Each change applies to all
 * files from the moment it returns, and no request under way is lost.
 */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>
#include <unistd.h>

#include "api/view.h"
#include "server/chain-update.h"

/* "no" refuses GETATTR; "hide" hides "file" and "a"; "depth" counts in cells. */
static int refuse(struct pst_call *call)
{
	return -EACCES;
}

static int hide_name(struct pst_call *call)
{
	const char *name = call->name[0].text;

	return strcmp(name, "file") == 0 || strcmp(name, "a") == 0 ? -ENOENT : PST_PASS;
}

static int depth_name(struct pst_call *call)
{
	call->child.cell = call->cell + 1;
	return PST_PASS;
}

static int depth_statfs(struct pst_call *call)
{
	call->out.statfs.st.blocks = call->cell;
	return PST_PASS;
}

static int pass(struct pst_call *call)
{
	return PST_PASS;
}

/* "gate" makes GETATTR wait in the pool until the test opens it. */
static sem_t entered, gate;

static int wait_at_gate(struct pst_call *call)
{
	sem_post(&entered);
	while (sem_wait(&gate) < 0)
		;
	return PST_PASS;
}

#define PROGRAMS(NAME, ...)                                                                        \
	static const struct fake_program NAME##_programs[] = { __VA_ARGS__, { 0 } }
PROGRAMS(no, { FILTER_PRE, FUSE_GETATTR, refuse });
PROGRAMS(hide, { FILTER_NAME, 0, hide_name });
PROGRAMS(depth, { FILTER_NAME, 0, depth_name }, { FILTER_POST, FUSE_STATFS, depth_statfs });
PROGRAMS(pass, { FILTER_PRE, FUSE_LOOKUP, pass }, { FILTER_POST, FUSE_LOOKUP, pass },
	 { FILTER_NAME, 0, pass });
PROGRAMS(gate, { FILTER_PRE, FUSE_GETATTR, wait_at_gate });

static const struct fake fakes[] = {
	{ .name = "no", .programs = no_programs },
	{ .name = "hide", .programs = hide_programs },
	{ .name = "depth", .flags = PST_CELLS, .cell = 100, .programs = depth_programs },
	{ .name = "pass", .flags = PST_CELLS, .programs = pass_programs },
	{ .name = "gate", .flags = PST_DELAYS, .programs = gate_programs },
};

static struct filter_view start(void **state, const struct k_options *options,
				const char *const *specs)
{
	for (size_t i = 0; i < N(fakes); i++)
		fake_register(&fakes[i]);
	return filter_view_start(state, options, specs);
}

static int add(struct filter_view *view, const char *spec)
{
	struct pst_error error;
	int r = pst_view_filter_add(&(struct pst_view){ .server = view->k->server }, spec, &error);

	assert_true(r == 0 || error.text[0]);
	return r;
}

static int drop(struct filter_view *view, const char *name)
{
	struct pst_view api = { .server = view->k->server };
	struct pst_error error;
	int r = pst_view_filter_remove(&api, name, &error);

	assert_true(r == 0 || error.text[0]);
	return r;
}

static int replace(struct filter_view *view, const char *name, const char *spec)
{
	struct pst_error error;

	return pst_view_filter_replace(&(struct pst_view){ .server = view->k->server }, name, spec,
				       &error);
}

static int getattr(struct filter_view *view, uint64_t id)
{
	struct fuse_attr_out out;

	return k_getattr(view->c, id, &out);
}

/* Looks the name up and forgets the node. Returns 0 or -errno. */
static int lookup(struct filter_view *view, uint64_t dir, const char *name)
{
	struct fuse_entry_out entry;
	int r = k_lookup(view->c, dir, name, &entry);

	if (r == 0 && entry.nodeid)
		k_forget(view->c, entry.nodeid, 1);
	return r == 0 && !entry.nodeid ? -ENOENT : r;
}

/*
 * The first filter brings the slots into the view. A worker already waits for a request in its old
 * memory; the next request is filtered nevertheless.
 */
K_TEST(first_filter_applies_at_once, state)
{
	struct filter_view view = start(state, &(struct k_options){ 0 }, NULL);

	assert_int_equal(getattr(&view, view.file), 0);
	assert_int_equal(add(&view, "no"), 0);
	assert_int_equal(getattr(&view, view.file), -EACCES);
	assert_true(view.c->n_notified > 0);
	/* Each directory got one notification, and none that would detach mounts. */
	assert_true(view.c->n_notified_as[FUSE_NOTIFY_INVAL_ENTRY] > 0);
	assert_int_equal(view.c->n_notified_as[FUSE_NOTIFY_INC_EPOCH], 0);
	assert_int_equal(view.c->n_unhashed, 0);
	assert_int_equal(getattr(&view, K_ROOT), -EACCES);
	assert_int_equal(drop(&view, "no"), 0);
	assert_int_equal(fake_n_loaded(), 0);
	assert_int_equal(getattr(&view, view.file), 0);
	filter_view_stop(&view);
}

/* A new filter for names also holds in directories that the kernel has known for long. */
K_TEST(filter_for_names_applies_in_known_directories, state)
{
	struct filter_view view = start(state, &(struct k_options){ 0 }, NULL);

	assert_int_equal(lookup(&view, view.dir, "a"), 0);
	assert_int_equal(add(&view, "hide"), 0);
	assert_int_equal(lookup(&view, view.dir, "a"), -ENOENT);
	assert_int_equal(lookup(&view, view.dir, "b"), 0);
	assert_int_equal(lookup(&view, K_ROOT, "file"), -ENOENT);
	/* An open file stays usable. */
	assert_int_equal(getattr(&view, view.file), 0);
	assert_int_equal(replace(&view, "hide", "no"), 0);
	assert_int_equal(lookup(&view, view.dir, "a"), 0);
	assert_int_equal(getattr(&view, view.file), -EACCES);
	assert_int_equal(drop(&view, "hide"), -ENOENT);
	assert_int_equal(replace(&view, "hide", "no"), -ENOENT);
	assert_int_equal(drop(&view, "no"), 0);
	filter_view_stop(&view);
}

/* A change of the filters that fails leaves the chain as it was. */
K_TEST(failed_change_changes_nothing, state)
{
	struct filter_view view = start(state, &(struct k_options){ 0 },
					(const char *const[]){ "no,name=first", NULL });

	assert_int_equal(getattr(&view, K_ROOT), -EACCES);
	assert_int_equal(add(&view, "no,name=first"), -EEXIST);
	assert_int_equal(add(&view, "nothing-of-that-name"), -ENOENT);
	assert_int_equal(add(&view, "hide,at=not/there"), -ENOENT);
	assert_int_equal(replace(&view, "first", "nothing-of-that-name"), -ENOENT);
	assert_int_equal(getattr(&view, K_ROOT), -EACCES);
	assert_int_equal(fake_n_loaded(), 1);
	assert_int_equal(drop(&view, "first"), 0);
	filter_view_stop(&view);
}

static uint64_t cell_of(struct filter_view *view, uint64_t id)
{
	struct fuse_statfs_out out;

	assert_int_equal(k_ask(view->c, K_PLAIN(FUSE_STATFS, id), &out, sizeof(out)), 0);
	return out.st.blocks;
}

/* A filter that is attached to a directory applies to it and to files in it, and to no other. */
K_TEST(attached_filter_applies_from_its_directory_down, state)
{
	struct filter_view view = start(state, &(struct k_options){ 0 }, NULL);
	struct fuse_entry_out sub;

	assert_int_equal(add(&view, "depth,at=dir"), 0);
	assert_int_equal(cell_of(&view, view.dir), 100);
	assert_int_not_equal(cell_of(&view, K_ROOT), 100);
	assert_int_equal(k_lookup(view.c, view.dir, "sub", &sub), 0);
	assert_int_equal(cell_of(&view, sub.nodeid), 101);
	assert_int_equal(add(&view, "hide,at=dir/sub"), 0);
	assert_int_equal(lookup(&view, view.dir, "a"), 0);
	assert_int_equal(k_rename(view.c, view.dir, "a", sub.nodeid, "a", 0), -EPERM);
	assert_int_equal(k_rename(view.c, view.dir, "b", sub.nodeid, "b", 0), 0);
	assert_int_equal(lookup(&view, sub.nodeid, "b"), 0);
	assert_int_equal(drop(&view, "hide"), 0);
	assert_int_equal(drop(&view, "depth"), 0);
	k_forget(view.c, sub.nodeid, 1);
	filter_view_stop(&view);
}

K_TEST(filters_beyond_the_limit_are_refused, state)
{
	struct filter_view view = start(state, &(struct k_options){ 0 }, NULL);
	char spec[40];

	for (int i = 0; i < PST_MAX_FILTERS; i++) {
		snprintf(spec, sizeof(spec), "%s,name=f%d", i == 40 ? "hide" : "pass", i);
		assert_int_equal(add(&view, spec), 0);
	}
	assert_int_equal(add(&view, "pass,name=more"), -ENOSPC);
	assert_int_equal(lookup(&view, view.dir, "a"), -ENOENT);
	assert_int_equal(drop(&view, "f40"), 0);
	assert_int_equal(lookup(&view, view.dir, "a"), 0);
	assert_int_equal(add(&view, "no,name=more"), 0);
	assert_int_equal(getattr(&view, K_ROOT), -EACCES);
	assert_int_equal(drop(&view, "more"), 0);
	filter_view_stop(&view);
}

/* -- requests under way ----------------------------------------------------------------------- */

static uint64_t send_getattr(struct filter_view *view, uint64_t id)
{
	static const struct fuse_getattr_in in;

	return k_send(view->c, K_REQUEST(FUSE_GETATTR, id, &in));
}

/* A server whose answers wait at the gate, where it is shut. */
static _Atomic bool gate_shut;

static uint32_t served_fields(void *aux, const struct pst_file *file)
{
	return STATX_MODE;
}

static int served_getattr(void *aux, const struct pst_file *file, struct statx *stx)
{
	if (gate_shut) {
		sem_post(&entered);
		sem_wait(&gate);
	}
	return 0;
}

static int served_setattr(void *aux, const struct pst_file *file, const struct statx *stx)
{
	return 0;
}

static const struct pst_server waiting_server = {
	.size = sizeof(waiting_server),
	.fields = served_fields,
	.getattr = served_getattr,
	.setattr = served_setattr,
};

struct addition {
	struct filter_view *view;
	_Atomic bool done;
};

static void *addition_main(void *arg)
{
	struct addition *addition = arg;

	k_require(add(addition->view, "no") == 0);
	addition->done = true;
	return NULL;
}

struct removal {
	struct filter_view *view;
	const char *name;
	_Atomic bool done;
};

static void *removal_main(void *arg)
{
	struct removal *removal = arg;
	struct pst_error error;

	k_require(pst_view_filter_remove(&(struct pst_view){ .server = removal->view->k->server },
					 removal->name, &error) == 0);
	removal->done = true;
	return NULL;
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

/*
 * The first filter waits for requests that began without it. Later requests are filtered at once.
 */
K_TEST(first_filter_waits_for_earlier_requests, state)
{
	static struct k_answer answer;
	struct filter_view view =
		start(state, &(struct k_options){ .server = &waiting_server, .n_chans = 2 }, NULL);
	struct addition addition = { .view = &view };
	pthread_t thread;
	uint64_t held;

	sem_init(&entered, 0, 0);
	sem_init(&gate, 0, 0);
	gate_shut = true;
	held = send_getattr(&view, view.file);
	sem_wait(&entered);
	gate_shut = false;
	assert_int_equal(pthread_create(&thread, NULL, addition_main, &addition), 0);
	pause_ms(100);
	assert_false(addition.done);
	sem_post(&gate);
	assert_int_equal(k_wait(view.c, held, &answer), 0);
	pthread_join(thread, NULL);
	assert_true(addition.done);
	assert_int_equal(getattr(&view, view.file), -EACCES);
	assert_int_equal(drop(&view, "no"), 0);
	filter_view_stop(&view);
}

/* Waits until requests that begin now run without filters. */
static void wait_until_no_filter_is_in_force(struct filter_view *view)
{
	struct filters *filters = server_filters(view->k->server);
	bool none = false;

	while (!none) {
		pause_ms(1);
		none = !filters_lock(filters);
		filters_unlock(filters);
	}
}

/* A filter is freed when the last request that uses it has ended. Later requests do not wait. */
K_TEST(removal_waits_for_requests_under_way, state)
{
	static struct k_answer answer;
	struct filter_view view =
		start(state, &(struct k_options){ 0 }, (const char *const[]){ "gate", NULL });
	struct removal removal = { .view = &view, .name = "gate" };
	pthread_t thread;

	sem_init(&entered, 0, 0);
	sem_init(&gate, 0, 0);
	for (int i = 0; i < 2; i++) {
		send_getattr(&view, view.file);
		sem_wait(&entered);
	}
	assert_int_equal(pthread_create(&thread, NULL, removal_main, &removal), 0);
	wait_until_no_filter_is_in_force(&view);
	assert_false(removal.done);
	/* Later requests do not run the program "gate". */
	assert_int_equal(getattr(&view, view.dir), 0);
	/* Either of the two requests continues. */
	sem_post(&gate);
	assert_true(k_receive(view.c, 20000, &answer) && answer.error == 0);
	pause_ms(50);
	assert_false(removal.done);
	assert_int_equal(fake_n_loaded(), 1);
	sem_post(&gate);
	assert_true(k_receive(view.c, 20000, &answer) && answer.error == 0);
	pthread_join(thread, NULL);
	assert_true(removal.done);
	assert_int_equal(fake_n_loaded(), 0);
	filter_view_stop(&view);
}

/* A second filter is added meanwhile: it applies to later requests, not to those under way. */
K_TEST(new_filter_spares_requests_under_way, state)
{
	static struct k_answer answer;
	struct filter_view view =
		start(state, &(struct k_options){ 0 }, (const char *const[]){ "gate", NULL });
	struct removal removal = { .view = &view, .name = "gate" };
	pthread_t thread;
	uint64_t held;

	sem_init(&entered, 0, 0);
	sem_init(&gate, 0, 0);
	held = send_getattr(&view, view.file);
	sem_wait(&entered);
	assert_int_equal(pthread_create(&thread, NULL, removal_main, &removal), 0);
	wait_until_no_filter_is_in_force(&view);
	sem_post(&gate);
	pthread_join(thread, NULL);
	assert_int_equal(add(&view, "no"), 0);
	assert_int_equal(k_wait(view.c, held, &answer), 0);
	assert_int_equal(getattr(&view, view.file), -EACCES);
	assert_int_equal(drop(&view, "no"), 0);
	filter_view_stop(&view);
}

struct load {
	struct k_chan *c;
	uint64_t dir;
	_Atomic bool stop;
	unsigned int n;
};

static void *load_main(void *arg)
{
	struct load *load = arg;

	while (!load->stop) {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
		struct fuse_write_in in = { .size = 4 };

		k_require(k_lookup(load->c, load->dir, "b", &entry) == 0);
		k_require(k_open(load->c, entry.nodeid, O_RDWR, &open) == 0);
		in.fh = open.fh;
		k_require(k_write(load->c, entry.nodeid, &in, "text") == 4);
		k_require(k_release(load->c, entry.nodeid, open.fh) == 0);
		k_forget(load->c, entry.nodeid, 1);
		load->n++;
	}
	return NULL;
}

/*
 * Filters are added, replaced and removed while other threads work: no operation is lost or fails.
 */
K_TEST(changes_of_filters_lose_no_request, state)
{
	struct filter_view view = start(state, &(struct k_options){ .n_chans = 2 }, NULL);
	struct load load = { .c = &view.k->chans[1], .dir = view.dir };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, load_main, &load), 0);
	for (int i = 0; i < 40; i++) {
		assert_int_equal(add(&view, "pass"), 0);
		assert_int_equal(add(&view, "hide"), 0);
		assert_int_equal(lookup(&view, view.dir, "a"), -ENOENT);
		assert_int_equal(replace(&view, "pass", "pass"), 0);
		assert_int_equal(drop(&view, "hide"), 0);
		assert_int_equal(lookup(&view, view.dir, "a"), 0);
		assert_int_equal(drop(&view, "pass"), 0);
	}
	load.stop = true;
	pthread_join(thread, NULL);
	assert_true(load.n > 0);
	k_sync(load.c);
	filter_view_stop(&view);
}

/* Reads a directory to its end. Returns true if the kernel may use its cached listing. */
static bool completes(struct filter_view *view, uint64_t fh)
{
	static struct k_answer answer;
	uint64_t off = 0;

	for (;;) {
		assert_int_equal(k_readdir(view->c, view->dir, fh, off, 900, false, &answer), 0);
		if (!answer.len)
			return !answer.uncached;
		for (size_t at = 0; at < answer.len;) {
			const struct fuse_dirent *dirent = (const void *)(answer.data + at);

			off = dirent->off;
			at += entry_size(dirent, false);
		}
	}
}

#define QUIET_US 150000

/*
 * A change of filters changes listings. While a reader is in the middle of the older listing, the
 * kernel may cache the older names under the version after the change: the daemon completes no
 * listing of that version.
 */
K_TEST(listing_from_before_the_change_is_not_completed, state)
{
	struct filter_view view = start(state, &(struct k_options){ 0 }, NULL);
	static struct k_answer answer;
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	assert_int_equal(k_opendir(view.c, view.dir, &open), 0);
	assert_int_equal(add(&view, "hide"), 0);
	usleep(QUIET_US);
	assert_true(completes(&view, open.fh));
	assert_int_equal(k_readdir(view.c, view.dir, view.dir_fh, 0, 900, false, &answer), 0);
	usleep(QUIET_US);
	assert_int_equal(drop(&view, "hide"), 0);
	assert_false(completes(&view, open.fh));
	usleep(QUIET_US);
	assert_false(completes(&view, open.fh));
	assert_false(completes(&view, view.dir_fh));
	assert_int_equal(k_mkdir(view.c, view.dir, "made", 0755, &entry), 0);
	usleep(QUIET_US);
	assert_true(completes(&view, open.fh));
	assert_int_equal(k_rmdir(view.c, view.dir, "made"), 0);
	k_forget(view.c, entry.nodeid, 1);
	assert_int_equal(k_releasedir(view.c, view.dir, open.fh), 0);
	filter_view_stop(&view);
}

TEST_MAIN(NULL, NULL)
