/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A scripted kernel: it plays the other end of a view's channels, over sockets and without a mount,
 * while the whole server runs in this process on a lower tree in a temporary directory.
 *
 *	struct kernel *k = k_start(&(struct k_options){ .nodes = K_OWN_FDS });
 *	struct k_chan *c = &k->chans[0];
 *
 *	k_require(k_lookup(c, 1, "name", &entry) == 0);
 *	k_forget(c, entry.nodeid, 1);
 *	k_stop(k);
 *
 * A channel belongs to one thread at a time. Verbs return 0, a count, or the server's -errno. The
 * test fails if a request gets no answer or one of the wrong size, if an answer has no request, and
 * if the server logs an error.
 */
#include "../test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/server.h"
#include "wire/abi.h"

#define K_MAX_CHANS 4
#define K_MAX_DATA  (1u << 17)
#define K_ROOT      1

/* Fails the test in the first thread, and ends the program in others. */
void k_fail(const char *file, int line, const char *what);
#define k_require(what) ((what) ? (void)0 : k_fail(__FILE__, __LINE__, #what))

/*
 * The server opens nodes by handle, with CAP_DAC_READ_SEARCH, or each node has a descriptor of its
 * own.
 */
enum k_nodes { K_HANDLES, K_OWN_FDS };

struct k_options {
	enum k_nodes nodes;
	enum pst_cache cache;
	uint64_t ttl_ns;
	enum pst_locks locks;
	bool passthrough;
	bool no_pool;
	bool dirsync;
	bool complaints;                 /* errors in the log are to be expected */
	unsigned int n_chans;            /* 0: 1 */
	unsigned int n_pool;             /* 0: 2 */
	unsigned int fd_budget;          /* 0: 64 */
	const char *const *filters;      /* specs, ended by NULL; with fake-filter.c */
	const struct pst_server *server; /* NULL: none */
	const struct pst_node_ops *node_ops;
};

struct k_answer {
	uint64_t unique;
	int error; /* 0 or -errno */
	size_t len;
	bool uncached; /* k_readdir(): the end, and no cached listing is complete */
	_Alignas(8) char data[K_MAX_DATA + 64];
};

/* A reply that came while the test waited for another one. */
struct k_stray {
	struct k_stray *next;
	struct k_answer answer;
};

struct kernel;
struct k_chan {
	struct kernel *kernel;
	int fd;          /* -1: closed */
	uint64_t unique; /* of the last request */
	struct k_stray *strays;
	unsigned int n_notified;        /* notifications that came meanwhile */
	unsigned int n_notified_as[16]; /* by enum fuse_notify_code */
	unsigned int n_unhashed;        /* of FUSE_NOTIFY_INVAL_ENTRY: without FUSE_EXPIRE_ONLY */
};

struct kernel {
	char path[100]; /* the lower tree, in $TMPDIR */
	int lower;      /* its root */
	struct server *server;
	struct init_negotiated negotiated;
	struct fuse_init_out init; /* the answer to INIT */
	unsigned int n_chans;
	struct k_chan chans[K_MAX_CHANS];
	unsigned int n_fds; /* of this process, before */
	bool complaints;
	_Atomic unsigned int n_complaints; /* errors in the log */
};

/* Starts the server and sends INIT. Skips the test if the server cannot open nodes this way. */
struct kernel *k_start(const struct k_options *options);
/* Unmounts and ends the server, which must leave no descriptor behind; removes the lower tree. */
void k_stop(struct kernel *k);
/* The first half of k_stop(): closes the channels. */
void k_hang_up(struct kernel *k);
/* The second half of k_stop(): ends the server. */
void k_stop_server(struct kernel *k);
/* Waits until nothing is open and no node but the root is known, then k_stop(). */
void k_stop_empty(struct kernel *k);
/* From now on the kernel receives no replies; it still sends requests. */
void k_deafen(struct k_chan *c);
struct fs_stat k_stat(struct kernel *k);
unsigned int k_count_fds(void);
/*
 * Waits until so many handles are open and so many nodes are known, because a request drops its
 * references after its reply; fails the test if that does not come.
 */
void k_expect_left(struct kernel *k, uint64_t n_handles, uint64_t n_nodes);

/* -- messages -------------------------------------------------------------------------------- */

/* The caller of a request; by default this process. */
struct k_caller {
	uint32_t uid, gid, pid;
};

struct k_request {
	uint32_t opcode;
	uint64_t nodeid;
	const void *arg;
	size_t arg_len;
	const char *names[2];
	const void *data;
	size_t data_len;
	const void *ext; /* a multiple of 8 bytes */
	size_t ext_len;
	const struct k_caller *caller;
	uint64_t unique; /* 0: the next one */
};

