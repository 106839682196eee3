// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A fuzzer's view, and the requests that it gets.
 *
 * The view has one worker and no pool, so it handles one request at a time, in the last slot: no
 * memory follows that slot.
 */
#include "fuzz-view.h"
#include "fuzz-kernel.h"
#include "fuzz-tree.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "filter/op.h"
#include "server/fs-callbacks.h"
#include "server/server.h"
#include "penstock/filter.h"

#define ANSWER_S 10

static struct server *server;
static uint64_t n_nodes; /* at the start */

/* -- the view -------------------------------------------------------------------------------- */

static void hear(void *aux, enum pst_log_level level, const char *text)
{
	assert(!strstr(text, ": a bug"));
}

static struct chan *chan_new(void)
{
	struct timeval timeout = { .tv_sec = ANSWER_S };
	int fds[2], size = 1 << 20;
	struct chan *chan;

	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	kernel_connect(fds[0]);
	assert(chan_sock_new(fds[1], &chan) == 0);
	return chan;
}

static struct init_negotiated shake_hands(struct chan *chan)
{
	struct fuse_init_in in = {
		.major = 7,
		.minor = 44,
		.max_readahead = 131072,
		.flags = UINT32_MAX,
		.flags2 = UINT32_MAX,
	};
	struct init_request request = { .max_write = KERNEL_MAX_WRITE, .max_stack_depth = 1 };
	struct init_negotiated negotiated;
	struct answer answer;
	uint64_t unique;

	unique = kernel_send(FUSE_INIT, 0, &(struct iovec){ &in, sizeof(in) }, 1);
	assert(server_answer_init(chan, &request, &negotiated, NULL) == 0);
	kernel_receive(unique, &answer);
	return negotiated;
}

void view_start(const char *const *filters)
{
	/* No other process changes the tree, so the kernel may also cache absent names. */
	struct fs_config fs_config = { .cache = PST_CACHE_EXCLUSIVE,
				       .locks = PST_LOCKS_LOWER,
				       .fd_budget = 64 };
	struct chan *chan;
	struct server_config config = { .chans = &chan, .n_chans = 1, .filters = filters };
	/* Filters may change offsets, so the size of files is limited. */
	struct rlimit limit = { 4 << 20, 4 << 20 };
	struct fs_stat stat;
	struct pst_error error;

	fs_config.lower = fcntl(tree_make(), F_DUPFD_CLOEXEC, 3);
	pst_log_set(PST_LOG_WARNING, hear, NULL);
	chan = chan_new();
	config.max_write = shake_hands(chan).max_write;
	fs_config.own_fds = geteuid() != 0;
	assert(fs_callbacks_new(chan, 0, true, &config.fs_callbacks, &fs_config.host) == 0);
	assert(fs_new(&fs_config, &config.fs) == 0);
	assert(server_new(&config, &server, &error) == 0);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	fs_stat(server_fs(server), &stat);
	n_nodes = stat.nodes.n_nodes;
}

void view_settle(void)
{
	struct fs_stat stat;

	kernel_give_back();
	fs_stat(server_fs(server), &stat);
	if (stat.n_handles || stat.nodes.n_nodes != n_nodes)
		fprintf(stderr, "%lu handles and %lu nodes are left\n",
			(unsigned long)stat.n_handles,
			(unsigned long)(stat.nodes.n_nodes - n_nodes));
	assert(stat.n_handles == 0 && stat.nodes.n_nodes == n_nodes);
	tree_check_outside();
	tree_fresh();
}

/* -- requests -------------------------------------------------------------------------------- */

/* Writes the argument of an operation. Returns its length. */
static size_t fill_arg(const struct view_request *r, const struct kernel_file *file, uint64_t node2,
		       union pst_in *in)
{
	uint64_t fh = file ? file->fh : 0;

