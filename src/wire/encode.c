// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire/encode.h"

#include <linux/stat.h>
#include <string.h>

#define NS_PER_S 1000000000u

/*
 * Packs a device number as the kernel does: the low 8 bits of the minor number, then 12 bits of the
 * major, then the high 12 bits of the minor.
 */
static uint32_t encode_dev(uint32_t major_nr, uint32_t minor_nr)
{
	return (minor_nr & 0xff) | major_nr << 8 | (minor_nr & ~0xffu) << 12;
}

void encode_attr(const struct statx *stx, struct fuse_attr *ret_attr)
{
	*ret_attr = (struct fuse_attr){
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.blocks = stx->stx_blocks,
		.atime = (uint64_t)stx->stx_atime.tv_sec,
		.mtime = (uint64_t)stx->stx_mtime.tv_sec,
		.ctime = (uint64_t)stx->stx_ctime.tv_sec,
		.atimensec = stx->stx_atime.tv_nsec,
		.mtimensec = stx->stx_mtime.tv_nsec,
		.ctimensec = stx->stx_ctime.tv_nsec,
		.mode = stx->stx_mode,
		.nlink = stx->stx_nlink,
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.rdev = encode_dev(stx->stx_rdev_major, stx->stx_rdev_minor),
		.blksize = stx->stx_blksize,
	};
}

void encode_attr_out(const struct statx *stx, uint64_t attr_ns, struct fuse_attr_out *ret_out)
{
	ret_out->attr_valid = attr_ns / NS_PER_S;
	ret_out->attr_valid_nsec = (uint32_t)(attr_ns % NS_PER_S);
	ret_out->dummy = 0;
	encode_attr(stx, &ret_out->attr);
}

static struct fuse_sx_time encode_sx_time(const struct statx_timestamp *ts)
{
	return (struct fuse_sx_time){ .tv_sec = ts->tv_sec, .tv_nsec = ts->tv_nsec };
}

void encode_statx_out(const struct statx *stx, uint64_t attr_ns, struct fuse_statx_out *ret_out)
{
	*ret_out = (struct fuse_statx_out){
		.attr_valid = attr_ns / NS_PER_S,
		.attr_valid_nsec = (uint32_t)(attr_ns % NS_PER_S),
		.stat = {
			.mask = stx->stx_mask & (STATX_BASIC_STATS | STATX_BTIME),
			.blksize = stx->stx_blksize,
			.attributes = stx->stx_attributes,
			.nlink = stx->stx_nlink,
			.uid = stx->stx_uid,
			.gid = stx->stx_gid,
			.mode = stx->stx_mode,
			.ino = stx->stx_ino,
			.size = stx->stx_size,
			.blocks = stx->stx_blocks,
			.attributes_mask = stx->stx_attributes_mask,
			.atime = encode_sx_time(&stx->stx_atime),
			.btime = encode_sx_time(&stx->stx_btime),
			.ctime = encode_sx_time(&stx->stx_ctime),
			.mtime = encode_sx_time(&stx->stx_mtime),
			.rdev_major = stx->stx_rdev_major,
			.rdev_minor = stx->stx_rdev_minor,
			.dev_major = stx->stx_dev_major,
			.dev_minor = stx->stx_dev_minor,
		},
	};
}

void encode_entry_out(const struct statx *stx, uint64_t nodeid, uint64_t generation,
		      uint64_t entry_ns, uint64_t attr_ns, struct fuse_entry_out *ret_out)
{
	ret_out->nodeid = nodeid;
	ret_out->generation = generation;
	ret_out->entry_valid = entry_ns / NS_PER_S;
	ret_out->attr_valid = attr_ns / NS_PER_S;
	ret_out->entry_valid_nsec = (uint32_t)(entry_ns % NS_PER_S);
	ret_out->attr_valid_nsec = (uint32_t)(attr_ns % NS_PER_S);
	encode_attr(stx, &ret_out->attr);
}

void encode_statfs_out(const struct statvfs *st, struct fuse_statfs_out *ret_out)
{
	*ret_out = (struct fuse_statfs_out){
		.st = {
			.blocks = st->f_blocks,
			.bfree = st->f_bfree,
			.bavail = st->f_bavail,
			.files = st->f_files,
			.ffree = st->f_ffree,
			.bsize = (uint32_t)st->f_bsize,
			.namelen = (uint32_t)st->f_namemax,
			.frsize = (uint32_t)st->f_frsize,
		},
	};
}

size_t dirbuf_size(const struct dirbuf *buf, size_t name_len)
{
	return FUSE_REC_ALIGN((buf->plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET) +
			      name_len);
}

bool dirbuf_fits(const struct dirbuf *buf, size_t name_len)
{
	return dirbuf_size(buf, name_len) <= buf->size - buf->len;
}

size_t dirbuf_room(const struct dirbuf *buf)
{
	/*
	 * The records of short names grow most when they are encoded. A name of 4 bytes has a
	 * record of 24 bytes in getdents64(2).
	 */
	return (buf->size - buf->len) / dirbuf_size(buf, 4) * 24;
}

struct fuse_entry_out *dirbuf_add(struct dirbuf *buf, const char *name, size_t name_len,
				  uint64_t ino, uint64_t off, uint32_t type)
{
	size_t size = dirbuf_size(buf, name_len);
	char *at = buf->at + buf->len;
	struct fuse_direntplus *plus = buf->plus ? (struct fuse_direntplus *)at : NULL;
	struct fuse_dirent *dirent = plus ? &plus->dirent : (struct fuse_dirent *)at;

	assert(size <= buf->size - buf->len);
	memset(at + size - 8, 0, 8);
	dirent->ino = ino;
	dirent->off = off;
	dirent->namelen = (uint32_t)name_len;
	dirent->type = type;
	memcpy(dirent->name, name, name_len);
	buf->len += size;
	return plus ? &plus->entry_out : NULL;
}
