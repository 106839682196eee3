// SPDX-License-Identifier: LGPL-2.1-or-later
/* The scripted kernel's verbs: one request and its answer each. */
#include "kernel.h"

void k_sync(struct k_chan *c)
{
	struct fuse_attr_out out;

	k_require(k_getattr(c, K_ROOT, &out) == 0);
}

int k_lookup(struct k_chan *c, uint64_t dir, const char *name, struct fuse_entry_out *ret_entry)
{
	return k_ask(c, K_PLAIN(FUSE_LOOKUP, dir, .names = { name }), ret_entry,
		     sizeof(*ret_entry));
}

void k_forget(struct k_chan *c, uint64_t nodeid, uint64_t n)
{
	struct fuse_forget_in in = { .nlookup = n };

	k_send(c, K_REQUEST(FUSE_FORGET, nodeid, &in));
}

void k_batch_forget(struct k_chan *c, const struct fuse_forget_one *ones, uint32_t n)
{
	struct fuse_batch_forget_in in = { .count = n };

	k_send(c,
	       K_REQUEST(FUSE_BATCH_FORGET, 0, &in, .data = ones, .data_len = n * sizeof(*ones)));
}

int k_getattr(struct k_chan *c, uint64_t nodeid, struct fuse_attr_out *ret_attr)
{
	struct fuse_getattr_in in = { 0 };

	return k_ask(c, K_REQUEST(FUSE_GETATTR, nodeid, &in), ret_attr, sizeof(*ret_attr));
}

int k_setattr(struct k_chan *c, uint64_t nodeid, const struct fuse_setattr_in *in,
	      struct fuse_attr_out *ret_attr)
{
	return k_ask(c, K_REQUEST(FUSE_SETATTR, nodeid, in), ret_attr, sizeof(*ret_attr));
}

int k_mkdir(struct k_chan *c, uint64_t dir, const char *name, uint32_t mode,
	    struct fuse_entry_out *ret_entry)
{
	struct fuse_mkdir_in in = { .mode = mode, .umask = 022 };

	return k_ask(c, K_REQUEST(FUSE_MKDIR, dir, &in, .names = { name }), ret_entry,
		     sizeof(*ret_entry));
}

int k_mknod(struct k_chan *c, uint64_t dir, const char *name, uint32_t mode,
	    struct fuse_entry_out *ret_entry)
{
	struct fuse_mknod_in in = { .mode = mode, .umask = 022 };

	return k_ask(c, K_REQUEST(FUSE_MKNOD, dir, &in, .names = { name }), ret_entry,
		     sizeof(*ret_entry));
}

int k_symlink(struct k_chan *c, uint64_t dir, const char *name, const char *target,
	      struct fuse_entry_out *ret_entry)
{
	return k_ask(c, K_PLAIN(FUSE_SYMLINK, dir, .names = { name, target }), ret_entry,
		     sizeof(*ret_entry));
}

int k_link(struct k_chan *c, uint64_t nodeid, uint64_t dir, const char *name,
	   struct fuse_entry_out *ret_entry)
{
	struct fuse_link_in in = { .oldnodeid = nodeid };

	return k_ask(c, K_REQUEST(FUSE_LINK, dir, &in, .names = { name }), ret_entry,
		     sizeof(*ret_entry));
}

int k_unlink(struct k_chan *c, uint64_t dir, const char *name)
{
	return k_ask(c, K_PLAIN(FUSE_UNLINK, dir, .names = { name }), NULL, 0);
}

int k_rmdir(struct k_chan *c, uint64_t dir, const char *name)
{
	return k_ask(c, K_PLAIN(FUSE_RMDIR, dir, .names = { name }), NULL, 0);
}

int k_rename(struct k_chan *c, uint64_t dir, const char *name, uint64_t new_dir,
	     const char *new_name, uint32_t flags)
{
	struct fuse_rename2_in in = { .newdir = new_dir, .flags = flags };

	return k_ask(c, K_REQUEST(FUSE_RENAME2, dir, &in, .names = { name, new_name }), NULL, 0);
}

int k_create(struct k_chan *c, uint64_t dir, const char *name, int flags, uint32_t mode,
	     struct fuse_entry_out *ret_entry, struct fuse_open_out *ret_open)
{
	struct fuse_create_in in = { .flags = (uint32_t)flags, .mode = mode, .umask = 022 };
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out;
	int r;

