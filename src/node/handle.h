/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Handles: files and directories that are open in the view. The number of a handle that the kernel
 * sends (fh) is an index and a generation, so that an old or invented number finds no handle.
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
	_Atomic uint32_t refs;    /* 0 if the handle is free */
	uint32_t generation;      /* constant while refs is not 0 */
	uint32_t index;           /* constant */
	int flags;                /* constant: flags of open(2) */
	struct node *node;        /* constant, counted */
	bool dir;                 /* constant */
	uint32_t uid;             /* constant: user ID of the caller who opened it */
	uint8_t io_mode;          /* constant once open: enum io_mode */
	_Atomic int fd;           /* the lower file; -1 until it is needed */
	_Atomic bool closed;      /* RELEASE has arrived; requests may still have references */
	_Atomic bool direct;      /* fd is open, or will be opened, with O_DIRECT */
	pthread_mutex_t lock;     /* guards the member below */
	struct dirstream *stream; /* fs/dir.c, for directories; owned */
	bool served;              /* constant once open: the program reads and writes the file */
	uint64_t number;          /* constant once open: the program's, if served */
};

/* Returns 0 or -ENOMEM. */
int handletab_new(struct handletab **ret_tab);
struct handletab *handletab_free(struct handletab *tab);

/* Called when the last reference to a handle is dropped, before its node is put. */
typedef void (*handle_free_fn)(void *aux, struct handle *handle);
void handletab_on_free(struct handletab *tab, struct nodetab *nodes, handle_free_fn fn, void *aux);

/*
 * Creates a handle without a descriptor, with one reference, which the caller puts. The handle
 * takes its own reference to node. flags are those of open(2), uid is the user ID of the client.
 * Returns 0 or -errno.
 */
int handle_new(struct handletab *tab, struct node *node, int flags, uint32_t uid,
	       struct handle **ret_handle);

/* Returns a strong reference to the handle of a number, or NULL if there is none. */
struct handle *handle_lookup(struct handletab *tab, uint64_t fh);
/* Takes one more reference to a handle of which the caller has a reference. Returns the handle. */
struct handle *handle_get(struct handle *handle);
/* Puts a reference; putting the last one frees the handle. Accepts NULL. Returns NULL. */
struct handle *handle_put(struct handletab *tab, struct handle *handle);

/* Calls fn for each handle, with a reference during the call. */
void handletab_each(struct handletab *tab, void (*fn)(void *aux, struct handle *handle), void *aux);

static inline uint64_t handle_fh(const struct handle *handle)
{
	return (uint64_t)handle->generation << 32 | handle->index;
}

uint64_t handletab_count(struct handletab *tab);
