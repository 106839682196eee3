// SPDX-License-Identifier: LGPL-2.1-or-later
/* The flags of requests in words. A flag without a word is left out. No state, no locks. */
#include "request/trace-words.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdint.h>
#include <sys/xattr.h>

struct word {
	uint32_t flag;
	const char *text;
};

/* FMODE_EXEC of the kernel: the file is opened to be executed. */
#define OPEN_EXEC 0x20

static const struct word open_words[] = {
	{ OPEN_EXEC, "execute" },   { O_CREAT, "create" },  { O_EXCL, "exclusive" },
	{ O_TRUNC, "truncate" },    { O_APPEND, "append" }, { O_DIRECT, "direct" },
	{ O_DSYNC, "synchronous" },
};
static const struct word setattr_words[] = {
	{ FATTR_MODE, "mode" },   { FATTR_UID, "owner" },   { FATTR_GID, "group" },
	{ FATTR_SIZE, "size" },   { FATTR_ATIME, "atime" }, { FATTR_MTIME, "mtime" },
	{ FATTR_CTIME, "ctime" },
};
static const struct word rename_words[] = {
	{ RENAME_NOREPLACE, "noreplace" },
	{ RENAME_EXCHANGE, "exchange" },
	{ RENAME_WHITEOUT, "whiteout" },
};
static const struct word setxattr_words[] = {
	{ XATTR_CREATE, "create" },
	{ XATTR_REPLACE, "replace" },
};
static const struct word fallocate_words[] = {
	{ FALLOC_FL_KEEP_SIZE, "keep-size" },     { FALLOC_FL_PUNCH_HOLE, "punch-hole" },
	{ FALLOC_FL_COLLAPSE_RANGE, "collapse" }, { FALLOC_FL_ZERO_RANGE, "zero" },
	{ FALLOC_FL_INSERT_RANGE, "insert" },     { FALLOC_FL_UNSHARE_RANGE, "unshare" },
};

struct words {
	const char **to;
	size_t n, room;
};

static void add(struct words *words, const char *text)
{
	if (words->n < words->room)
		words->to[words->n++] = text;
}

#define ADD_FLAGS(words, flags, table)                                                             \
	add_flags(words, flags, table, sizeof(table) / sizeof(*(table)))
static void add_flags(struct words *words, uint32_t flags, const struct word *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (flags & table[i].flag)
			add(words, table[i].text);
}

static void add_open(struct words *words, uint32_t flags)
{
	uint32_t mode = flags & O_ACCMODE;

	if (mode == O_RDONLY || mode == O_RDWR)
		add(words, "read");
	if (mode == O_WRONLY || mode == O_RDWR)
		add(words, "write");
	ADD_FLAGS(words, flags, open_words);
}

size_t trace_words(const struct wire_msg *msg, const char **ret_words, size_t n)
{
	struct words words = { .to = ret_words, .room = n };

	switch (msg->head->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		add_open(&words, ((const struct fuse_open_in *)msg->arg)->flags);
		break;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		add_open(&words, ((const struct fuse_create_in *)msg->arg)->flags);
		break;
	case FUSE_SETATTR:
		ADD_FLAGS(&words, ((const struct fuse_setattr_in *)msg->arg)->valid, setattr_words);
		break;
	case FUSE_RENAME2:
		ADD_FLAGS(&words, ((const struct fuse_rename2_in *)msg->arg)->flags, rename_words);
		break;
	case FUSE_SETXATTR:
		ADD_FLAGS(&words, ((const struct fuse_setxattr_in *)msg->arg)->flags,
			  setxattr_words);
		break;
	case FUSE_FALLOCATE:
		ADD_FLAGS(&words, ((const struct fuse_fallocate_in *)msg->arg)->mode,
			  fallocate_words);
		break;
	default:
		break;
	}
	return words.n;
}
