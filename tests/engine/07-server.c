// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A server that owns attributes: its calls, how a change is divided between the server and the
 * lower inode, and replies with values that no file can have.
 */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdatomic.h>
#include <unistd.h>

/* The behaviour of the fake server, and its last request. */
static struct {
	uint32_t fields, mode, uid;
	int answer;    /* of getattr and setattr */
	uint32_t nsec; /* of the modification time */
	unsigned int n_fields, n_set;
	struct pst_file file;
	char handle[64];
	struct statx asked;
	_Atomic int gate; /* GATE_CLOSED: the next getattr waits until it is open, and fails */
} srv;

enum { GATE_OPEN, GATE_CLOSED, GATE_HOLDS };

static uint32_t fields(void *aux, const struct pst_file *file)
{
	srv.n_fields++;
	srv.file = *file;
	if (file->handle_len && file->handle_len <= sizeof(srv.handle))
		memcpy(srv.handle, file->handle, file->handle_len);
	return srv.fields;
}

/*
 * Waits for the test to open the gate. Returns false if the gate is open or another thread waits
 * there.
 */
static bool wait_at_gate(void)
{
	int closed = GATE_CLOSED;

	if (!atomic_compare_exchange_strong(&srv.gate, &closed, GATE_HOLDS))
		return false;
	while (srv.gate != GATE_OPEN)
		usleep(1000);
	return true;
}

static int get(void *aux, const struct pst_file *file, struct statx *stx)
{
	if (wait_at_gate())
		return -EACCES;
	if (srv.mode)
		stx->stx_mode = (uint16_t)srv.mode;
	if (srv.uid)
		stx->stx_uid = srv.uid;
	if (srv.nsec)
		stx->stx_mtime.tv_nsec = srv.nsec;
	/* The server does not own the size, so this has no effect. */
	stx->stx_size = 4711;
	return srv.answer;
}

static int set(void *aux, const struct pst_file *file, const struct statx *stx)
{
	srv.n_set++;
	srv.asked = *stx;
	return srv.answer;
}

static const struct pst_server server = {
	.size = sizeof(server),
	.fields = fields,
	.getattr = get,
	.setattr = set,
};

static struct kernel *start(void **state, uint32_t mask, bool complaints)
{
	struct kernel *k;

	memset(&srv, 0, sizeof(srv));
	srv.fields = mask;
	k = k_start(&(struct k_options){
		.nodes = K_NODES(state),
		.server = &server,
		.complaints = complaints,
		.n_chans = 2,
	});
	k_file_below(k, "file", "0123456789");
	assert_int_equal(fchmodat(k->lower, "file", 0644, 0), 0);
	return k;
}

static struct stat below(struct kernel *k)
{
	struct stat st;

	assert_int_equal(fstatat(k->lower, "file", &st, 0), 0);
	return st;
}

K_TEST(server_is_asked_once_for_its_fields, state)
{
	struct kernel *k = start(state, STATX_MODE | STATX_UID, false);
	struct fuse_entry_out entry;
	struct fuse_attr_out out;

	srv.mode = S_IFDIR | 0751;
	srv.uid = 4242;
	for (int i = 0; i < 3; i++)
		assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(srv.n_fields, 1);
	assert_int_equal(srv.file.nodeid, entry.nodeid);
	assert_int_equal(srv.file.ino, below(k).st_ino);
	assert_int_equal(srv.file.type, S_IFREG);
	if (!K_NODES(state))
		assert_true(srv.file.handle_len > 0);
	/* The file type and the fields that the server does not own come from the lower inode. */
	assert_int_equal(entry.attr.mode, S_IFREG | 0751);
	assert_int_equal(entry.attr.uid, 4242);
	assert_int_equal(entry.attr.gid, below(k).st_gid);
	assert_int_equal(entry.attr.size, 10);
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), 0);
	assert_int_equal(out.attr.mode, S_IFREG | 0751);
	assert_int_equal(out.attr.size, 10);
	k_stop(k);
}

