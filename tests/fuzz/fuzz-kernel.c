// SPDX-License-Identifier: LGPL-2.1-or-later
/* The kernel's side of a fuzzer's view: messages, and the nodes and files that the kernel knows. */
#include "fuzz-kernel.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_KNOWN 64
#define MAX_OPEN  16

struct known {
	uint64_t id, n; /* n: nlookup */
};

static int fd;
static uint64_t unique_sent;
static struct known known[MAX_KNOWN] = { { 1, 1 } }; /* the first is the root */
static unsigned int n_known = 1;
static struct kernel_file open_files[MAX_OPEN];
static unsigned int n_open;

_Atomic bool view_quiet;

void kernel_connect(int socket)
{
	fd = socket;
}

/* -- messages -------------------------------------------------------------------------------- */

uint64_t kernel_send(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n)
{
	struct fuse_in_header head = {
		.len = sizeof(head),
		.opcode = opcode,
		.unique = unique_sent += 2,
		.nodeid = nodeid,
		.uid = getuid(),
		.gid = getgid(),
		.pid = (uint32_t)getpid(),
	};
	struct iovec iov[5] = { { &head, sizeof(head) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = (size_t)n + 1 };

	for (int i = 0; i < n; i++) {
		iov[i + 1] = parts[i];
		head.len += (uint32_t)parts[i].iov_len;
	}
	while (sendmsg(fd, &msg, MSG_NOSIGNAL) != (ssize_t)head.len)
		assert(errno == EINTR);
	return head.unique;
}

/* Reads the reply to this request, and checks that the kernel would accept its form. */
void kernel_receive(uint64_t unique, struct answer *ret_answer)
{
	struct fuse_out_header head;
	struct iovec iov[2] = { { &head, sizeof(head) },
				{ ret_answer->data, sizeof(ret_answer->data) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n;

	/* Adding filters causes notifications. The fuzzer's timer interrupts system calls. */
	do {
		do
			n = recvmsg(fd, &msg, 0);
		while (n < 0 && errno == EINTR);
		assert(n >= (ssize_t)sizeof(head) && head.len == (size_t)n);
	} while (!head.unique);
	assert(!(msg.msg_flags & MSG_TRUNC) && head.unique == unique);
	assert(head.error <= 0 && head.error > -512 && head.error != -ENOSYS);
	assert(!head.error || n == sizeof(head));
	ret_answer->error = head.error;
	ret_answer->len = (size_t)n - sizeof(head);
}

void kernel_call(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n,
		 struct answer *ret_answer)
{
	kernel_receive(kernel_send(opcode, nodeid, parts, n), ret_answer);
}

/* Asks the view without filters. */
int kernel_ask_quietly(uint32_t opcode, uint64_t nodeid, void *arg, size_t len)
{
	struct iovec part = { arg, len };
	struct answer answer;

	view_quiet = true;
	kernel_call(opcode, nodeid, &part, 1, &answer);
	view_quiet = false;
	return answer.error;
}

/* -- the account ----------------------------------------------------------------------------- */

static void forget(uint64_t id, uint64_t n)
{
	struct fuse_forget_in in = { .nlookup = n };

	kernel_send(FUSE_FORGET, id, &(struct iovec){ &in, sizeof(in) }, 1);
}

/* A reply has a node. The view must know it. */
static void learn(uint64_t id)
{
	struct fuse_getattr_in in = { 0 };

	assert(kernel_ask_quietly(FUSE_GETATTR, id, &in, sizeof(in)) != -ESTALE);
	for (unsigned int i = 0; i < n_known; i++) {
		if (known[i].id == id) {
			known[i].n++;
			return;
		}
	}
	if (n_known == MAX_KNOWN)
		forget(id, 1);
	else
		known[n_known++] = (struct known){ id, 1 };
}

void kernel_learn_entry(const struct fuse_entry_out *entry, uint32_t type)
{
	assert(entry->nodeid && entry->attr.size <= INT64_MAX);
	assert(!type || (entry->attr.mode & S_IFMT) == type);
	learn(entry->nodeid);
}

void kernel_learn_open(const struct fuse_open_out *out, uint64_t id, bool dir)
{
	struct fuse_release_in in = { .fh = out->fh };

	if (n_open == MAX_OPEN)
		assert(kernel_ask_quietly(dir ? FUSE_RELEASEDIR : FUSE_RELEASE, id, &in,
					  sizeof(in)) == 0);
	else
		open_files[n_open++] = (struct kernel_file){ out->fh, id, dir };
}

void kernel_learn_listing(const struct answer *answer, bool plus)
{
	size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;

	for (size_t at = 0, size; at < answer->len; at += size) {
		const struct fuse_direntplus *entry =
			(const struct fuse_direntplus *)(answer->data + at);
		const struct fuse_dirent *dirent = plus ? &entry->dirent :
							  (const struct fuse_dirent *)entry;

		assert(answer->len - at >= head);
		assert(dirent->namelen && dirent->namelen <= 1024);
		size = FUSE_REC_ALIGN(head + dirent->namelen);
		assert(size <= answer->len - at);
		assert(!memchr(dirent->name, '/', dirent->namelen));
		if (!plus || !entry->entry_out.nodeid)
			continue;
		/* The kernel neither counts nor forgets the nodes of these entries. */
		assert(strncmp(dirent->name, "..", dirent->namelen) != 0);
		kernel_learn_entry(&entry->entry_out, 0);
	}
}

uint64_t kernel_node(unsigned int n)
{
	return known[n % n_known].id;
}

bool kernel_file(unsigned int n, struct kernel_file *ret_file)
{
	if (n_open)
		*ret_file = open_files[n % n_open];
	return n_open;
}

void kernel_closed(uint64_t fh)
{
	for (unsigned int i = 0; i < n_open; i++) {
		if (open_files[i].fh == fh) {
			open_files[i] = open_files[--n_open];
			return;
		}
	}
}

void kernel_give_back(void)
{
	struct fuse_getattr_in in = { 0 };

	while (n_open) {
		const struct kernel_file *file = &open_files[--n_open];
		struct fuse_release_in release = { .fh = file->fh };

		assert(kernel_ask_quietly(file->dir ? FUSE_RELEASEDIR : FUSE_RELEASE, file->id,
					  &release, sizeof(release)) == 0);
	}
	for (; n_known > 1; n_known--)
		forget(known[n_known - 1].id, known[n_known - 1].n);
	/* The reply to this request comes after all FORGETs were handled. */
	for (int i = 0; i < 2; i++)
		assert(kernel_ask_quietly(FUSE_GETATTR, 1, &in, sizeof(in)) == 0);
}
