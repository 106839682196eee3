// SPDX-License-Identifier: LGPL-2.1-or-later
/* The scripted kernel: starting and ending a view, sending and receiving messages. */
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "server/fs-callbacks.h"
#include "util/cleanup.h"
#include "util/fd.h"

#define ANSWER_S  20
#define MAX_WRITE 65536u

enum k_nodes k_handles = K_HANDLES, k_own_fds = K_OWN_FDS;

/* The directory of the current test; removed at the end of the program if the test has failed. */
static char live_path[sizeof(((struct kernel *)0)->path)];
/* The view of the current test; NULL: the test has ended it. */
static struct kernel *live;

void k_fail(const char *file, int line, const char *what)
{
	if (gettid() != getpid()) {
		fprintf(stderr, "%s:%d: %s\n", file, line, what);
		abort();
	}
	print_error("%s\n", what);
	_fail(file, line);
}

unsigned int k_count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	k_require(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* -- the lower tree -------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_tree(void)
{
	if (live_path[0])
		nftw(live_path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	live_path[0] = 0;
}

static void make_tree(struct kernel *k)
{
	const char *tmp = getenv("TMPDIR");
	static bool registered;

	if (!registered)
		atexit(remove_tree);
	registered = true;
	remove_tree();
	snprintf(k->path, sizeof(k->path), "%s/penstock-engine-XXXXXX", tmp ? tmp : "/tmp");
	k_require(mkdtemp(k->path));
	k_require(chmod(k->path, 0755) == 0);
	strcpy(live_path, k->path);
	k->lower = open(k->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	k_require(k->lower >= 0);
}

void k_file_below(struct kernel *k, const char *name, const char *text)
{
	_cleanup_(fd_closep) int fd = openat(k->lower, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	k_require(fd >= 0 && fchmod(fd, 0644) == 0);
	k_require(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

void k_expect_below(struct kernel *k, const char *name, const char *text)
{
	_cleanup_(fd_closep) int fd = openat(k->lower, name, O_RDONLY);
	_cleanup_(freep) char *have = calloc(1, strlen(text) + 2);

	k_require(fd >= 0);
	k_require(read(fd, have, strlen(text) + 1) == (ssize_t)strlen(text));
	k_require(memcmp(have, text, strlen(text)) == 0);
}

void k_expect_same(struct kernel *k, const struct fuse_attr *attr, const char *name)
{
	struct stat st;

	k_require(fstatat(k->lower, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0);
	k_require(attr->ino == st.st_ino);
	k_require(attr->mode == st.st_mode);
	k_require(attr->nlink == st.st_nlink);
	k_require(attr->uid == st.st_uid && attr->gid == st.st_gid);
	k_require(attr->size == (uint64_t)st.st_size);
	k_require(attr->blocks == (uint64_t)st.st_blocks);
	k_require(attr->blksize == (uint32_t)st.st_blksize);
	k_require(attr->atime == (uint64_t)st.st_atim.tv_sec);
	k_require(attr->atimensec == (uint32_t)st.st_atim.tv_nsec);
	k_require(attr->mtime == (uint64_t)st.st_mtim.tv_sec);
	k_require(attr->mtimensec == (uint32_t)st.st_mtim.tv_nsec);
	k_require(attr->ctime == (uint64_t)st.st_ctim.tv_sec);
	k_require(attr->ctimensec == (uint32_t)st.st_ctim.tv_nsec);
}

/* -- the server ------------------------------------------------------------------------------ */

static void hear(void *aux, enum pst_log_level level, const char *text)
{
	struct kernel *k = aux;

	if (level != PST_LOG_ERROR || k->complaints)
		return;
	k->n_complaints++;
	fprintf(stderr, "penstock: %s\n", text);
}

static bool have_handles(struct kernel *k)
{
	_cleanup_(fd_closep) int fd = -1;
	struct fhandle fh;
	int mnt_id;

	if (fhandle_at(k->lower, "", &fh, &mnt_id) < 0)
		return false;
	fd = fhandle_open(k->lower, &fh, O_PATH);
	return fd >= 0;
}

static struct chan *chan_new(struct k_chan *c)
{
	struct timeval timeout = { .tv_sec = ANSWER_S };
	int fds[2], size = 1 << 20;
	struct chan *chan;

	k_require(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	for (int i = 0; i < 2; i++)
		setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	setsockopt(fds[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fds[0], SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	c->fd = fds[0];
	k_require(chan_sock_new(fds[1], &chan) == 0);
	return chan;
}

/* Sends INIT before the server waits for it; the socket keeps the message. */
static void shake_hands(struct kernel *k, const struct k_options *options, struct chan *chan)
{
	struct fuse_init_in in = {
		.major = 7,
		.minor = 44,
		.max_readahead = 131072,
		.flags = UINT32_MAX,
		.flags2 = UINT32_MAX,
	};
	struct k_request request = *K_REQUEST(FUSE_INIT, 0, &in);
	struct init_request wanted = { .max_write = MAX_WRITE, .max_stack_depth = 1 };
	struct k_answer answer;
	uint64_t unique;

	if (options->locks == PST_LOCKS_LOCAL)
		wanted.disabled |= FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS;
	if (!options->passthrough)
		wanted.disabled |= FUSE_PASSTHROUGH;
	unique = k_send(&k->chans[0], &request);
	k_require(server_answer_init(chan, &wanted, &k->negotiated, NULL) == 0);
	k_require(k_wait(&k->chans[0], unique, &answer) == 0);
	k_require(answer.len == sizeof(k->init));
	memcpy(&k->init, answer.data, sizeof(k->init));
}

static void serve(struct kernel *k, const struct k_options *options, struct chan **chans)
{
	struct fs_config fs_config = {
		.lower = fcntl(k->lower, F_DUPFD_CLOEXEC, 3),
		.passthrough = k->negotiated.features & FUSE_PASSTHROUGH,
		/* The server watches no files unless a test asks for it. */
		.cache = options->cache ? options->cache : PST_CACHE_TTL,
		.ttl_ns = options->ttl_ns,
		.locks = options->locks,
		.fd_budget = options->fd_budget ? options->fd_budget : 64,
		.own_fds = options->nodes == K_OWN_FDS,
		.server = options->server ? *options->server : (struct pst_server){ 0 },
		.node_ops = options->node_ops ? *options->node_ops : (struct pst_node_ops){ 0 },
	};
	struct server_config config = {
		.chans = chans,
		.n_chans = k->n_chans,
		.n_pool = options->no_pool ? 0 :
			  options->n_pool  ? options->n_pool :
					     2,
		.max_write = k->negotiated.max_write,
		.dirsync = options->dirsync,
		.filters = options->filters,
		.node_ops = options->node_ops,
	};

	k_require(fs_callbacks_new(chans[0], 0, true, &config.fs_callbacks, &fs_config.host) == 0);
	k_require(fs_new(&fs_config, &config.fs) == 0);
	k_require(server_new(&config, &k->server, NULL) == 0);
}

static void free_strays(struct k_chan *c)
{
	while (c->strays) {
		struct k_stray *stray = c->strays;

		c->strays = stray->next;
		free(stray);
	}
}

/*
 * Ends the view that a failed test has left behind: threads of that view would open and close
 * descriptors while later tests count theirs, and those tests would fail, too.
 */
static void end_live(void)
{
	struct kernel *k = live;

	live = NULL;
	if (!k)
		return;
	k_hang_up(k);
	server_free(k->server);
	pst_log_set(PST_LOG_WARNING, NULL, NULL);
	for (unsigned int i = 0; i < k->n_chans; i++)
		free_strays(&k->chans[i]);
	fd_close(k->lower);
	free(k);
}

struct kernel *k_start(const struct k_options *options)
{
	struct kernel *k = calloc(1, sizeof(*k));
	struct chan *chans[K_MAX_CHANS];

	k_require(k);
	end_live();
	k->n_fds = k_count_fds();
	make_tree(k);
	if (options->nodes == K_HANDLES && !have_handles(k)) {
		print_message(
			"opening by handle takes CAP_DAC_READ_SEARCH, and handles in $TMPDIR\n");
		close(k->lower);
		free(k);
		skip();
	}
	k->complaints = options->complaints;
	pst_log_set(PST_LOG_WARNING, hear, k);
	k->n_chans = options->n_chans ? options->n_chans : 1;
	for (unsigned int i = 0; i < k->n_chans; i++) {
		k->chans[i] = (struct k_chan){ .kernel = k, .unique = (uint64_t)(i + 1) << 32 };
		chans[i] = chan_new(&k->chans[i]);
	}
	shake_hands(k, options, chans[0]);
	serve(k, options, chans);
	live = k;
	return k;
}

void k_hang_up(struct kernel *k)
{
	for (unsigned int i = 0; i < k->n_chans; i++)
		k->chans[i].fd = fd_close(k->chans[i].fd);
}

void k_deafen(struct k_chan *c)
{
	k_require(shutdown(c->fd, SHUT_RD) == 0);
}

void k_stop_server(struct kernel *k)
{
	if (!k->server)
		return;
	k_require(server_wait(k->server) == 0);
	k->server = server_free(k->server);
}

void k_stop(struct kernel *k)
{
	k_hang_up(k);
	k_stop_server(k);
	pst_log_set(PST_LOG_WARNING, NULL, NULL);
	k_require(k->n_complaints == 0);
	for (unsigned int i = 0; i < k->n_chans; i++) {
		/* Each reply was one that the test waited for. */
		k_require(!k->chans[i].strays);
	}
	k->lower = fd_close(k->lower);
	remove_tree();
	k_require(k_count_fds() == k->n_fds);
	live = NULL;
	free(k);
}

struct fs_stat k_stat(struct kernel *k)
{
	struct fs_stat stat;

	fs_stat(server_fs(k->server), &stat);
	return stat;
}

void k_expect_left(struct kernel *k, uint64_t n_handles, uint64_t n_nodes)
{
	struct fs_stat stat;

	for (int ms = 0; ms < ANSWER_S * 1000; ms++) {
		stat = k_stat(k);
		if (stat.n_handles == n_handles && stat.nodes.n_nodes == n_nodes)
			return;
		usleep(1000);
	}
	print_message("%lu handles and %lu nodes are left\n", stat.n_handles, stat.nodes.n_nodes);
	k_fail(__FILE__, __LINE__, "something was not let go of");
}

void k_stop_empty(struct kernel *k)
{
	k_sync(&k->chans[0]);
	k_expect_left(k, 0, 1);
	k_stop(k);
}

/* -- messages -------------------------------------------------------------------------------- */

void k_send_raw(struct k_chan *c, const void *bytes, size_t len)
{
	k_require(send(c->fd, bytes, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static char *append(char *at, const void *bytes, size_t len)
{
	if (len)
		memcpy(at, bytes, len);
	return at + len;
}

uint64_t k_send(struct k_chan *c, const struct k_request *request)
{
	struct fuse_in_header head = {
		.opcode = request->opcode,
		.unique = request->unique ? request->unique : (c->unique += 2),
		.nodeid = request->nodeid,
		.uid = request->caller ? request->caller->uid : getuid(),
		.gid = request->caller ? request->caller->gid : getgid(),
		.pid = request->caller ? request->caller->pid : (uint32_t)getpid(),
		.total_extlen = (uint16_t)(request->ext_len / 8),
	};
	_cleanup_(freep) char *buf = malloc(sizeof(head) + request->arg_len + request->data_len +
					    request->ext_len + 16384);
	char *at = buf + sizeof(head);

	k_require(buf);
	at = append(at, request->arg, request->arg_len);
	for (int i = 0; i < 2; i++)
		if (request->names[i])
			at = append(at, request->names[i], strlen(request->names[i]) + 1);
	at = append(at, request->data, request->data_len);
	at = append(at, request->ext, request->ext_len);
	head.len = (uint32_t)(at - buf);
	memcpy(buf, &head, sizeof(head));
	k_send_raw(c, buf, head.len);
	return head.unique;
}

static bool unhashes(const struct fuse_out_header *head, const char *data)
{
	struct fuse_notify_inval_entry_out entry;

	if (head->error != FUSE_NOTIFY_INVAL_ENTRY)
		return false;
	memcpy(&entry, data, sizeof(entry));
	return !(entry.flags & FUSE_EXPIRE_ONLY);
}

static bool receive(struct k_chan *c, int ms, struct k_answer *ret_answer)
{
	struct timeval timeout = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct fuse_out_header head;
	struct iovec iov[2] = { { &head, sizeof(head) },
				{ ret_answer->data, sizeof(ret_answer->data) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	do {
		msg.msg_flags = 0;
		n = recvmsg(c->fd, &msg, 0);
		if (n < 0 && errno == EAGAIN)
			return false;
		k_require(n >= (ssize_t)sizeof(head));
		k_require(head.len == (size_t)n && !(msg.msg_flags & MSG_TRUNC));
		/* A notification; its error field is the code. */
		if (!head.unique) {
			c->n_notified++;
			c->n_notified_as[head.error & 15]++;
			c->n_unhashed += unhashes(&head, ret_answer->data);
		}
	} while (!head.unique);
	k_require(head.error <= 0 && head.error > -512);
	k_require(head.error == 0 || head.len == sizeof(head));
	ret_answer->unique = head.unique;
	ret_answer->error = head.error;
	ret_answer->len = head.len - sizeof(head);
	return true;
}

/*
 * Takes the reply to this request, or any reply (0), from those that came while the test waited for
 * others.
 */
static bool take_stray(struct k_chan *c, uint64_t unique, struct k_answer *ret_answer)
{
	for (struct k_stray **link = &c->strays; *link; link = &(*link)->next) {
		struct k_stray *stray = *link;

		if (unique && stray->answer.unique != unique)
			continue;
		*link = stray->next;
		memcpy(ret_answer, &stray->answer, offsetof(struct k_answer, data));
		memcpy(ret_answer->data, stray->answer.data, stray->answer.len);
		free(stray);
		return true;
	}
	return false;
}

bool k_receive(struct k_chan *c, int ms, struct k_answer *ret_answer)
{
	return take_stray(c, 0, ret_answer) || receive(c, ms, ret_answer);
}

int k_wait(struct k_chan *c, uint64_t unique, struct k_answer *ret_answer)
{
	if (take_stray(c, unique, ret_answer))
		return ret_answer->error;
	for (;;) {
		struct k_stray *stray;

		k_require(receive(c, ANSWER_S * 1000, ret_answer));
		if (ret_answer->unique == unique)
			return ret_answer->error;
		stray = malloc(sizeof(*stray));
		k_require(stray);
		memcpy(&stray->answer, ret_answer, offsetof(struct k_answer, data));
		memcpy(stray->answer.data, ret_answer->data, ret_answer->len);
		stray->next = c->strays;
		c->strays = stray;
	}
}

int k_call(struct k_chan *c, const struct k_request *request, struct k_answer *ret_answer)
{
	return k_wait(c, k_send(c, request), ret_answer);
}

int k_ask(struct k_chan *c, const struct k_request *request, void *ret_out, size_t out_len)
{
	struct k_answer answer;
	int r = k_call(c, request, &answer);

	if (r < 0)
		return r;
	k_require(answer.len == out_len);
	if (out_len)
		memcpy(ret_out, answer.data, out_len);
	return 0;
}
