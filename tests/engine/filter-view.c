// SPDX-License-Identifier: LGPL-2.1-or-later
/* A view with fake filters, and a request for each operation. */
#include "filter-view.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "api/view.h"

#define MAX_STATS 256

static unsigned int n_loaded; /* before: a test that failed has left some */

static void make_tree(struct kernel *k)
{
	char path[sizeof(k->path) + 8];

	k_file_below(k, "file", "some text");
	snprintf(path, sizeof(path), "%s/file", k->path);
	/* If the lower file system has no extended attributes, the tests expect its error. */
	setxattr(path, "user.n", "value", 5, 0);
	k_require(symlinkat("file", k->lower, "link") == 0);
	k_require(mkdirat(k->lower, "dir", 0755) == 0 && mkdirat(k->lower, "dir/sub", 0755) == 0);
	k_file_below(k, "dir/a", "a");
	k_file_below(k, "dir/b", "b");
	k_file_below(k, "dir/c", "c");
}

struct filter_view filter_view_start(void **state, const struct k_options *options,
				     const char *const *specs)
{
	struct filter_view view = { 0 };
	struct k_options all = *options;
	struct fuse_entry_out entry;
	struct fuse_open_out open;

	n_loaded = fake_n_loaded();
	all.nodes = K_NODES(state);
	all.filters = specs;
	all.locks = PST_LOCKS_LOWER;
	view.k = k_start(&all);
	view.c = &view.k->chans[0];
	make_tree(view.k);
	assert_int_equal(k_lookup(view.c, K_ROOT, "file", &entry), 0);
	view.file = entry.nodeid;
	assert_int_equal(k_lookup(view.c, K_ROOT, "link", &entry), 0);
	view.link = entry.nodeid;
	assert_int_equal(k_lookup(view.c, K_ROOT, "dir", &entry), 0);
	view.dir = entry.nodeid;
	assert_int_equal(k_open(view.c, view.file, O_RDWR, &open), 0);
	view.fh = open.fh;
	assert_int_equal(k_opendir(view.c, view.dir, &open), 0);
	view.dir_fh = open.fh;
	return view;
}

void filter_view_stop(struct filter_view *view)
{
	/* A handle that the test has closed itself is 0. */
	if (view->fh)
		k_release(view->c, view->file, view->fh);
	if (view->dir_fh)
		k_releasedir(view->c, view->dir, view->dir_fh);
	k_forget(view->c, view->file, 1);
	k_forget(view->c, view->link, 1);
	k_forget(view->c, view->dir, 1);
	k_stop_empty(view->k);
	assert_int_equal(fake_n_loaded(), n_loaded);
}

/* Fills the argument of an operation on an open file. Returns its length. */
static size_t handle_arg(struct filter_view *view, uint32_t opcode, union pst_in *in,
			 struct k_request *request)
{
	bool dir = opcode == FUSE_READDIR || opcode == FUSE_RELEASEDIR || opcode == FUSE_FSYNCDIR;
	uint64_t fh = dir ? view->dir_fh : view->fh;

	request->nodeid = dir ? view->dir : view->file;
	switch (opcode) {
	case FUSE_READ:
	case FUSE_READDIR:
		in->read.fh = fh;
		in->read.size = 4096;
		/* As for read(2), which accepts a short reply. */
		in->read.read_flags = dir ? 0 : FUSE_READ_LOCKOWNER;
		return sizeof(in->read);
	case FUSE_WRITE:
		in->write.fh = fh;
		in->write.size = 4;
		request->data = "TEXT";
		request->data_len = 4;
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
	case FUSE_GETLK:
	case FUSE_SETLK:
		in->lk.fh = fh;
		in->lk.lk.type = opcode == FUSE_GETLK ? F_RDLCK : F_UNLCK;
		in->lk.lk.end = INT64_MAX;
		return sizeof(in->lk);
	case FUSE_FALLOCATE:
		in->fallocate.fh = fh;
		in->fallocate.length = 4;
		return sizeof(in->fallocate);
	case FUSE_LSEEK:
		in->lseek.fh = fh;
		in->lseek.whence = SEEK_DATA;
		return sizeof(in->lseek);
	case FUSE_COPY_FILE_RANGE:
		in->copy.fh_in = in->copy.fh_out = fh;
		in->copy.nodeid_out = view->file;
		in->copy.off_out = 4;
		in->copy.len = 4;
		return sizeof(in->copy);
	case FUSE_IOCTL:
		in->ioctl.fh = fh;
		in->ioctl.cmd = 0x80086601; /* FS_IOC_GETFLAGS */
		in->ioctl.out_size = 8;
		return sizeof(in->ioctl);
	default:
		return 0;
	}
}

