// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The view of a fuzzer, and the kernel's side of it.
 *
 * The view has one worker and no pool, so requests are done one after the other, in the last slot:
 * behind it there is no memory.
 */
#include "fuzz-view.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "core/host.h"
#include "core/server.h"
#include "penstock/filter.h"
#include "util/fd.h"

#define MAX_WRITE 16384u
#define MAX_KNOWN 64
#define MAX_OPEN 16
#define ANSWER_S 10

#define NAME_60 "n12345678901234567890123456789012345678901234567890123456789"
#define NAME_250                                                                                   \
	NAME_60 NAME_60 NAME_60 NAME_60 "0123456789"

static const char *const tree_names[] = {
	"a", "b", "d", "l", "new", NAME_60, NAME_250, "d2", "e", "..", ".",
};
#define N_NAMES (sizeof(tree_names) / sizeof(tree_names[0]))
#define N_PLAIN_NAMES (N_NAMES - 2)	/* without the dots */

struct known {
	uint64_t id, n;			/* n: nlookup */
};

struct open_file {
	uint64_t fh, id;
	bool dir;
};

static struct {
	char path[100];
	int top, lower;
	struct server *server;
	int fd;
	uint64_t unique, n_nodes;
	struct stat outside[2];
	struct known known[MAX_KNOWN];	/* the first is the root */
	unsigned int n_known;
	struct open_file open[MAX_OPEN];
	unsigned int n_open;
} v;

/* While it is set the filters of the fuzzer do nothing. */
_Atomic bool view_quiet;

const char *view_name(unsigned int n)
{
	return tree_names[n % N_NAMES];
}

/* -- the tree -------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	if (ftw->level)
		(void)remove(path);
	return 0;
}

static void make_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert(fd >= 0);
	if (write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

void view_fresh_tree(void)
{
	char path[sizeof(v.path) + 8], name[8];
	int dir;

	snprintf(path, sizeof(path), "%s/lower", v.path);
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	make_file(v.lower, "a", "some text in a file\n");
	make_file(v.lower, "b", "");
	make_file(v.lower, NAME_60, "long");
	make_file(v.lower, NAME_250, "longer");
	assert(symlinkat("../outside/canary", v.lower, "l") == 0);
	assert(mkdirat(v.lower, "d", 0755) == 0 && mkdirat(v.lower, "d2", 0777) == 0);
	dir = openat(v.lower, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		make_file(dir, name, name);
	}
	make_file(dir, "a", "another a");
	close(dir);
	fsetxattr(dir, "user.n", "v", 1, 0);
}

static void clean_up(void)
{
	nftw(v.path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	rmdir(v.path);
}

static void make_tree(void)
{
	const char *tmp = getenv("TMPDIR");
	int outside;

	snprintf(v.path, sizeof(v.path), "%s/penstock-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	assert(mkdtemp(v.path));
	atexit(clean_up);
	v.top = open(v.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(mkdirat(v.top, "lower", 0777) == 0 && mkdirat(v.top, "outside", 0755) == 0);
	v.lower = openat(v.top, "lower", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	outside = openat(v.top, "outside", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	make_file(outside, "canary", "nobody writes here\n");
	assert(fstatat(outside, "canary", &v.outside[0], 0) == 0);
	assert(fstat(outside, &v.outside[1]) == 0);
	close(outside);
	view_fresh_tree();
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink &&
	       a->st_uid == b->st_uid && a->st_size == b->st_size &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void check_outside(void)
{
	struct stat st[2];

	assert(fstatat(v.top, "outside/canary", &st[0], 0) == 0);
	assert(fstatat(v.top, "outside", &st[1], 0) == 0);
	assert(same(&st[0], &v.outside[0]) && same(&st[1], &v.outside[1]));
}

/* -- messages -------------------------------------------------------------------------------- */

struct answer {
	int error;
	size_t len;
	_Alignas(8) char data[MAX_WRITE * 2];
};