/* The lookup that makes a node fails after another has found the node: the node stays usable. */
K_TEST(failed_lookup_leaves_the_node_its_descriptor, state)
{
	struct kernel *k = start(state, STATX_MODE, false);
	struct fuse_entry_out entry;
	struct fuse_attr_out out;
	struct k_answer answer;
	uint64_t unique;

	srv.gate = GATE_CLOSED;
	unique = k_send(&k->chans[0], K_PLAIN(FUSE_LOOKUP, K_ROOT, .names = { "file" }));
	while (srv.gate != GATE_HOLDS)
		usleep(1000);
	assert_int_equal(k_lookup(&k->chans[1], K_ROOT, "file", &entry), 0);
	srv.gate = GATE_OPEN;
	assert_int_equal(k_wait(&k->chans[0], unique, &answer), -EACCES);
	assert_int_equal(k_getattr(&k->chans[1], entry.nodeid, &out), 0);
	k_expect_same(k, &out.attr, "file");
	k_stop(k);
}

K_TEST(setattr_is_divided_between_server_and_lower, state)
{
	struct kernel *k = start(state, STATX_MODE, false);
	struct fuse_setattr_in in = {
		.valid = FATTR_MODE | FATTR_SIZE | FATTR_MTIME,
		.mode = S_IFREG | 0600,
		.size = 3,
		.mtime = 1000000000,
	};
	struct fuse_entry_out entry;
	struct fuse_attr_out out;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(k_setattr(&k->chans[0], entry.nodeid, &in, &out), 0);
	assert_int_equal(srv.n_set, 1);
	assert_int_equal(srv.asked.stx_mask, STATX_MODE);
	assert_int_equal(srv.asked.stx_mode, S_IFREG | 0600);
	assert_int_equal(below(k).st_size, 3);
	assert_int_equal(below(k).st_mtime, 1000000000);
	assert_int_equal(below(k).st_mode & 07777, 0644);
	assert_int_equal(out.attr.size, 3);
	/* The server is asked first, so a change that it refuses does not reach the lower inode. */
	srv.answer = -EROFS;
	in.size = 1;
	assert_int_equal(k_setattr(&k->chans[0], entry.nodeid, &in, &out), -EROFS);
	assert_int_equal(below(k).st_size, 3);
	/*
	 * A change of fields that the server does not own goes to the lower inode without a call of
	 * the server.
	 */
	srv.answer = 0;
	srv.n_set = 0;
	in.valid = FATTR_SIZE;
	assert_int_equal(k_setattr(&k->chans[0], entry.nodeid, &in, &out), 0);
	assert_int_equal(below(k).st_size, 1);
	assert_int_equal(srv.n_set, 0);
	k_stop(k);
}

/* The server owns the owner but not the mode, so no lower chown(2) would clear the bits. */
K_TEST(chown_clears_set_id_bits_of_lower, state)
{
	struct kernel *k = start(state, STATX_UID, false);
	struct fuse_setattr_in in = { .valid = FATTR_UID, .uid = 4242 };
	struct fuse_entry_out entry;
	struct fuse_attr_out out;

	assert_int_equal(fchmodat(k->lower, "file", 04755, 0), 0);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(k_setattr(&k->chans[0], entry.nodeid, &in, &out), 0);
	assert_int_equal(srv.asked.stx_mask, STATX_UID);
	assert_int_equal(srv.asked.stx_uid, 4242);
	assert_int_equal(below(k).st_mode & 07777, 0755);
	k_stop(k);
}

/*
 * The server owns the owner but not the mode: the bits belong to the lower owner, whom the view
 * does not show.
 */
K_TEST(set_id_bits_of_another_owner_are_hidden, state)
{
	struct kernel *k = start(state, STATX_UID, false);
	struct fuse_setattr_in in = { .valid = FATTR_MODE, .mode = S_IFREG | 0711 };
	struct fuse_entry_out entry;
	struct fuse_attr_out out;

	srv.uid = below(k).st_uid + 1;
	assert_int_equal(fchmodat(k->lower, "file", 04755, 0), 0);
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(entry.attr.mode, S_IFREG | 0755);
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), 0);
	assert_int_equal(out.attr.mode, S_IFREG | 0755);
	assert_int_equal(k_setattr(&k->chans[0], entry.nodeid, &in, &out), 0);
	assert_int_equal(out.attr.mode, S_IFREG | 0711);
	assert_int_equal(below(k).st_mode & 07777, 04711);
	in.mode = S_IFREG | 04711;
	assert_int_equal(k_setattr(&k->chans[0], entry.nodeid, &in, &out), -EPERM);
	k_stop(k);
}

/* A server that owns mode and owner decides about set-id bits itself. */
K_TEST(set_id_bits_of_a_served_mode_are_shown, state)
{
	struct kernel *k = start(state, STATX_UID | STATX_MODE, false);
	struct fuse_entry_out entry;

	srv.uid = below(k).st_uid + 1;
	srv.mode = S_IFREG | 04755;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(entry.attr.mode, S_IFREG | 04755);
	k_stop(k);
}