	switch (r->opcode) {
	case FUSE_GETATTR:
		in->getattr.getattr_flags = file ? FUSE_GETATTR_FH : 0;
		in->getattr.fh = fh;
		return sizeof(in->getattr);
	case FUSE_STATX:
		return sizeof(in->statx);
	case FUSE_SETATTR:
		in->setattr.valid = r->flags &
				    (FATTR_MODE | FATTR_SIZE | FATTR_ATIME_NOW | FATTR_ATIME);
		in->setattr.mode = r->mode & 0777;
		in->setattr.size = r->size;
		return sizeof(in->setattr);
	case FUSE_MKNOD:
		in->mknod.mode = (r->flags & 1 ? S_IFIFO : S_IFREG) | (r->mode & 0777);
		return sizeof(in->mknod);
	case FUSE_MKDIR:
		in->mkdir.mode = r->mode & 0777;
		return sizeof(in->mkdir);
	case FUSE_RENAME:
		in->rename.newdir = node2;
		return sizeof(struct fuse_rename_in);
	case FUSE_RENAME2:
		in->rename.newdir = node2;
		in->rename.flags = r->flags & (RENAME_EXCHANGE | RENAME_NOREPLACE);
		return sizeof(in->rename);
	case FUSE_LINK:
		in->link.oldnodeid = node2;
		return sizeof(in->link);
	case FUSE_OPEN:
		in->open.flags = r->flags & (O_ACCMODE | O_TRUNC | O_APPEND);
		return sizeof(in->open);
	case FUSE_OPENDIR:
		return sizeof(in->open);
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		in->create.flags = (r->flags & (O_TRUNC | O_EXCL)) | O_RDWR | O_CREAT;
		in->create.mode = S_IFREG | (r->mode & 0777);
		return sizeof(in->create);
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		in->read.fh = fh;
		in->read.offset = r->off;
		in->read.size = r->size;
		return sizeof(in->read);
	case FUSE_WRITE:
		in->write.fh = fh;
		in->write.offset = r->off;
		in->write.size = r->size;
		return sizeof(in->write);
	case FUSE_FLUSH:
		in->flush.fh = fh;
		return sizeof(in->flush);
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
		in->release.fh = fh;
		return sizeof(in->release);
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
		in->fsync.fh = fh;
		return sizeof(in->fsync);
	case FUSE_SETXATTR:
		in->setxattr.size = r->size % 512;
		return sizeof(in->setxattr);
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		in->getxattr.size = r->size;
		return sizeof(in->getxattr);
	case FUSE_GETLK:
	case FUSE_SETLK:
		in->lk.fh = fh;
		in->lk.owner = 1;
		in->lk.lk.end = r->off;
		in->lk.lk.type = r->flags & 1 ? F_RDLCK : F_UNLCK;
		return sizeof(in->lk);
	case FUSE_LSEEK:
		in->lseek.fh = fh;
		in->lseek.offset = r->off;
		return sizeof(in->lseek);
	case FUSE_COPY_FILE_RANGE:
	case FUSE_COPY_FILE_RANGE_64:
		in->copy.fh_in = in->copy.fh_out = fh;
		in->copy.nodeid_out = file->id;
		in->copy.off_out = r->off;
		in->copy.len = r->size;
		return sizeof(in->copy);
	case FUSE_IOCTL:
		in->ioctl.fh = fh;
		in->ioctl.cmd = r->flags & 1 ? FS_IOC_GETFLAGS : r->flags;
		in->ioctl.in_size = r->size % 512;
		in->ioctl.out_size = r->flags & 1 ? sizeof(int) : r->size;
		return sizeof(in->ioctl);
	default:
		return 0;
	}
}

/* Adds the names and the data after the argument. */
static int fill_rest(const struct view_request *r, const union pst_in *in, struct iovec *iov)
{
	static const char bytes[KERNEL_MAX_WRITE], xattr[] = "user.n";
	const char *name = tree_name(r->name);
	const char *name2 = tree_name(r->name2);
	int n = 0;

	switch (r->opcode) {
	case FUSE_LOOKUP:
		name = tree_name_or_dots(r->name);
		break;
	case FUSE_TMPFILE:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_LINK:
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_CREATE:
		break;
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_SYMLINK:
		iov[n++] = (struct iovec){ (void *)name, strlen(name) + 1 };
		name = name2;
		break;
	case FUSE_WRITE:
		iov[n++] = (struct iovec){ (void *)bytes, r->size };
		return n;
	case FUSE_IOCTL:
		iov[n++] = (struct iovec){ (void *)bytes, in->ioctl.in_size };
		return n;
	case FUSE_SETXATTR:
		iov[n++] = (struct iovec){ (void *)xattr, sizeof(xattr) };
		iov[n++] = (struct iovec){ (void *)bytes, in->setxattr.size };
		return n;
	case FUSE_GETXATTR:
	case FUSE_REMOVEXATTR:
		name = xattr;
		break;
	default:
		return n;
	}
	iov[n++] = (struct iovec){ (void *)name, strlen(name) + 1 };
	return n;
}

