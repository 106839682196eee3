// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keys of nodes without a file handle: of files whose file system has none, and of files that a
 * program identifies by bytes of its own.
 *
 * A key of a program is packed into the nodeid if it has at most 8 bytes and, as a number in the
 * byte order of x86, less than 2^59: bits 0 to 30 and 32 to 59 have the number, bits 60 to 62 its
 * length less 1, bits 31 and 63 are set. No state, no locks.
 */
#include "node/node-private.h"

#include <string.h>

#define KEY_BITS 59
#define KEY_LOW  0x7fffffffULL

struct fhandle node_key_own(unsigned int mount, uint32_t dev_major, uint32_t dev_minor,
			    uint64_t ino)
{
	struct fhandle fh = { .len = 16, .type = FHANDLE_OWN, .mount = (uint16_t)mount };

	memcpy(fh.bytes, &dev_major, 4);
	memcpy(fh.bytes + 4, &dev_minor, 4);
	memcpy(fh.bytes + 8, &ino, 8);
	return fh;
}

/*
 * Handles of this type belong to node_key_own(), too, and have 16 bytes. The first byte is the
 * length of what is before the name, which makes the length another one.
 */
struct fhandle node_key_named(const void *name, size_t len)
{
	uint8_t before = len == 15 ? 2 : 1;
	struct fhandle fh = { .len = (uint8_t)(before + len),
			      .type = FHANDLE_OWN,
			      .bytes[0] = before };

	memcpy(fh.bytes + before, name, len);
	return fh;
}

const void *node_key_name(const struct fhandle *fh, size_t *ret_len)
{
	*ret_len = (size_t)fh->len - fh->bytes[0];
	return fh->bytes + fh->bytes[0];
}

static bool is_named(const struct fhandle *fh)
{
	return fh->type == FHANDLE_OWN && fh->len != 16;
}

bool node_pack_key(const void *name, size_t len, uint64_t *ret_id)
{
	uint64_t number = 0;

	if (!len || len > sizeof(number))
		return false;
	/* A copy of a constant length is one instruction. Most keys are such numbers. */
	if (len == sizeof(number))
		memcpy(&number, name, sizeof(number));
	else
		memcpy(&number, name, len);
	if (number >> KEY_BITS)
		return false;
	*ret_id = KEY_FORM | INDEX_FORM | (uint64_t)(len - 1) << 60 | number >> 31 << 32 |
		  (number & KEY_LOW);
	return true;
}

bool node_pack(struct nodetab *tab, const struct fhandle *fh, uint64_t *ret_id)
{
	const void *name;
	size_t len;

	if (!is_named(fh))
		return fhandle_pack(&tab->shape, fh, ret_id);
	name = node_key_name(fh, &len);
	return node_pack_key(name, len, ret_id);
}

bool node_unpack_key(uint64_t id, struct fhandle *ret_fh)
{
	uint64_t number = (id >> 32 & ((1ULL << (KEY_BITS - 31)) - 1)) << 31 | (id & KEY_LOW);

	if (!(id & KEY_FORM) || !(id & INDEX_FORM))
		return false;
	*ret_fh = node_key_named(&number, (id >> 60 & 7) + 1);
	return true;
}
