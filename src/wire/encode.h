/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Encodes replies: from struct statx and struct statvfs of the lower file to structs of the ABI. */
#include "wire/abi.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

struct statx;

void encode_attr(const struct statx *stx, struct fuse_attr *ret_attr);
void encode_attr_out(const struct statx *stx, uint64_t attr_ns, struct fuse_attr_out *ret_out);
void encode_statx_out(const struct statx *stx, uint64_t attr_ns, struct fuse_statx_out *ret_out);
void encode_entry_out(const struct statx *stx, uint64_t nodeid, uint64_t generation,
		      uint64_t entry_ns, uint64_t attr_ns, struct fuse_entry_out *ret_out);
void encode_statfs_out(const struct statvfs *st, struct fuse_statfs_out *ret_out);

/*
 * A buffer of directory entries. If plus is true, the entries are those of READDIRPLUS: each has
 * the reply to a LOOKUP of its name.
 */
struct dirbuf {
	char *at;
	size_t size;
	size_t len;
	bool plus;
};
/* Returns the size in bytes of the entry of a name of name_len bytes. */
size_t dirbuf_size(const struct dirbuf *buf, size_t name_len);
/* Returns true if the buffer has room for one more name of name_len bytes. */
bool dirbuf_fits(const struct dirbuf *buf, size_t name_len);
/*
 * Returns how many bytes of getdents64(2) records surely have room in the buffer after they have
 * been encoded, whatever the names are.
 */
size_t dirbuf_room(const struct dirbuf *buf);
/*
 * Appends a name. The caller has checked dirbuf_fits(). If buf->plus is true, returns the memory
 * for the reply to a LOOKUP of the name, which the caller has to fill; else NULL.
 */
struct fuse_entry_out *dirbuf_add(struct dirbuf *buf, const char *name, size_t name_len,
				  uint64_t ino, uint64_t off, uint32_t type);