	r = k_ask(c, K_REQUEST(FUSE_CREATE, dir, &in, .names = { name }), &out, sizeof(out));
	if (r < 0)
		return r;
	*ret_entry = out.entry;
	*ret_open = out.open;
	return 0;
}

int k_open(struct k_chan *c, uint64_t nodeid, int flags, struct fuse_open_out *ret_open)
{
	struct fuse_open_in in = { .flags = (uint32_t)flags };

	return k_ask(c, K_REQUEST(FUSE_OPEN, nodeid, &in), ret_open, sizeof(*ret_open));
}

int k_opendir(struct k_chan *c, uint64_t nodeid, struct fuse_open_out *ret_open)
{
	struct fuse_open_in in = { 0 };

	return k_ask(c, K_REQUEST(FUSE_OPENDIR, nodeid, &in), ret_open, sizeof(*ret_open));
}

int k_release(struct k_chan *c, uint64_t nodeid, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	return k_ask(c, K_REQUEST(FUSE_RELEASE, nodeid, &in), NULL, 0);
}

int k_releasedir(struct k_chan *c, uint64_t nodeid, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	return k_ask(c, K_REQUEST(FUSE_RELEASEDIR, nodeid, &in), NULL, 0);
}

int k_flush(struct k_chan *c, uint64_t nodeid, uint64_t fh, uint64_t owner)
{
	struct fuse_flush_in in = { .fh = fh, .lock_owner = owner };

	return k_ask(c, K_REQUEST(FUSE_FLUSH, nodeid, &in), NULL, 0);
}

ssize_t k_read(struct k_chan *c, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
	       uint64_t off, int flags)
{
	struct fuse_read_in in = {
		.fh = fh,
		.offset = off,
		.size = size,
		.flags = flags,
	};
	struct k_answer answer;
	int r = k_call(c, K_REQUEST(FUSE_READ, nodeid, &in), &answer);

	if (r < 0)
		return r;
	k_require(answer.len <= size);
	memcpy(buf, answer.data, answer.len);
	return (ssize_t)answer.len;
}

ssize_t k_write(struct k_chan *c, uint64_t nodeid, const struct fuse_write_in *in, const void *buf)
{
	struct fuse_write_out out;
	int r;

	r = k_ask(c, K_REQUEST(FUSE_WRITE, nodeid, in, .data = buf, .data_len = in->size), &out,
		  sizeof(out));
	if (r < 0)
		return r;
	k_require(out.size <= in->size);
	return (ssize_t)out.size;
}

int k_readdir(struct k_chan *c, uint64_t nodeid, uint64_t fh, uint64_t off, uint32_t size,
	      bool plus, struct k_answer *ret_answer)
{
	struct fuse_read_in in = { .fh = fh, .offset = off, .size = size };
	int r;

	r = k_call(c, K_REQUEST(plus ? FUSE_READDIRPLUS : FUSE_READDIR, nodeid, &in), ret_answer);
	k_require(r < 0 || ret_answer->len <= size);
	/* No name fits. The kernel takes this for the end, too, but completes no cached listing. */
	ret_answer->uncached = r == 0 && ret_answer->len && ret_answer->len < FUSE_NAME_OFFSET;
	if (ret_answer->uncached)
		ret_answer->len = 0;
	return r;
}

uint64_t k_send_lock(struct k_chan *c, uint32_t opcode, uint64_t nodeid,
		     const struct fuse_lk_in *in)
{
	return k_send(c, K_REQUEST(opcode, nodeid, in));
}

int k_lock(struct k_chan *c, uint32_t opcode, uint64_t nodeid, const struct fuse_lk_in *in,
	   struct fuse_file_lock *ret_lock)
{
	struct fuse_lk_out out;
	int r;

	if (opcode != FUSE_GETLK)
		return k_ask(c, K_REQUEST(opcode, nodeid, in), NULL, 0);
	r = k_ask(c, K_REQUEST(opcode, nodeid, in), &out, sizeof(out));
	if (r == 0)
		*ret_lock = out.lk;
	return r;
}

void k_interrupt(struct k_chan *c, uint64_t unique)
{
	struct fuse_interrupt_in in = { .unique = unique };
	/* The kernel marks the number of the interrupted request. */
	struct k_request request = *K_REQUEST(FUSE_INTERRUPT, 0, &in, .unique = unique | 1);

	k_send(c, &request);
}
