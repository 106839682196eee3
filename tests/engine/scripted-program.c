// SPDX-License-Identifier: LGPL-2.1-or-later
#include "scripted-program.h"

#include <errno.h>
#include <fcntl.h>

struct scripted_program program;

uint32_t program_answers(void *aux, const struct pst_file *file)
{
	program.n_ops++;
	return file->nodeid == K_ROOT ? program.answers : 0;
}

static void forget(void *aux, const struct pst_file *file)
{
	assert_true(file->key_len != program.key_len ||
		    memcmp(file->key, program.key, file->key_len) == 0);
	program.n_forgotten++;
}

static int64_t finish(struct pst_request *req, int64_t result)
{
	program.n_calls++;
	if (result != PST_LATER)
		return result;
	if (program.reply_first)
		pst_reply(req, program.reply);
	else
		program.kept = req;
	return PST_LATER;
}

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	program.n_lookups++;
	if (strcmp(name, "file") == 0)
		return PST_BACKING;
	entry->key_len = (uint32_t)program.key_len;
	/* A length that is wrong gets the bytes of "key" only. */
	memcpy(entry->key, program.key, program.key_len <= PST_KEY_MAX ? program.key_len : 3);
	entry->stx = program.stx;
	return (int)finish(req, program.result);
}

int program_getattr(struct pst_request *req, struct statx *stx)
{
	*stx = program.stx;
	return (int)finish(req, program.result);
}

static int set(struct pst_request *req, const struct statx *change, struct statx *stx)
{
	*stx = program.stx;
	stx->stx_mode = change->stx_mode;
	return (int)finish(req, program.result);
}

static int open_it(struct pst_request *req, int flags, struct pst_opened *opened)
{
	opened->handle = 4711;
	opened->data = program.data;
	return 0;
}

static ssize_t read_it(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	assert_int_equal(req->handle, 4711);
	memcpy(buf, "0123456789", size < 10 ? size : 10);
	return finish(req, program.result);
}

static ssize_t write_it(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	return finish(req, program.result);
}

static void release(struct pst_request *req)
{
	assert_int_equal(req->handle, 4711);
	program.n_released++;
}

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	struct pst_entry entry = {
		.key_len = program.listed_key_len,
		.key = "listed",
		.stx.stx_mode = S_IFREG | 0600,
	};
	char name[32];

	if (program.bad_name)
		assert_int_equal(pst_listing_add(listing, program.bad_name, 1, &entry), -EINVAL);
	for (at = program.repeats ? 0 : at; at < program.n_names; at++) {
		snprintf(name, sizeof(name), "name-%llu", (unsigned long long)at);
		if (pst_listing_add(listing, name, at + 1, &entry) == 1)
			break;
	}
	return (int)finish(req, program.result);
}

static ssize_t get_xattr(struct pst_request *req, const char *name, void *buf, size_t size)
{
	return finish(req, program.result);
}

static uint32_t find(void *aux, const struct pst_file *file, uint64_t *ret_ino)
{
	assert_int_equal(file->key_len, program.key_len);
	assert_memory_equal(file->key, program.key, program.key_len);
	*ret_ino = 33;
	return program.stx.stx_mode & S_IFMT;
}

struct kernel *program_start(void **state, uint32_t quick, uint32_t loop, bool complaints)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.quick = quick,
		.loop = loop,
		.timeout_ns = 1000000000,
		.ops = program_answers,
		.forget = forget,
		.find = find,
		.lookup = look_up,
		.getattr = program_getattr,
		.setattr = set,
		.open = open_it,
		.read = read_it,
		.write = write_it,
		.release = release,
		.readdir = list,
		.getxattr = get_xattr,
	};
	struct kernel *k;

	memset(&program, 0, sizeof(program));
	program.key = "key";
	program.key_len = 3;
	program.answers = PST_ANSWERS_LOOKUP | PST_ANSWERS_READDIR;
	program.stx = (struct statx){ .stx_mode = S_IFREG | 0640, .stx_nlink = 1, .stx_size = 10 };
	k = k_start(&(struct k_options){
		.nodes = K_NODES(state),
		.node_ops = &ops,
		.complaints = complaints,
		.n_chans = 2,
	});
	k_file_below(k, "file", "below");
	return k;
}

struct fuse_entry_out open_keyed(struct kernel *k, struct fuse_open_out *ret_open)
{
	struct fuse_entry_out entry;

	assert_int_equal(k_lookup(&k->chans[0], K_ROOT, "keyed", &entry), 0);
	assert_int_equal(k_open(&k->chans[0], entry.nodeid, O_RDWR, ret_open), 0);
	return entry;
}
