/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * A valid request of each operation. Lengths are numbers of the protocol, because they test the
 * table of operations.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wire/abi.h"

#define SAMPLE_HEAD 40u

struct sample {
	uint32_t opcode;
	uint16_t arg_len;
	uint8_t n_names;
	uint8_t count_at;  /* offset in the argument of the count of data; see data_len */
	uint32_t data_len; /* 0: the operation has no data, and no count */
	uint32_t unit;     /* bytes for each 1 of the count */
	bool more;         /* bytes behind the known members are data */
};

static const struct sample samples[] = {
	{ FUSE_LOOKUP, 0, 1 },
	{ FUSE_FORGET, 8, 0 },
	{ FUSE_GETATTR, 16, 0 },
	{ FUSE_SETATTR, 88, 0 },
	{ FUSE_READLINK, 0, 0 },
	{ FUSE_SYMLINK, 0, 2 },
	{ FUSE_MKNOD, 16, 1 },
	{ FUSE_MKDIR, 8, 1 },
	{ FUSE_UNLINK, 0, 1 },
	{ FUSE_RMDIR, 0, 1 },
	{ FUSE_RENAME, 8, 2 },
	{ FUSE_LINK, 8, 1 },
	{ FUSE_OPEN, 8, 0 },
	{ FUSE_READ, 40, 0 },
	{ FUSE_WRITE, 40, 0, 16, 37, 1 },
	{ FUSE_STATFS, 0, 0 },
	{ FUSE_RELEASE, 24, 0 },
	{ FUSE_FSYNC, 16, 0 },
	{ FUSE_SETXATTR, 16, 1, 0, 21, 1 },
	{ FUSE_GETXATTR, 8, 1 },
	{ FUSE_LISTXATTR, 8, 0 },
	{ FUSE_REMOVEXATTR, 0, 1 },
	{ FUSE_FLUSH, 24, 0 },
	{ FUSE_INIT, 16, 0, .more = true },
	{ FUSE_OPENDIR, 8, 0 },
	{ FUSE_READDIR, 40, 0 },
	{ FUSE_RELEASEDIR, 24, 0 },
	{ FUSE_FSYNCDIR, 16, 0 },
	{ FUSE_GETLK, 48, 0 },
	{ FUSE_SETLK, 48, 0 },
	{ FUSE_SETLKW, 48, 0 },
	{ FUSE_ACCESS, 8, 0 },
	{ FUSE_CREATE, 16, 1 },
	{ FUSE_INTERRUPT, 8, 0 },
	{ FUSE_BMAP, 16, 0 },
	{ FUSE_DESTROY, 0, 0 },
	{ FUSE_IOCTL, 32, 0, 24, 13, 1 },
	{ FUSE_POLL, 24, 0 },
	{ FUSE_NOTIFY_REPLY, 40, 0, 16, 9, 1 },
	{ FUSE_BATCH_FORGET, 8, 0, 0, 48, 16 },
	{ FUSE_FALLOCATE, 32, 0 },
	{ FUSE_READDIRPLUS, 40, 0 },
	{ FUSE_RENAME2, 16, 2 },
	{ FUSE_LSEEK, 24, 0 },
	{ FUSE_COPY_FILE_RANGE, 56, 0 },
	{ FUSE_SYNCFS, 8, 0 },
	{ FUSE_TMPFILE, 16, 1 },
	{ FUSE_STATX, 24, 0 },
	{ FUSE_COPY_FILE_RANGE_64, 56, 0 },
};
#define N_SAMPLES (N(samples))

/* Returns true for operations that may have request extensions. */
static inline bool sample_is_extended(uint32_t opcode)
{
	return opcode == FUSE_SYMLINK || opcode == FUSE_MKNOD || opcode == FUSE_MKDIR ||
	       opcode == FUSE_CREATE || opcode == FUSE_TMPFILE;
}

static const char *const sample_names[2] = { "first.name", "the second" };

static inline size_t sample_names_len(const struct sample *s)
{
	return (s->n_names > 0 ? strlen(sample_names[0]) + 1 : 0) +
	       (s->n_names > 1 ? strlen(sample_names[1]) + 1 : 0);
}

static inline size_t sample_len(const struct sample *s, size_t ext_len)
{
	return SAMPLE_HEAD + s->arg_len + sample_names_len(s) + s->data_len + ext_len;
}

static inline void sample_set_count(const struct sample *s, char *arg, uint32_t count)
{
	memcpy(arg + s->count_at, &count, sizeof(count));
}

/* Returns a valid message of sample_len() bytes, for free(). */
static inline char *sample_new(const struct sample *s, size_t ext_len)
{
	size_t len = sample_len(s, ext_len);
	struct fuse_in_header head = {
		.len = (uint32_t)len,
		.opcode = s->opcode,
		.unique = 77,
		.nodeid = 5,
		.total_extlen = (uint16_t)(ext_len / 8),
	};
	char *buf = malloc(len), *at = buf + SAMPLE_HEAD;

	assert(buf);
	memcpy(buf, &head, SAMPLE_HEAD);
	memset(at, 0x5a, s->arg_len);
	if (s->data_len)
		sample_set_count(s, at, s->data_len / s->unit);
	at += s->arg_len;
	for (int i = 0; i < s->n_names; i++)
		at = stpcpy(at, sample_names[i]) + 1;
	memset(at, 0xd7, s->data_len);
	memset(at + s->data_len, 0xee, ext_len);
	return buf;
}
