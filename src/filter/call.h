/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The struct pst_call of a request: filled for filters, and read back from them. Whatever they leave
 * is taken or refused here, never ignored.
 */
#include "filter/apply.h"

#include <stddef.h>

struct pst_call *frame_of(const struct req *req);

/* Takes what came with the request out of the reach of filters. 0 or -errno (an answer). */
int frame_keep(struct req *req);
/*
 * Fills in all that does not depend on which filter looks. Without look nothing is looked up below: the
 * names were refused, and how long that takes must not say whether they are there.
 */
void frame_begin(struct req *req, bool look);
/* The part of a call that is filled in, to be put aside while it is used for something else. */
#define FRAME_SIZE offsetof(struct pst_call, scratch)
/* What the operation has left, for those after it. */
void frame_after(struct req *req);
/* A call of its own: a node without references is about to go. */
void frame_forgotten(struct req *req, struct node *node);
/* Makes it the view of one filter, and takes over what is its own (cells) afterwards. */
void frame_enter(struct req *req, const struct link *link);
void frame_leave(struct req *req, struct link *link);
/* A directory and name in the place of the request's: for the program for names. 0 or -errno. */
int frame_name(struct req *req, struct node *dir, const char *name);
/* A name of a listing, as number i of those that are asked about together. false: it is too long. */
bool frame_list(struct req *req, unsigned int i, const char *name, uint64_t ino, uint32_t type);
/* What is known of the name's file. */
void frame_child(struct req *req, const struct statx *stx);

/* After a pre program: makes what it left the request. false: it may not be. */
bool frame_take_request(struct req *req);
/* After PST_DONE: makes what the program filled the answer. false: it is none. */
bool frame_take_answer(struct req *req);

/* What an entry of a listing tells the kernel of; a nodeid of 0: of no file. */
struct told frame_told(const struct fuse_direntplus *entry);
/* Whether argument and names are still what they were before the post programs; makes them so. */
bool frame_asked(const struct req *req, const union pst_in *in);
void frame_ask(struct req *req, const union pst_in *in);
/* The result is before the post programs now. */
void frame_results(struct req *req, int r);
/* After a post program: whether what it left may leave. */
bool frame_take_results(struct req *req);