/* Returns whether the operation needs an open file or directory. */
static bool takes_file(uint32_t opcode, bool *ret_dir)
{
	*ret_dir = opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS ||
		   opcode == FUSE_RELEASEDIR || opcode == FUSE_FSYNCDIR;
	switch (opcode) {
	case FUSE_READ:
	case FUSE_WRITE:
	case FUSE_FLUSH:
	case FUSE_RELEASE:
	case FUSE_FSYNC:
	case FUSE_GETLK:
	case FUSE_SETLK:
	case FUSE_LSEEK:
	case FUSE_COPY_FILE_RANGE:
	case FUSE_COPY_FILE_RANGE_64:
	case FUSE_IOCTL:
		return true;
	default:
		return *ret_dir;
	}
}

static uint32_t type_made(const struct view_request *r, const union pst_in *in)
{
	switch (r->opcode) {
	case FUSE_MKDIR:
		return S_IFDIR;
	case FUSE_SYMLINK:
		return S_IFLNK;
	case FUSE_MKNOD:
		return in->mknod.mode & S_IFMT;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return S_IFREG;
	default:
		return 0;
	}
}

/* Checks that a reply without error has the right size and valid values. */
static void judge(const struct view_request *r, const union pst_in *in, uint64_t id,
		  const struct answer *answer)
{
	const union pst_out *out = (const union pst_out *)answer->data;
	size_t len = op_find(r->opcode)->result_size;

	switch (r->opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		if (r->opcode != FUSE_LOOKUP || out->entry.nodeid)
			kernel_learn_entry(&out->entry, type_made(r, in));
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		kernel_learn_entry(&out->create.entry, S_IFREG);
		kernel_learn_open(&out->create.open, out->create.entry.nodeid, false);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		kernel_learn_open(&out->open, id, r->opcode == FUSE_OPENDIR);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		assert(out->attr.attr.size <= INT64_MAX);
		break;
	case FUSE_STATX:
		assert(out->statx.stat.size <= INT64_MAX);
		break;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		assert(answer->len <= r->size);
		if (r->opcode != FUSE_READ)
			kernel_learn_listing(answer, r->opcode == FUSE_READDIRPLUS);
		return;
	case FUSE_READLINK:
		assert(answer->len && answer->len < 4096 && !memchr(out, 0, answer->len));
		return;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		assert(r->size ? answer->len <= r->size : answer->len == sizeof(out->getxattr));
		return;
	case FUSE_IOCTL:
		assert(answer->len >= sizeof(out->ioctl));
		assert(answer->len <= sizeof(out->ioctl) + in->ioctl.out_size);
		return;
	case FUSE_WRITE:
	case FUSE_COPY_FILE_RANGE:
		assert(out->write.size <= r->size);
		break;
	case FUSE_COPY_FILE_RANGE_64:
		assert(out->copy.bytes_copied <= r->size);
		break;
	}
	assert(answer->len == len);
}

void view_call(const struct view_request *request)
{
	struct view_request r = *request;
	uint64_t id = kernel_node(r.node), node2 = kernel_node(r.node2);
	struct kernel_file open, *file = NULL;
	union pst_in in = { 0 };
	struct answer answer;
	struct iovec iov[4];
	bool dir;
	int n = 0;

	r.size %= KERNEL_MAX_WRITE + 1;
	r.off %= 1 << 16;
	if (takes_file(r.opcode, &dir) || (r.opcode == FUSE_GETATTR && (r.flags & 1))) {
		if (!kernel_file(r.handle, &open) || (open.dir != dir && r.opcode != FUSE_GETATTR))
			return;
		file = &open;
		id = open.id;
	}
	iov[n].iov_base = &in;
	iov[n].iov_len = fill_arg(&r, file, node2, &in);
	n += iov[n].iov_len != 0;
	n += fill_rest(&r, &in, iov + n);
	/* The kernel closes the file whatever the reply is. */
	if (r.opcode == FUSE_RELEASE || r.opcode == FUSE_RELEASEDIR)
		kernel_closed(open.fh);
	kernel_call(r.opcode, id, iov, n, &answer);
	if (answer.error == 0)
		judge(&r, &in, id, &answer);
}