static uint64_t send_message(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n)
{
	struct fuse_in_header head = {
		.len = sizeof(head), .opcode = opcode, .unique = v.unique += 2, .nodeid = nodeid,
		.uid = getuid(), .gid = getgid(), .pid = (uint32_t)getpid(),
	};
	struct iovec iov[5] = { { &head, sizeof(head) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n + 1 };

	for (int i = 0; i < n; i++) {
		iov[i + 1] = parts[i];
		head.len += (uint32_t)parts[i].iov_len;
	}
	while (sendmsg(v.fd, &msg, MSG_NOSIGNAL) != (ssize_t)head.len)
		assert(errno == EINTR);
	return head.unique;
}

/* One answer, to this request, of a form that the kernel takes. */
static void receive(uint64_t unique, struct answer *ret_answer)
{
	struct fuse_out_header head;
	struct iovec iov[2] = { { &head, sizeof(head) },
				{ ret_answer->data, sizeof(ret_answer->data) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	/* Of filters that come there are notifications. The fuzzer's clock interrupts. */
	do {
		do
			n = recvmsg(v.fd, &msg, 0);
		while (n < 0 && errno == EINTR);
		assert(n >= (ssize_t)sizeof(head) && head.len == (size_t)n);
	} while (!head.unique);
	assert(!(msg.msg_flags & MSG_TRUNC) && head.unique == unique);
	assert(head.error <= 0 && head.error > -512 && head.error != -ENOSYS);
	assert(!head.error || n == sizeof(head));
	ret_answer->error = head.error;
	ret_answer->len = (size_t)n - sizeof(head);
}

static void call(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n,
		 struct answer *ret_answer)
{
	receive(send_message(opcode, nodeid, parts, n), ret_answer);
}

/* Nothing of a filter gets between: what the view itself says. */
static int ask_quietly(uint32_t opcode, uint64_t nodeid, void *arg, size_t len)
{
	struct iovec part = { arg, len };
	struct answer answer;

	view_quiet = true;
	call(opcode, nodeid, &part, 1, &answer);
	view_quiet = false;
	return answer.error;
}

/* -- the account ----------------------------------------------------------------------------- */

static void forget(uint64_t id, uint64_t n)
{
	struct fuse_forget_in in = { .nlookup = n };

	send_message(FUSE_FORGET, id, &(struct iovec){ &in, sizeof(in) }, 1);
}

/* The kernel has been told of a node. It must be one that the view knows. */
static void learn(uint64_t id)
{
	struct fuse_getattr_in in = { 0 };

	assert(ask_quietly(FUSE_GETATTR, id, &in, sizeof(in)) != -ESTALE);
	for (unsigned int i = 0; i < v.n_known; i++) {
		if (v.known[i].id == id) {
			v.known[i].n++;
			return;
		}
	}
	if (v.n_known == MAX_KNOWN)
		forget(id, 1);
	else
		v.known[v.n_known++] = (struct known){ id, 1 };
}

static void learn_entry(const struct fuse_entry_out *entry, uint32_t type)
{
	assert(entry->nodeid && entry->attr.size <= INT64_MAX);
	assert(!type || (entry->attr.mode & S_IFMT) == type);
	learn(entry->nodeid);
}

static void learn_open(const struct fuse_open_out *out, uint64_t id, bool dir)
{
	struct fuse_release_in in = { .fh = out->fh };

	if (v.n_open == MAX_OPEN)
		assert(ask_quietly(dir ? FUSE_RELEASEDIR : FUSE_RELEASE, id, &in, sizeof(in)) == 0);
	else
		v.open[v.n_open++] = (struct open_file){ out->fh, id, dir };
}

static void learn_listing(const struct answer *answer, bool plus)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	for (size_t at = 0, size; at < answer->len; at += size) {
		const struct fuse_direntplus *entry =
			(const struct fuse_direntplus *)(answer->data + at);
		const struct fuse_dirent *dirent =
			plus ? &entry->dirent : (const struct fuse_dirent *)entry;

		assert(answer->len - at >= head);
		assert(dirent->namelen && dirent->namelen <= 1024);
		size = FUSE_REC_ALIGN(head + dirent->namelen);
		assert(size <= answer->len - at);
		assert(!memchr(dirent->name, '/', dirent->namelen));
		if (!plus || !entry->entry_out.nodeid)
			continue;
		/* The kernel takes no nodes by these, and does not give them back either. */
		assert(strncmp(dirent->name, "..", dirent->namelen) != 0);
		learn_entry(&entry->entry_out, 0);
	}
}

void view_settle(void)
{
	struct fuse_getattr_in in = { 0 };
	struct fs_stat stat;

	while (v.n_open) {
		const struct open_file *open = &v.open[--v.n_open];
		struct fuse_release_in release = { .fh = open->fh };

		assert(ask_quietly(open->dir ? FUSE_RELEASEDIR : FUSE_RELEASE, open->id, &release,
				   sizeof(release)) == 0);
	}
	for (; v.n_known > 1; v.n_known--)
		forget(v.known[v.n_known - 1].id, v.known[v.n_known - 1].n);
	/* What was forgotten, and the request before, have been let go of once this is answered. */
	for (int i = 0; i < 2; i++)
		assert(ask_quietly(FUSE_GETATTR, 1, &in, sizeof(in)) == 0);
	server_fs_stat(v.server, &stat);
	assert(stat.n_handles == 0 && stat.nodes.n_nodes == v.n_nodes);
	check_outside();
}

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
	v.fd = fds[0];
	assert(chan_sock_new(fds[1], &chan) == 0);
	return chan;
}

static struct init_terms shake_hands(struct chan *chan)
{
	struct fuse_init_in in = {
		.major = 7, .minor = 44, .max_readahead = 131072,
		.flags = UINT32_MAX, .flags2 = UINT32_MAX,
	};
	struct init_wants wants = { .max_write = MAX_WRITE, .max_stack_depth = 1 };
	struct init_terms terms;
	struct answer answer;
	uint64_t unique;

	unique = send_message(FUSE_INIT, 0, &(struct iovec){ &in, sizeof(in) }, 1);
	assert(server_handshake(chan, &wants, &terms, NULL) == 0);
	receive(unique, &answer);
	return terms;
}

void view_start(const char *const *filters)
{
	struct fs_config fs_config = { .locks = PST_LOCKS_LOWER, .fd_budget = 64 };
	struct chan *chan;
	struct server_config config = { .chans = &chan, .n_chans = 1, .filters = filters };
	/* Offsets are the filters' to change: files of all sizes are not wanted. */
	struct rlimit limit = { 4 << 20, 4 << 20 };
	struct fs_stat stat;
	struct pst_error error;

	make_tree();
	pst_log_set(PST_LOG_WARNING, hear, NULL);
	chan = chan_new();
	config.max_write = shake_hands(chan).max_write;
	fs_config.lower = fcntl(v.lower, F_DUPFD_CLOEXEC, 3);
	fs_config.own_fds = geteuid() != 0;
	assert(host_new(chan, &config.host, &fs_config.host) == 0);
	assert(fs_new(&fs_config, &config.fs) == 0);
	assert(server_new(&config, &v.server, &error) == 0);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	v.known[v.n_known++] = (struct known){ 1, 1 };
	server_fs_stat(v.server, &stat);
	v.n_nodes = stat.nodes.n_nodes;
}

/* -- requests -------------------------------------------------------------------------------- */

/* The argument of an operation, as the request has it. Returns its length. */
static size_t fill_arg(const struct view_request *r, const struct open_file *open, uint64_t node2,
		       union pst_in *in)
{
	uint64_t fh = open ? open->fh : 0;

	switch (r->opcode) {
	case FUSE_GETATTR:
		in->getattr.getattr_flags = open ? FUSE_GETATTR_FH : 0;
		in->getattr.fh = fh;
		return sizeof(in->getattr);
	case FUSE_STATX:
		return sizeof(in->statx);
	case FUSE_SETATTR:
		in->setattr.valid = r->flags & (FATTR_MODE | FATTR_SIZE | FATTR_ATIME_NOW | FATTR_ATIME);
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
		in->copy.nodeid_out = open->id;
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

/* What follows the argument. */
static int fill_rest(const struct view_request *r, const union pst_in *in, struct iovec *iov)
{
	static const char bytes[MAX_WRITE], xattr[] = "user.n";
	const char *name = tree_names[r->name % N_PLAIN_NAMES];
	const char *name2 = tree_names[r->name2 % N_PLAIN_NAMES];
	int n = 0;

	switch (r->opcode) {
	case FUSE_LOOKUP:
		name = view_name(r->name);
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

/* What the operation must be given to make sense. */
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

/* A good answer has the size that the operation's has, and says what can be. */
static void judge(const struct view_request *r, const union pst_in *in, uint64_t id,
		  const struct answer *answer)
{
	const union pst_out *out = (const union pst_out *)answer->data;
	size_t len = 0;

	switch (r->opcode) {
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
		len = sizeof(out->entry);
		if (r->opcode != FUSE_LOOKUP || out->entry.nodeid)
			learn_entry(&out->entry, type_made(r, in));
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		len = sizeof(out->create);
		learn_entry(&out->create.entry, S_IFREG);
		learn_open(&out->create.open, out->create.entry.nodeid, false);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		len = sizeof(out->open);
		learn_open(&out->open, id, r->opcode == FUSE_OPENDIR);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		len = sizeof(out->attr);
		assert(out->attr.attr.size <= INT64_MAX);
		break;
	case FUSE_STATX:
		len = sizeof(out->statx);
		assert(out->statx.stat.size <= INT64_MAX);
		break;
	case FUSE_READ:
	case FUSE_READDIR:
	case FUSE_READDIRPLUS:
		assert(answer->len <= r->size);
		if (r->opcode != FUSE_READ)
			learn_listing(answer, r->opcode == FUSE_READDIRPLUS);
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
		len = sizeof(out->write);
		assert(out->write.size <= r->size);
		break;
	case FUSE_COPY_FILE_RANGE_64:
		len = sizeof(out->copy);
		assert(out->copy.bytes_copied <= r->size);
		break;
	case FUSE_STATFS:
		len = sizeof(out->statfs);
		break;
	case FUSE_GETLK:
		len = sizeof(out->lk);
		break;
	case FUSE_LSEEK:
		len = sizeof(out->lseek);
		break;
	}
	assert(answer->len == len);
}

void view_call(const struct view_request *request)
{
	struct view_request r = *request;
	uint64_t id = v.known[r.node % v.n_known].id, node2 = v.known[r.node2 % v.n_known].id;
	struct open_file *open = NULL, closed;
	union pst_in in = { 0 };
	struct answer answer;
	struct iovec iov[4];
	bool dir;
	int n = 0;

	r.size %= MAX_WRITE + 1;
	r.off %= 1 << 16;
	if (takes_file(r.opcode, &dir) || (r.opcode == FUSE_GETATTR && (r.flags & 1))) {
		if (!v.n_open)
			return;
		open = &v.open[r.handle % v.n_open];
		if (open->dir != dir && r.opcode != FUSE_GETATTR)
			return;
		id = open->id;
	}
	iov[n].iov_base = &in;
	iov[n].iov_len = fill_arg(&r, open, node2, &in);
	n += iov[n].iov_len != 0;
	n += fill_rest(&r, &in, iov + n);
	if (r.opcode == FUSE_RELEASE || r.opcode == FUSE_RELEASEDIR) {
		/* It is closed, whatever the answer is. */
		closed = *open;
		*open = v.open[--v.n_open];
		open = &closed;
	}
	if (getenv("FUZZ_VERBOSE"))
		fprintf(stderr, "op %u id %lx name %s size %u flags %x\n", r.opcode, id, view_name(r.name), r.size, r.flags);
	call(r.opcode, id, iov, n, &answer);
	if (getenv("FUZZ_VERBOSE"))
		fprintf(stderr, "  = %d, %zu\n", answer.error, answer.len);
	if (answer.error == 0)
		judge(&r, &in, id, &answer);
}