/* Fills the argument of any other operation. */
static size_t node_arg(struct filter_view *view, uint32_t opcode, union pst_in *in,
		       struct k_request *request)
{
	const char *const file[2] = { "file" }, *const new[2] = { "new" };

	request->nodeid = K_ROOT;
	switch (opcode) {
	case FUSE_LOOKUP:
	case FUSE_UNLINK:
		memcpy(request->names, file, sizeof(file));
		return 0;
	case FUSE_GETATTR:
		return sizeof(in->getattr);
	case FUSE_STATX:
		return sizeof(in->statx);
	case FUSE_SETATTR:
		request->nodeid = view->file;
		in->setattr.valid = FATTR_MODE;
		in->setattr.mode = 0600;
		return sizeof(in->setattr);
	case FUSE_READLINK:
		request->nodeid = view->link;
		return 0;
	case FUSE_SYMLINK:
		request->names[0] = "new";
		request->names[1] = "target";
		return 0;
	case FUSE_MKNOD:
		memcpy(request->names, new, sizeof(new));
		in->mknod.mode = S_IFREG | 0600;
		return sizeof(in->mknod);
	case FUSE_MKDIR:
		memcpy(request->names, new, sizeof(new));
		in->mkdir.mode = 0700;
		return sizeof(in->mkdir);
	case FUSE_RMDIR:
		request->nodeid = view->dir;
		request->names[0] = "sub";
		return 0;
	case FUSE_RENAME2:
		request->names[0] = "file";
		request->names[1] = "new";
		in->rename.newdir = K_ROOT;
		return sizeof(in->rename);
	case FUSE_LINK:
		memcpy(request->names, new, sizeof(new));
		in->link.oldnodeid = view->file;
		return sizeof(in->link);
	case FUSE_OPEN:
		request->nodeid = view->file;
		return sizeof(in->open);
	case FUSE_OPENDIR:
		return sizeof(in->open);
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		memcpy(request->names, new, sizeof(new));
		in->create.flags = O_RDWR;
		in->create.mode = S_IFREG | 0600;
		return sizeof(in->create);
	case FUSE_SYNCFS:
		return sizeof(struct fuse_syncfs_in);
	case FUSE_SETXATTR:
		request->nodeid = view->file;
		request->names[0] = "user.n";
		in->setxattr.size = 5;
		request->data = "VALUE";
		request->data_len = 5;
		return sizeof(in->setxattr);
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		request->nodeid = view->file;
		request->names[0] = opcode == FUSE_GETXATTR ? "user.n" : NULL;
		in->getxattr.size = 64;
		return sizeof(in->getxattr);
	case FUSE_REMOVEXATTR:
		request->nodeid = view->file;
		request->names[0] = "user.n";
		return 0;
	default:
		return 0;
	}
}

int op_call(struct filter_view *view, uint32_t opcode, struct k_answer *ret_answer)
{
	union pst_in in = { 0 };
	struct k_request request = { .opcode = opcode, .arg = &in };

	request.arg_len = handle_arg(view, opcode, &in, &request);
	if (!request.arg_len)
		request.arg_len = node_arg(view, opcode, &in, &request);
	return k_call(view->c, &request, ret_answer);
}

struct filter_count filter_view_count(struct filter_view *view, const char *filter,
				      const char *program)
{
	static struct pst_filter_stat rows[MAX_STATS];
	struct pst_view api = { .server = view->k->server };
	struct filter_count count = { 0 };
	size_t n;

	k_require(pst_view_filter_stats(&api, rows, MAX_STATS, &n) == 0);
	k_require(n <= MAX_STATS);
	for (size_t i = 0; i < n; i++)
		if (strcmp(rows[i].filter, filter) == 0 && strcmp(rows[i].program, program) == 0)
			count = (struct filter_count){
				.n_runs = rows[i].n_runs,
				.n_errors = rows[i].n_errors,
				.n_done = rows[i].n_done,
				.n_bad = rows[i].n_bad,
			};
	return count;
}
