/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The kernel's side of a fuzzer's view. It believes answers as far as the kernel does, and keeps
 * the kernel's account of what it was told of. An answer that the kernel could not take, or one
 * that tells of what the view does not know, ends the program.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "wire/abi.h"

#define KERNEL_MAX_WRITE 16384u

/* While it is set, filters are to do nothing. */
extern _Atomic bool view_quiet;

/* The socket that takes the place of /dev/fuse. */
void kernel_connect(int socket);

struct answer {
	int error;
	size_t len;
	_Alignas(8) char data[KERNEL_MAX_WRITE * 2];
};

/* Sends a request of these parts (at most four) behind its header; returns its number. */
uint64_t kernel_send(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n);
/* The one answer to it. */
void kernel_receive(uint64_t unique, struct answer *ret_answer);
void kernel_call(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n,
		 struct answer *ret_answer);
/* What the view itself says, with no filter between; returns the answer's error. */
int kernel_ask_quietly(uint32_t opcode, uint64_t nodeid, void *arg, size_t len);

/* Answers tell of files. type: what was made; 0: any. */
void kernel_learn_entry(const struct fuse_entry_out *entry, uint32_t type);
void kernel_learn_open(const struct fuse_open_out *out, uint64_t id, bool dir);
void kernel_learn_listing(const struct answer *answer, bool plus);

struct kernel_file {
	uint64_t fh, id;
	bool dir;
};
/* One of the nodes that are known; one of the files that are open, false where there is none. */
uint64_t kernel_node(unsigned int n);
bool kernel_file(unsigned int n, struct kernel_file *ret_file);
void kernel_closed(uint64_t fh);

/* Closes and forgets everything but the root, and waits until that is done. */
void kernel_give_back(void);
