/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Handles: files and directories that are open in the view. The kernel's number of a handle (fh) is
 * an index and a generation, so that a number that the kernel was never given finds nothing.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct node;
struct nodetab;
struct handletab;

struct handle {
	_Atomic uint32_t refs;    /* 0: free */
	uint32_t generation;      /* constant while refs is not 0 */
	uint32_t index;           /* constant */
	int flags;                /* constant: flags of open(2) */
	struct node *node;        /* constant, counted */
	bool dir;                 /* constant */
	uint32_t uid;             /* constant: user ID of the caller who opened it */
	uint8_t io_mode;          /* constant once open: enum io_mode */
	_Atomic int fd;           /* the lower file; -1 until it is needed */
	_Atomic bool closed;      /* the kernel has released it; requests may still hold it */
	_Atomic bool direct;      /* fd is open, or will be, with O_DIRECT */
	pthread_mutex_t lock;     /* guards what follows */
	struct dirstream *stream; /* directory: fs/dir.c; heap */
};

/* Returns 0 or -ENOMEM. */
int handletab_new(struct handletab **ret_tab);
struct handletab *handletab_free(struct handletab *tab);

/* Called when the last reference to a handle is dropped, before its node is put. */
typedef void (*handle_free_fn)(void *aux, struct handle *handle);
void handletab_on_free(struct handletab *tab, struct nodetab *nodes, handle_free_fn fn, void *aux);

/*
 * Makes a handle without a descriptor, with one reference and a reference to node of its own.
 * flags: those of open(2); uid: the user ID of the caller. Returns 0 or -errno.
 */
int handle_new(struct handletab *tab, struct node *node, int flags, uint32_t uid,
	       struct handle **ret_handle);

/* Returns a strong reference; NULL: there is no such handle. */
struct handle *handle_lookup(struct handletab *tab, uint64_t fh);
/* Takes one more reference to a handle that the caller holds. Returns the handle. */
struct handle *handle_get(struct handle *handle);
/* Drops a reference; frees the handle with the last one. NULL is allowed. Returns NULL. */
struct handle *handle_put(struct handletab *tab, struct handle *handle);

/* Calls fn for each handle, with a reference during the call. */
void handletab_each(struct handletab *tab, void (*fn)(void *aux, struct handle *handle), void *aux);

static inline uint64_t handle_fh(const struct handle *handle)
{
	return (uint64_t)handle->generation << 32 | handle->index;
}

uint64_t handletab_count(struct handletab *tab);
