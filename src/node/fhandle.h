/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * File handles of the lower file systems: they identify a file without a descriptor.
 *
 * A short handle of a known layout is packed into the 64 bits of a nodeid. So the nodeid alone is
 * enough to find the file again, even after the kernel has forgotten the node and the daemon has
 * freed it.
 */
#include <stdbool.h>
#include <stdint.h>

/* The type of handles that the daemon makes: keys of nodes (node.h). No file system has it. */
#define FHANDLE_OWN 0xff

/* The kernel's longest handle. */
#define FHANDLE_MAX 128

struct fhandle {
	uint8_t len;    /* valid bytes in bytes; 0 if there is no handle */
	uint8_t type;   /* the lower file system's number of the layout */
	uint16_t mount; /* index in the table of lower mounts */
	uint8_t bytes[FHANDLE_MAX];
};

/*
 * Reads the handle of name in dir, or of dir itself if name is "". *ret_mnt_id (may be NULL) is the
 * kernel's number of the mount that the file is on. Sets ret_fh->mount to 0. Returns 0, -EOPNOTSUPP
 * if the file system has no handles, or another -errno.
 */
int fhandle_at(int dir, const char *name, struct fhandle *ret_fh, int *ret_mnt_id);

/*
 * Opens the file of a handle with flags of open(2). mount_fd is a descriptor on its mount,
 * borrowed. Returns a new descriptor or -errno.
 */
int fhandle_open(int mount_fd, const struct fhandle *fh, int flags);

/*
 * Returns 1 if the handle is that of inode ino, 0 if not, -1 if the layout is unknown. 1 is
 * certain, because the number is read from its place in the layout.
 */
int fhandle_is_ino(const struct fhandle *fh, uint64_t ino);

/* How the handles of one file system are packed; read from one of them. */
struct fhandle_shape {
	uint8_t len, type; /* len is 0 if handles are not packed */
	uint64_t root;     /* btrfs: the subvolume */
};
struct fhandle_shape fhandle_shape(const struct fhandle *fh);

/*
 * Packs a handle of mount 0. Returns false if it does not fit or has another shape. Bit 31 of a
 * packed number is clear.
 */
bool fhandle_pack(const struct fhandle_shape *shape, const struct fhandle *fh, uint64_t *ret_id);
/* Restores the packed handle. Returns false if no handle packs to this number. */
bool fhandle_unpack(const struct fhandle_shape *shape, uint64_t id, struct fhandle *ret_fh);
