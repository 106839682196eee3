// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * File handles: reads and opens them, and packs those of a known layout into 64 bits.
 *
 * A packed number is generation << 32 | inode number. Inode numbers of 2^31 and more do not fit,
 * because bit 31 tells packed numbers from nodeids that are indexes (node.c). No state, no locks.
 */
#include "node/fhandle.h"
#include "util/cpu.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

/* A layout: where handles of this type and length have their numbers, in host byte order. */
struct layout {
	uint8_t type, len;
	uint8_t ino_at, ino_len; /* inode number; 4 or 8 bytes */
	uint8_t gen_at;          /* generation; 4 bytes */
	uint8_t root_at;         /* subvolume; 8 bytes; 0 if the layout has none */
};

static const struct layout layouts[] = {
	{ 0x01, 8, 0, 4, 4, 0 },   /* ext4, and xfs with small inode numbers */
	{ 0x81, 12, 0, 8, 8, 0 },  /* xfs */
	{ 0x01, 12, 4, 8, 0, 0 },  /* tmpfs */
	{ 0x4d, 20, 0, 8, 16, 8 }, /* btrfs */
};

#define MAX_TRIES 100

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
	/* struct fhandle keeps the type in a byte, which is enough for all file systems. */
	if (buf.head.handle_type < 0 || buf.head.handle_type > 0xff)
		return -EOPNOTSUPP;
	ret_fh->len = (uint8_t)buf.head.handle_bytes;
	ret_fh->type = (uint8_t)buf.head.handle_type;
	ret_fh->mount = 0;
	memcpy(ret_fh->bytes, buf.head.f_handle, buf.head.handle_bytes);
	if (ret_mnt_id)
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
	 * ext4 also returns ENOMEM while it reuses the inode number for another file. A moment
	 * later it returns ESTALE.
	 */
	do {
		if (tries)
			cpu_spin_backoff();
		fd = open_by_handle_at(mount_fd, &buf.head, flags | O_CLOEXEC);
	} while (fd < 0 && errno == ENOMEM && tries++ < MAX_TRIES);
	return fd < 0 ? -errno : fd;
}

/* Returns the layout of a handle, or NULL if it is unknown. */
static const struct layout *layout_of(uint8_t type, uint8_t len)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].type == type && layouts[i].len == len)
			return &layouts[i];
	return NULL;
}

static uint64_t number_at(const struct fhandle *fh, uint8_t at, uint8_t len)
{
	uint64_t word64;
	uint32_t word32;

	if (len == sizeof(word32)) {
		memcpy(&word32, fh->bytes + at, sizeof(word32));
		return word32;
	}
	memcpy(&word64, fh->bytes + at, sizeof(word64));
	return word64;
}

static void number_put(struct fhandle *fh, uint8_t at, uint8_t len, uint64_t number)
{
	uint32_t word32 = (uint32_t)number;

	memcpy(fh->bytes + at, len == sizeof(word32) ? (void *)&word32 : &number, len);
}

static uint64_t ino_of(const struct layout *layout, const struct fhandle *fh)
{
	return number_at(fh, layout->ino_at, layout->ino_len);
}

static uint64_t root_of(const struct layout *layout, const struct fhandle *fh)
{
	return layout->root_at ? number_at(fh, layout->root_at, 8) : 0;
}

int fhandle_is_ino(const struct fhandle *fh, uint64_t ino)
{
	const struct layout *layout = layout_of(fh->type, fh->len);

	return layout ? ino_of(layout, fh) == ino : -1;
}

struct fhandle_shape fhandle_shape(const struct fhandle *fh)
{
	const struct layout *layout = layout_of(fh->type, fh->len);

	if (!layout)
		return (struct fhandle_shape){ 0 };
	return (struct fhandle_shape){ fh->len, fh->type, root_of(layout, fh) };
}

bool fhandle_pack(const struct fhandle_shape *shape, const struct fhandle *fh, uint64_t *ret_id)
{
	const struct layout *layout;
	uint64_t ino, gen;

	if (!shape->len || fh->mount || fh->type != shape->type || fh->len != shape->len)
		return false;
	layout = layout_of(fh->type, fh->len);
	if (root_of(layout, fh) != shape->root)
		return false;
	ino = ino_of(layout, fh);
	gen = number_at(fh, layout->gen_at, 4);
	/* To the kernel, nodeid 0 means "none" and 1 "the root". */
	if (ino >> 31 || (gen == 0 && ino <= 1))
		return false;
	*ret_id = gen << 32 | ino;
	return true;
}

bool fhandle_unpack(const struct fhandle_shape *shape, uint64_t id, struct fhandle *ret_fh)
{
	const struct layout *layout = layout_of(shape->type, shape->len);
	struct fhandle fh = { .len = shape->len, .type = shape->type };

	if (!layout || (id & 0x80000000) || id <= 1)
		return false;
	number_put(&fh, layout->ino_at, layout->ino_len, id & 0x7fffffff);
	number_put(&fh, layout->gen_at, 4, id >> 32);
	if (layout->root_at)
		number_put(&fh, layout->root_at, 8, shape->root);
	*ret_fh = fh;
	return true;
}
