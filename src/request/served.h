/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Requests that the program of struct pst_node_ops answers.
 *
 * A request that the program keeps (PST_LATER) leaves the thread that runs it: req_serve() returns
 * another request in its place. The request has two owners for a moment, the thread that called the
 * program and the thread that calls pst_reply(). Whichever of them is the second to change
 * serving.state owns the request, and ends it.
 */
#include "fs/keyed.h"
#include "request/req.h"

#include <pthread.h>

/* The names that a readdir() has added, one after another: struct listed_name (serve-listing.c). */
struct pst_listing {
	char *memory; /* owned; NULL before the first name */
	size_t size, len;
	uint64_t off;  /* of the READDIR for which the names were added */
	uint64_t last; /* the program's number of the last name */
	size_t room;   /* bytes of names, at most */
	bool entries;  /* keep what the program says about the files */
	/* For names that the library numbers: those of this callback, and those to leave out. */
	uint64_t n_numbered, n_before;
	/* The program has no lookup(), so readdir() looks for this name; else NULL. */
	const char *wanted;
	struct pst_entry *entry; /* of the wanted name */
	bool found;
};

enum serving_state {
	SERVING_CALLS,   /* a thread runs the callback */
	SERVING_WAITS,   /* the program has the request */
	SERVING_QUEUED,  /* it waits for pst_view_dispatch() */
	SERVING_REPLIED, /* pst_reply() was called; result is set */
};

/* State of a request while the program answers it. Each struct req makes one when it needs it. */
struct serving {
	struct pst_request request; /* what the program sees */
	struct req *req;            /* constant */
	const struct serve_row *row;
	_Atomic int state; /* enum serving_state */
	int64_t result;
	_Atomic bool interrupted;     /* the client is being killed */
	bool asked_below;             /* the program has answered PST_BACKING */
	bool listed;                  /* in served.list; of the thread that owns the request */
	uint64_t unique;              /* of a listed request, whose message may move meanwhile */
	struct serving *next, **prev; /* in served.list; its lock, also for the neighbours */
	struct serving *next_queued;  /* in served.queue; its lock */

	/* Arguments and results of callbacks. */
	struct pst_file file, file2;
	struct fhandle fh, fh2;
	struct pst_entry entry;
	struct pst_opened opened;
	struct statx change, stx;
	struct statvfs st;
	struct pst_listing listing;
};

/* The program of a view. */
struct served {
	struct pst_node_ops ops; /* constant */
	const struct log *log;   /* constant; of the view, for threads of the program */
	int event_fd;            /* with ops.loop: readable while the queue has requests; or -1 */
	pthread_mutex_t lock;    /* guards the members below */
	struct serving *list;    /* requests whose callbacks may block, or that wait */
	struct serving *queue, **queue_end;
};

/* Creates the program of a view. Copies *ops. Returns 0 or -errno. */
int served_new(const struct pst_node_ops *ops, struct served **ret_served);
/*
 * Ends the requests that the program has not answered. The caller has ended all threads that run
 * requests.
 */
void served_stop(struct served *served);
struct served *served_free(struct served *served);
/* Records that the client of a request is being killed, if the program has the request. */
void served_interrupt(struct served *served, uint64_t unique);

/* Frees what a request has kept for the program. Accepts NULL. */
void serving_free(struct serving *serving);
/* As pst_reply(). */
void serving_reply(struct serving *serving, int64_t result);

static inline struct serving *serving_of(const struct pst_request *request)
{
	return (struct serving *)request;
}

/*
 * Returns true if the program answers an operation, which serve_call() then carries out instead of
 * the operation's function. The caller has found out that the view has a program.
 */
bool serve_wants(struct req *req);
/*
 * Returns true if the program has a callback for an opcode that can answer it for the request's
 * node, even if the program has not asked for it.
 */
bool serve_has_callback(const struct req *req, uint32_t opcode);
/*
 * Returns true if a program answers the request in the thread that has received it (`quick`), for a
 * file without a lower file. The view may have no program. The request is not checked in yet.
 */
bool serve_is_quick(const struct req *req);
/*
 * Calls the program. Returns 0, -errno, REQ_TO_POOL, or REQ_KEPT if the program has the request or
 * shall get it. After REQ_KEPT the caller calls serve_keep().
 */
int serve_call(struct req *req);
#define REQ_KEPT 5
/*
 * Returned besides these: the operation's function has to run, because of PST_BACKING, or because
 * it completes the reply.
 */
#define REQ_BELOW 6
/*
 * Leaves the request to the program. Returns true if the program owns it from then on; the thread
 * goes on with *ret_other, as after req_serve(). Returns false if the program has replied already;
 * *ret_result is then the result of the operation, as serve_call() returns it.
 */
bool serve_keep(struct req *req, struct req **ret_other, int *ret_result);
/*
 * As serve_call(), in this thread, for a request that runs more than once: a part of a READ that
 * filters have shortened. Returns 0 or -errno.
 */
int serve_now(struct req *req);
/* Runs the requests that wait for pst_view_dispatch(). */
void served_dispatch(struct served *served);

/* serve-rows.c: one operation. */
struct serve_row {
	uint32_t answers; /* PST_ANSWERS_*; OPEN: also for open files */
	uint16_t at;      /* the offset of the callback in struct pst_node_ops; 0: none */
	bool of_handle;   /* the program answers it if it has opened the file */
	bool below;       /* without a callback the operation's function runs for every file */
	int16_t none;     /* else the result of a file without a lower file */
	/* Calls the callback. Returns its result, or PST_BACKING if the callback is NULL. */
	int64_t (*call)(const struct pst_node_ops *ops, struct serving *serving);
	/*
	 * Makes the reply out of the callback's result, 0 or more. Returns 0, -errno or REQ_BELOW.
	 */
	int (*take)(struct req *req, struct serving *serving, int64_t result);
};
/* Calls the callback of a request, and returns its result. */
static inline int64_t serving_call(struct serving *serving)
{
	const struct req *req = serving->req;
	int64_t result;

	fs_program_lock(req->fs);
	result = serving->row->call(&req->host->served->ops, serving);
	fs_program_unlock(req->fs);
	/* So that pst_reply() finds out that the program does not have the request. */
	if (result != PST_LATER)
		atomic_store_explicit(&serving->state, SERVING_REPLIED, memory_order_relaxed);
	return result;
}

/* Returns the row of an opcode, or NULL if no program can answer it. */
const struct serve_row *serve_row(uint32_t opcode);

/*
 * serve-listing.c: adds the names of a program to a listing that begins at off. Returns 0 or
 * -errno. serve_list_offset() returns what readdir() gets as its argument at.
 */
uint64_t serve_list_offset(const struct node *dir, uint64_t off);
int serve_list(struct req *req, uint64_t off, struct fs_dirsink *sink);
