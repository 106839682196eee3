// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The layouts known here, all little pieces of memory in host byte order:
 *
 *	INO32	type 1, 8 bytes		ino32, generation32		(ext4, xfs: small numbers)
 *	XFS64	type 0x81, 12 bytes	ino64, generation32
 *	SHMEM	type 1, 12 bytes	generation32, ino low, ino high	(tmpfs)
 *	BTRFS	type 0x4d, 20 bytes	ino64, subvolume64, generation32
 *
 * A packed number is generation << 32 | ino. Inode numbers with bit 31 or higher bits set do not
 * fit; bit 31 tells packed numbers from the table's own (node.c).
 */
#include "node/fhandle.h"
#include "util/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

enum kind { KIND_NONE, KIND_INO32, KIND_XFS64, KIND_SHMEM, KIND_BTRFS };

#define MAX_TRIES 100

#define TYPE_INO32 1
#define TYPE_XFS64 0x81
#define TYPE_BTRFS 0x4d

union file_handle_buf {
	struct file_handle head;
	char space[sizeof(struct file_handle) + FHANDLE_MAX];
};

int fhandle_at(int dir, const char *name, struct fhandle *ret_fh, int *ret_mnt_id)
{
	union file_handle_buf buf;
	int mnt_id;

	buf.head.handle_bytes = FHANDLE_MAX;
	if (name_to_handle_at(dir, name, &buf.head, &mnt_id, name[0] ? 0 : AT_EMPTY_PATH) < 0)
		return errno == EOVERFLOW ? -EOPNOTSUPP : -errno;
	/* Layout numbers are kept in a byte: all that exist fit. */
	if (buf.head.handle_type < 0 || buf.head.handle_type > 0xff)
		return -EOPNOTSUPP;
	ret_fh->len = (uint8_t)buf.head.handle_bytes;
	ret_fh->type = (uint8_t)buf.head.handle_type;
	ret_fh->mount = 0;
	memcpy(ret_fh->bytes, buf.head.f_handle, buf.head.handle_bytes);
	*ret_mnt_id = mnt_id;
	return 0;
}

int fhandle_open(int mount_fd, const struct fhandle *fh, int flags)
{
	union file_handle_buf buf;
	int fd, tries = 0;

	buf.head.handle_bytes = fh->len;
	buf.head.handle_type = fh->type;
	memcpy(buf.head.f_handle, fh->bytes, fh->len);
	/*
	 * ENOMEM is also what ext4 says while the number of the inode is just being given to
	 * another file. A moment later it says ESTALE.
	 */
	do {
		if (tries)
			cpu_spin_backoff();
		fd = open_by_handle_at(mount_fd, &buf.head, flags | O_CLOEXEC);
	} while (fd < 0 && errno == ENOMEM && tries++ < MAX_TRIES);
	return fd < 0 ? -errno : fd;
}

static enum kind kind_of(const struct fhandle *fh)
{
	if (fh->type == TYPE_INO32 && fh->len == 8)
		return KIND_INO32;
	if (fh->type == TYPE_INO32 && fh->len == 12)
		return KIND_SHMEM;
	if (fh->type == TYPE_XFS64 && fh->len == 12)
		return KIND_XFS64;
	if (fh->type == TYPE_BTRFS && fh->len == 20)
		return KIND_BTRFS;
	return KIND_NONE;
}

static uint32_t word32(const struct fhandle *fh, size_t at)
{
	uint32_t word;

	memcpy(&word, fh->bytes + at, sizeof(word));
	return word;
}

static uint64_t word64(const struct fhandle *fh, size_t at)
{
	uint64_t word;

	memcpy(&word, fh->bytes + at, sizeof(word));
	return word;
}

/* Inode number and generation of a handle with a known layout. */
static void parts_of(const struct fhandle *fh, enum kind kind, uint64_t *ret_ino, uint32_t *ret_gen)
{
	switch (kind) {
	case KIND_INO32:
		*ret_ino = word32(fh, 0);
		*ret_gen = word32(fh, 4);
		break;
	case KIND_XFS64:
		*ret_ino = word64(fh, 0);
		*ret_gen = word32(fh, 8);
		break;
	case KIND_SHMEM:
		*ret_ino = word64(fh, 4);
		*ret_gen = word32(fh, 0);
		break;
	case KIND_BTRFS:
		*ret_ino = word64(fh, 0);
		*ret_gen = word32(fh, 16);
		break;
	case KIND_NONE:
		break;
	}
}

int fhandle_is_ino(const struct fhandle *fh, uint64_t ino)
{
	enum kind kind = kind_of(fh);
	uint64_t have = 0;
	uint32_t gen;

	if (kind == KIND_NONE)
		return -1;
	parts_of(fh, kind, &have, &gen);
	return have == ino;
}

bool fhandle_equal(const struct fhandle *a, const struct fhandle *b)
{
	return a->len == b->len && a->type == b->type && a->mount == b->mount &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

struct fhandle_shape fhandle_shape(const struct fhandle *fh)
{
	enum kind kind = kind_of(fh);

	return (struct fhandle_shape){
		.kind = (uint8_t)kind,
		.len = fh->len,
		.type = fh->type,
		.root = kind == KIND_BTRFS ? word64(fh, 8) : 0,
	};
}

bool fhandle_pack(const struct fhandle_shape *shape, const struct fhandle *fh, uint64_t *ret_id)
{
	uint64_t ino = 0;
	uint32_t gen = 0;

	if (!shape->kind || fh->mount || fh->type != shape->type || fh->len != shape->len)
		return false;
	if (shape->kind == KIND_BTRFS && word64(fh, 8) != shape->root)
		return false;
	parts_of(fh, shape->kind, &ino, &gen);
	/* Numbers 0 and 1 mean "none" and "root" to the kernel. */
	if (ino >> 31 || (gen == 0 && ino <= 1))
		return false;
	*ret_id = (uint64_t)gen << 32 | ino;
	return true;
}

bool fhandle_unpack(const struct fhandle_shape *shape, uint64_t id, struct fhandle *ret_fh)
{
	struct fhandle fh = { .len = shape->len, .type = shape->type };
	uint64_t ino = id & 0x7fffffff;
	uint32_t gen = (uint32_t)(id >> 32);

	if (!shape->kind || (id & 0x80000000) || id <= 1)
		return false;
	switch ((enum kind)shape->kind) {
	case KIND_INO32:
		memcpy(fh.bytes, &ino, 4);
		memcpy(fh.bytes + 4, &gen, 4);
		break;
	case KIND_XFS64:
		memcpy(fh.bytes, &ino, 8);
		memcpy(fh.bytes + 8, &gen, 4);
		break;
	case KIND_SHMEM:
		memcpy(fh.bytes, &gen, 4);
		memcpy(fh.bytes + 4, &ino, 8);
		break;
	case KIND_BTRFS:
		memcpy(fh.bytes, &ino, 8);
		memcpy(fh.bytes + 8, &shape->root, 8);
		memcpy(fh.bytes + 16, &gen, 4);
		break;
	case KIND_NONE:
		return false;
	}
	*ret_fh = fh;
	return true;
}
