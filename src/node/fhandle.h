/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * File handles of the lower file systems: what a file is, without a descriptor.
 *
 * A handle that is short and has a known layout is packed into the 64 bits of a nodeid, and back:
 * then the nodeid alone is enough to find the file again, whatever has been forgotten in between.
 */
#include <stdbool.h>
#include <stdint.h>

/* As long as the kernel's longest. */
#define FHANDLE_MAX 128

struct fhandle {
	uint8_t len;    /* bytes used, the others say nothing; 0: none */
	uint8_t type;   /* the lower file system's own number for the layout */
	uint16_t mount; /* index in the table of lower mounts */
	uint8_t bytes[FHANDLE_MAX];
};

/*
 * The handle of name in dir, or of dir itself where name is "". *ret_mnt_id is the kernel's number
 * of the mount that the file is on; ret_fh->mount is left 0. -EOPNOTSUPP where the file system has
 * no handles.
 */
int fhandle_at(int dir, const char *name, struct fhandle *ret_fh, int *ret_mnt_id);

/* Opens the file that a handle stands for, through a descriptor of its mount. Returns the fd. */
int fhandle_open(int mount_fd, const struct fhandle *fh, int flags);

/*
 * Whether the handle is that of inode ino: 1 yes, 0 no, -1 where the layout is not known. A yes is
 * certain: the number is read from its place in the layout.
 */
int fhandle_is_ino(const struct fhandle *fh, uint64_t ino);

bool fhandle_equal(const struct fhandle *a, const struct fhandle *b);

/* How the handles of one file system are packed; learned from one of them. */
struct fhandle_shape {
	uint8_t kind; /* enum in fhandle.c; 0: not packed */
	uint8_t len, type;
	uint64_t root; /* btrfs: the subvolume */
};
struct fhandle_shape fhandle_shape(const struct fhandle *fh);

/* Packs a handle of mount 0; false where it does not fit. Bit 31 of a packed number is clear. */
bool fhandle_pack(const struct fhandle_shape *shape, const struct fhandle *fh, uint64_t *ret_id);
/* The handle that was packed; false where no handle packs to this number. */
bool fhandle_unpack(const struct fhandle_shape *shape, uint64_t id, struct fhandle *ret_fh);