/* The server owns times. It gets a time instead of "now". */
K_TEST(now_reaches_the_server_as_a_time, state)
{
	struct kernel *k = start(state, STATX_MTIME, false);
	struct fuse_setattr_in in = { .valid = FATTR_MTIME | FATTR_MTIME_NOW };
	struct fuse_entry_out entry;
	struct fuse_attr_out out;
	time_t now = time(NULL);

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	assert_int_equal(k_setattr(&k->chans[0], entry.nodeid, &in, &out), 0);
	assert_int_equal(srv.asked.stx_mask, STATX_MTIME);
	assert_true(srv.asked.stx_mtime.tv_sec >= now && srv.asked.stx_mtime.tv_sec <= now + 60);
	assert_true(srv.asked.stx_mtime.tv_nsec < 1000000000);
	k_stop(k);
}

K_TEST(impossible_answers_become_eio, state)
{
	struct kernel *k = start(state, STATX_MODE | STATX_UID | STATX_MTIME, true);
	struct fuse_entry_out entry;
	struct fuse_attr_out out;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	srv.uid = (uint32_t)-1;
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), -EIO);
	srv.uid = 0;
	srv.nsec = 1000000000;
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), -EIO);
	srv.nsec = 0;
	srv.answer = 5;
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), -EIO);
	srv.answer = -100000;
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), -EIO);
	/* An errno is a valid reply. */
	srv.answer = -EACCES;
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), -EACCES);
	srv.answer = 0;
	assert_int_equal(k_getattr(&k->chans[0], entry.nodeid, &out), 0);
	k_stop(k);
}

/*
 * The file is created although the server then fails. The kernel's cached absence of the name must
 * be invalidated.
 */
K_TEST(created_name_is_invalidated_when_server_fails, state)
{
	struct kernel *k = start(state, STATX_MODE, false);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;
	struct fuse_open_out open;
	unsigned int before = c->n_notified;

	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	srv.answer = -EACCES;
	assert_int_equal(k_mkdir(c, K_ROOT, "dir", 0755, &(struct fuse_entry_out){ 0 }), -EACCES);
	assert_int_equal(
		k_create(c, K_ROOT, "new", O_RDWR, 0644, &(struct fuse_entry_out){ 0 }, &open),
		-EACCES);
	assert_int_equal(k_link(c, entry.nodeid, K_ROOT, "second", &(struct fuse_entry_out){ 0 }),
			 -EACCES);
	srv.answer = 0;
	for (int i = 0; i < 1000 && c->n_notified < before + 7; i++) {
		usleep(1000);
		k_sync(c);
	}
	/*
	 * For each file, the directory's attributes and the name; for the linked file also its own
	 * attributes.
	 */
	assert_int_equal(c->n_notified - before, 7);
	assert_int_equal(k_lookup(c, K_ROOT, "dir", &entry), 0);
	assert_int_equal(k_lookup(c, K_ROOT, "new", &entry), 0);
	assert_int_equal(k_lookup(c, K_ROOT, "second", &entry), 0);
	k_stop(k);
}

/* A file that gets the record of a forgotten node must not get its server fields. */
K_TEST(reused_node_asks_the_server_again, state)
{
	struct kernel *k = start(state, STATX_MODE, false);
	struct k_chan *c = &k->chans[0];
	struct fuse_entry_out entry;

	srv.mode = S_IFREG | 0600;
	k_file_below(k, "second", "text");
	assert_int_equal(k_lookup(c, K_ROOT, "file", &entry), 0);
	assert_int_equal(entry.attr.mode, S_IFREG | 0600);
	k_forget(c, entry.nodeid, 1);
	k_sync(c);
	srv.fields = 0;
	assert_int_equal(k_lookup(c, K_ROOT, "second", &entry), 0);
	k_expect_same(k, &entry.attr, "second");
	assert_int_equal(srv.n_fields, 2 + 1);
	k_stop(k);
}

/* The server may not own size, type or link count. */
K_TEST(fields_that_no_server_may_own_are_refused, state)
{
	struct kernel *k = start(state, STATX_SIZE | STATX_MODE, true);
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), -EIO);
	srv.fields = STATX_TYPE;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), -EIO);
	srv.fields = STATX_MODE;
	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "file", &entry), 0);
	k_stop(k);
}

TEST_MAIN(NULL, NULL)
