/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The kernel's side of a fuzzer's view. It checks replies as the kernel does, and counts nodes and
 * open files as the kernel does. It aborts at a reply that the kernel would refuse, or that has a
 * node or file which the view does not know.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "wire/abi.h"

#define KERNEL_MAX_WRITE 16384u

/* If set, filters do nothing. */
extern _Atomic bool view_quiet;

/* The socket that replaces /dev/fuse. */
void kernel_connect(int socket);

struct answer {
	int error;
	size_t len;
	_Alignas(8) char data[KERNEL_MAX_WRITE * 2];
};

/* Sends a request of a header and these parts (at most four); returns its number. */
uint64_t kernel_send(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n);
/* Returns the reply to that request. */
void kernel_receive(uint64_t unique, struct answer *ret_answer);
void kernel_call(uint32_t opcode, uint64_t nodeid, const struct iovec *parts, int n,
		 struct answer *ret_answer);
/* Asks the view without filters. Returns the error of the reply. */
int kernel_ask_quietly(uint32_t opcode, uint64_t nodeid, void *arg, size_t len);

/* Count the files of replies. type: of the created file; 0: any. */
void kernel_learn_entry(const struct fuse_entry_out *entry, uint32_t type);
void kernel_learn_open(const struct fuse_open_out *out, uint64_t id, bool dir);
void kernel_learn_listing(const struct answer *answer, bool plus);

struct kernel_file {
	uint64_t fh, id;
	bool dir;
};
/* Choose one of the known nodes, or of the open files; false if there is none. */
uint64_t kernel_node(unsigned int n);
bool kernel_file(unsigned int n, struct kernel_file *ret_file);
void kernel_closed(uint64_t fh);

/* Closes all files, forgets all nodes but the root, and waits until that is done. */
void kernel_give_back(void);
