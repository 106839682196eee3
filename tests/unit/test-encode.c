// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Replies: directory entries, decoded as the kernel does, and attributes. The offsets here are
 * those of the kernel, as numbers.
 */
#include "../test.h"

#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "util/cleanup.h"
#include "wire/encode.h"

#define DIRENT   24u  /* offset of the name in an entry */
#define PLUS     128u /* size of the attributes before the entry, with READDIRPLUS */
#define MAX_NAME 255u

/* Returns the n-th entry of a listing with names of all lengths. */
struct item {
	char name[MAX_NAME + 1];
	size_t len;
	uint64_t ino, off;
	uint32_t type;
	struct fuse_entry_out entry;
};

static struct item item_of(unsigned int n)
{
	struct item item = {
		.len = n * 7 % MAX_NAME + 1,
		.ino = 0x100000000 + n,
		.off = n + 1,
		.type = n % 15,
		.entry = { .nodeid = n % 3 ? 0x80000000 + n : 0,
			   .generation = n,
			   .attr = { .size = n } },
	};

	memset(item.name, 'a' + (int)(n % 26), item.len);
	return item;
}

static uint32_t word32(const char *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static uint64_t word64(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Decodes one entry as the kernel does. Returns its length. */
static size_t check_item(const char *at, size_t left, bool plus, unsigned int n)
{
	struct item item = item_of(n);
	size_t before = plus ? PLUS : 0;
	size_t len = (before + DIRENT + item.len + 7) / 8 * 8;
	const char *dirent = at + before;

	assert_true(left >= len);
	if (plus && item.entry.nodeid)
		assert_memory_equal(at, &item.entry, PLUS);
	else if (plus)
		assert_int_equal(word64(at), 0);
	assert_int_equal(word64(dirent), item.ino);
	assert_int_equal(word64(dirent + 8), item.off);
	assert_int_equal(word32(dirent + 16), item.len);
	assert_int_equal(word32(dirent + 20), item.type);
	assert_memory_equal(dirent + DIRENT, item.name, item.len);
	/* The padding has no byte of an earlier reply. */
	for (size_t pad = before + DIRENT + item.len; pad < len; pad++)
		assert_int_equal(at[pad], 0);
	return len;
}

/* Fills a buffer of this size. Returns the number of entries in it. */
static unsigned int fill(struct dirbuf *buf)
{
	unsigned int n = 0;

	for (;; n++) {
		struct item item = item_of(n);
		struct fuse_entry_out *out;

		if (!dirbuf_fits(buf, item.len))
			return n;
		out = dirbuf_add(buf, item.name, item.len, item.ino, item.off, item.type);
		assert_int_equal(out != NULL, buf->plus);
		if (out)
			*out = item.entry;
	}
}

TEST(listing_decodes_as_encoded, state)
{
	for (size_t size = 0; size < 3000; size += size < 700 ? 1 : 41) {
		for (int plus = 0; plus < 2; plus++) {
			_cleanup_(freep) char *exact = malloc(size);
			struct dirbuf buf = { .at = exact, .size = size, .plus = plus };
			unsigned int n;
			size_t at = 0;

			memset(exact, 0xaa, size);
			n = fill(&buf);
			assert_true(buf.len <= size);
			for (unsigned int i = 0; i < n; i++)
				at += check_item(exact + at, buf.len - at, plus, i);
			assert_int_equal(at, buf.len);
		}
	}
}

/* dirbuf_fits() is exact to the byte. */
TEST(dirbuf_fits_is_exact, state)
{
	for (size_t len = 0; len < 40; len++) {
		for (int plus = 0; plus < 2; plus++) {
			size_t need = ((plus ? PLUS : 0) + DIRENT + len + 7) / 8 * 8;
			struct dirbuf buf = { .size = 1000, .len = 1000 - need, .plus = plus };

			assert_true(dirbuf_fits(&buf, len));
			buf.len++;
			assert_false(dirbuf_fits(&buf, len));
			buf.len = buf.size;
			assert_false(dirbuf_fits(&buf, len));
		}
	}
}

TEST(attr_has_all_fields_of_statx, state)
{
	const struct statx stx = {
		.stx_ino = 0x123456789abc,
		.stx_size = 1ULL << 40,
		.stx_blocks = 99,
		.stx_atime = { .tv_sec = -1, .tv_nsec = 1 },
		.stx_mtime = { .tv_sec = 2, .tv_nsec = 999999999 },
		.stx_ctime = { .tv_sec = 1ULL << 33, .tv_nsec = 3 },
		.stx_mode = S_IFREG | 06755,
		.stx_nlink = 3,
		.stx_uid = 70000,
		.stx_gid = UINT32_MAX - 1,
		.stx_blksize = 4096,
	};
	struct fuse_attr_out out;
	struct fuse_attr *attr = &out.attr;

	memset(&out, 0xff, sizeof(out));
	encode_attr_out(&stx, 2500000001, &out);
	assert_int_equal(out.attr_valid, 2);
	assert_int_equal(out.attr_valid_nsec, 500000001);
	assert_int_equal(out.dummy, 0);
	assert_int_equal(attr->ino, stx.stx_ino);
	assert_int_equal(attr->size, stx.stx_size);
	assert_int_equal(attr->blocks, 99);
	assert_int_equal(attr->atime, (uint64_t)-1);
	assert_int_equal(attr->atimensec, 1);
	assert_int_equal(attr->mtime, 2);
	assert_int_equal(attr->mtimensec, 999999999);
	assert_int_equal(attr->ctime, 1ULL << 33);
	assert_int_equal(attr->ctimensec, 3);
	assert_int_equal(attr->mode, S_IFREG | 06755);
	assert_int_equal(attr->nlink, 3);
	assert_int_equal(attr->uid, 70000);
	assert_int_equal(attr->gid, UINT32_MAX - 1);
	assert_int_equal(attr->blksize, 4096);
	assert_int_equal(attr->flags, 0);
}

/* The kernel packs 12 bits of major in the middle of 20 bits of minor. */
TEST(rdev_is_packed_as_in_kernel, state)
{
	static const struct {
		uint32_t major_nr, minor_nr, rdev;
	} rows[] = {
		{ 0, 0, 0 },
		{ 1, 3, 0x103 },
		{ 8, 255, 0x8ff },
		{ 8, 256, 0x100800 },
		{ 0xfff, 0xfffff, 0xffffffff },
		{ 0xabc, 0x12345, 0x123abc45 },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct statx stx = {
			.stx_rdev_major = rows[i].major_nr,
			.stx_rdev_minor = rows[i].minor_nr,
		};
		struct fuse_attr attr;

		encode_attr(&stx, &attr);
		assert_int_equal(attr.rdev, rows[i].rdev);
	}
}

TEST(entry_has_node_and_timeouts, state)
{
	const struct statx stx = { .stx_ino = 9, .stx_mode = S_IFDIR | 0755 };
	struct fuse_entry_out out;

	memset(&out, 0xff, sizeof(out));
	encode_entry_out(&stx, 0x100000002, 7, 1999999999, 3000000000, &out);
	assert_int_equal(out.nodeid, 0x100000002);
	assert_int_equal(out.generation, 7);
	assert_int_equal(out.entry_valid, 1);
	assert_int_equal(out.entry_valid_nsec, 999999999);
	assert_int_equal(out.attr_valid, 3);
	assert_int_equal(out.attr_valid_nsec, 0);
	assert_int_equal(out.attr.ino, 9);
	assert_int_equal(out.attr.flags, 0);
}

/* The reply to STATX has the mask of the lower file system, without bits that are ours alone. */
TEST(statx_reply_has_mask_of_lower_file, state)
{
	const struct statx stx = {
		.stx_mask = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID,
		.stx_attributes = STATX_ATTR_IMMUTABLE,
		.stx_attributes_mask = STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND,
		.stx_btime = { .tv_sec = 5, .tv_nsec = 6 },
		.stx_mode = S_IFREG | 0600,
		.stx_rdev_major = 1,
		.stx_rdev_minor = 2,
		.stx_ino = 11,
	};
	struct fuse_statx_out out;

	memset(&out, 0xff, sizeof(out));
	encode_statx_out(&stx, 1, &out);
	assert_int_equal(out.attr_valid, 0);
	assert_int_equal(out.attr_valid_nsec, 1);
	assert_int_equal(out.flags, 0);
	assert_int_equal(out.stat.mask, STATX_BASIC_STATS | STATX_BTIME);
	assert_int_equal(out.stat.attributes, STATX_ATTR_IMMUTABLE);
	assert_int_equal(out.stat.attributes_mask, STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
	assert_int_equal(out.stat.btime.tv_sec, 5);
	assert_int_equal(out.stat.btime.tv_nsec, 6);
	assert_int_equal(out.stat.ino, 11);
	assert_int_equal(out.stat.rdev_major, 1);
	assert_int_equal(out.stat.rdev_minor, 2);
	assert_int_equal(out.stat.btime.__reserved, 0);
}

TEST(statfs_reply_has_all_fields, state)
{
	const struct statvfs st = {
		.f_bsize = 4096,
		.f_frsize = 512,
		.f_blocks = 1ULL << 40,
		.f_bfree = 5,
		.f_bavail = 4,
		.f_files = 3,
		.f_ffree = 2,
		.f_namemax = 255,
	};
	struct fuse_statfs_out out;

	memset(&out, 0xff, sizeof(out));
	encode_statfs_out(&st, &out);
	assert_int_equal(out.st.blocks, 1ULL << 40);
	assert_int_equal(out.st.bfree, 5);
	assert_int_equal(out.st.bavail, 4);
	assert_int_equal(out.st.files, 3);
	assert_int_equal(out.st.ffree, 2);
	assert_int_equal(out.st.bsize, 4096);
	assert_int_equal(out.st.frsize, 512);
	assert_int_equal(out.st.namelen, 255);
	assert_int_equal(out.st.padding, 0);
}

TEST_MAIN(NULL, NULL)
