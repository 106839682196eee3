/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Handles: files and directories that are open in the view. The number the kernel gets (fh) is an
 * index with a generation, so that a number nobody was given finds nothing.
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
	uint32_t uid;             /* constant: who opened it */
	uint8_t io_mode;          /* constant once open: enum io_mode */
	_Atomic int fd;           /* the lower file; -1 until it is needed */
	_Atomic bool closed;      /* the kernel has released it; requests may still hold it */
	_Atomic bool direct;      /* fd is open, or will be, with O_DIRECT */
	pthread_mutex_t lock;     /* guards opening fd, and what follows */
	struct dirstream *stream; /* dir: what was read ahead, fs/dir.c; heap */
};

int handletab_new(struct handletab **ret_tab);
struct handletab *handletab_free(struct handletab *tab);

/* Called for each handle when its last reference goes, before its node is put. */
typedef void (*handle_free_fn)(void *aux, struct handle *handle);
void handletab_on_free(struct handletab *tab, struct nodetab *nodes, handle_free_fn fn, void *aux);

/* Makes a handle of a node (a reference is taken) and of fd (taken; -1 for later), refs 1. */
int handle_new(struct handletab *tab, struct node *node, int flags, int fd,
	       struct handle **ret_handle);

/* Returns a strong reference, NULL when there is no such handle. */
struct handle *handle_lookup(struct handletab *tab, uint64_t fh);
/* Returns one more reference to a handle that the caller holds. */
struct handle *handle_get(struct handle *handle);
struct handle *handle_put(struct handletab *tab, struct handle *handle);

/* Calls fn for each handle there is; it may put its last reference here. */
void handletab_each(struct handletab *tab, void (*fn)(void *aux, struct handle *handle), void *aux);

static inline uint64_t handle_fh(const struct handle *handle)
{
	return (uint64_t)handle->generation << 32 | handle->index;
}

uint64_t handletab_count(struct handletab *tab);