/* A request on a node with an argument, a pointer to its struct; further members may follow. */
#define K_REQUEST(OPCODE, NODEID, ARG, ...)                                                        \
	(&(struct k_request){ .opcode = (OPCODE),                                                  \
			      .nodeid = (NODEID),                                                  \
			      .arg = (ARG),                                                        \
			      .arg_len = sizeof(*(ARG)),                                           \
			      ##__VA_ARGS__ })
/* A request without an argument. */
#define K_PLAIN(OPCODE, NODEID, ...)                                                               \
	(&(struct k_request){ .opcode = (OPCODE), .nodeid = (NODEID), ##__VA_ARGS__ })

/* Sends a request and does not wait; returns its number. */
uint64_t k_send(struct k_chan *c, const struct k_request *request);
/* Sends these bytes as they are. */
void k_send_raw(struct k_chan *c, const void *bytes, size_t len);
/* Waits up to ms for any answer. Returns false if none came. */
bool k_receive(struct k_chan *c, int ms, struct k_answer *ret_answer);
/* Waits for the answer to this request; returns its error. */
int k_wait(struct k_chan *c, uint64_t unique, struct k_answer *ret_answer);
int k_call(struct k_chan *c, const struct k_request *request, struct k_answer *ret_answer);
/* As k_call(), for answers of this size. */
int k_ask(struct k_chan *c, const struct k_request *request, void *ret_out, size_t out_len);
/*
 * Waits until the server has handled all earlier requests on this channel that are not in the pool.
 */
void k_sync(struct k_chan *c);

/* -- verbs ----------------------------------------------------------------------------------- */

int k_lookup(struct k_chan *c, uint64_t dir, const char *name, struct fuse_entry_out *ret_entry);
void k_forget(struct k_chan *c, uint64_t nodeid, uint64_t n);
void k_batch_forget(struct k_chan *c, const struct fuse_forget_one *ones, uint32_t n);
int k_getattr(struct k_chan *c, uint64_t nodeid, struct fuse_attr_out *ret_attr);
int k_setattr(struct k_chan *c, uint64_t nodeid, const struct fuse_setattr_in *in,
	      struct fuse_attr_out *ret_attr);
int k_mkdir(struct k_chan *c, uint64_t dir, const char *name, uint32_t mode,
	    struct fuse_entry_out *ret_entry);
int k_mknod(struct k_chan *c, uint64_t dir, const char *name, uint32_t mode,
	    struct fuse_entry_out *ret_entry);
int k_symlink(struct k_chan *c, uint64_t dir, const char *name, const char *target,
	      struct fuse_entry_out *ret_entry);
int k_link(struct k_chan *c, uint64_t nodeid, uint64_t dir, const char *name,
	   struct fuse_entry_out *ret_entry);
int k_unlink(struct k_chan *c, uint64_t dir, const char *name);
int k_rmdir(struct k_chan *c, uint64_t dir, const char *name);
int k_rename(struct k_chan *c, uint64_t dir, const char *name, uint64_t new_dir,
	     const char *new_name, uint32_t flags);
int k_create(struct k_chan *c, uint64_t dir, const char *name, int flags, uint32_t mode,
	     struct fuse_entry_out *ret_entry, struct fuse_open_out *ret_open);
int k_open(struct k_chan *c, uint64_t nodeid, int flags, struct fuse_open_out *ret_open);
int k_opendir(struct k_chan *c, uint64_t nodeid, struct fuse_open_out *ret_open);
int k_release(struct k_chan *c, uint64_t nodeid, uint64_t fh);
int k_releasedir(struct k_chan *c, uint64_t nodeid, uint64_t fh);
int k_flush(struct k_chan *c, uint64_t nodeid, uint64_t fh, uint64_t owner);
/* flags: those of the open file. */
ssize_t k_read(struct k_chan *c, uint64_t nodeid, uint64_t fh, void *buf, uint32_t size,
	       uint64_t off, int flags);
ssize_t k_write(struct k_chan *c, uint64_t nodeid, const struct fuse_write_in *in, const void *buf);
/* Plain or with entries (plus): the answer's data as it came. */
int k_readdir(struct k_chan *c, uint64_t nodeid, uint64_t fh, uint64_t off, uint32_t size,
	      bool plus, struct k_answer *ret_answer);
/* Sends a lock request; opcode GETLK, SETLK or SETLKW. */
uint64_t k_send_lock(struct k_chan *c, uint32_t opcode, uint64_t nodeid,
		     const struct fuse_lk_in *in);
int k_lock(struct k_chan *c, uint32_t opcode, uint64_t nodeid, const struct fuse_lk_in *in,
	   struct fuse_file_lock *ret_lock);
void k_interrupt(struct k_chan *c, uint64_t unique);

/* -- the lower tree -------------------------------------------------------------------------- */

/* Makes a lower file with this text and mode 0644. */
void k_file_below(struct kernel *k, const char *name, const char *text);
/* Fails the test unless the lower file contains this text. */
void k_expect_below(struct kernel *k, const char *name, const char *text);
/* Fails the test unless the attributes equal those that the lower file has now. */
void k_expect_same(struct kernel *k, const struct fuse_attr *attr, const char *name);

/* -- programs -------------------------------------------------------------------------------- */

/* Runs the test once for each of the k_nodes, which is *state. */
#define K_TEST(name, state)                                                                        \
	TEST_ROWS(name, state, { #name "@handles", name, NULL, NULL, &k_handles },                 \
		  { #name "@own_fds", name, NULL, NULL, &k_own_fds })
extern enum k_nodes k_handles, k_own_fds;
#define K_NODES(state) (*(enum k_nodes *)*(state))
