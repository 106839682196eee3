// SPDX-License-Identifier: LGPL-2.1-or-later
/* The INIT negotiation with kernels of all versions, and the features that a view gets. */
#include "../test.h"

#include <stdio.h>
#include <string.h>

#include "wire/init.h"

#define MUST (FUSE_INIT_EXT | FUSE_SETXATTR_EXT | FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2)

/* The features of Linux 6.18, and of 5.17. */
#define NEW                                                                                        \
	(MUST | FUSE_PASSTHROUGH | FUSE_ALLOW_IDMAP | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |        \
	 FUSE_EXPORT_SUPPORT | FUSE_DO_READDIRPLUS | FUSE_CREATE_SUPP_GROUP | FUSE_OVER_IO_URING | \
	 FUSE_REQUEST_TIMEOUT | FUSE_SECURITY_CTX | FUSE_HAS_INODE_DAX | FUSE_WRITEBACK_CACHE |    \
	 FUSE_NO_OPEN_SUPPORT | FUSE_SPLICE_READ | FUSE_HAS_RESEND | FUSE_HANDLE_KILLPRIV)
#define OLD (MUST | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_EXPORT_SUPPORT | FUSE_SECURITY_CTX)

static const struct init_request wants = {
	.max_write = 1 << 20,
	.max_stack_depth = 2,
	.max_background = 64,
};

/* An INIT request of a kernel. with_ext: its argument includes the second half. */
struct offer {
	uint32_t major, minor;
	uint64_t flags;
	bool with_ext;
};

static int negotiate(const struct offer *offer, const struct init_request *w,
		     struct fuse_init_out *out, struct init_negotiated *negotiated)
{
	struct fuse_init_in in = {
		.major = offer->major,
		.minor = offer->minor,
		.max_readahead = 131072,
		.flags = (uint32_t)offer->flags,
		.flags2 = (uint32_t)(offer->flags >> 32),
	};
	struct {
		struct fuse_in_header head;
		char in[sizeof(in)];
	} message = { .head = { .opcode = FUSE_INIT } };
	size_t len = offer->with_ext ? sizeof(in) : 16;
	struct wire_msg msg;

	message.head.len = (uint32_t)(sizeof(message.head) + len);
	memcpy(message.in, &in, len);
	assert_int_equal(wire_decode(&message, message.head.len, &msg), 0);
	memset(out, 0xee, sizeof(*out));
	memset(negotiated, 0xee, sizeof(*negotiated));
	return init_negotiate(&msg, w, out, negotiated);
}

TEST(too_old_kernel_is_refused, state)
{
	static const struct {
		struct offer offer;
		int result;
	} rows[] = {
		{ { 7, 45, NEW, true }, 0 },
		{ { 7, 44, NEW, true }, 0 },
		{ { 7, 37, OLD, true }, 0 },
		{ { 7, 99, NEW, true }, 0 },
		{ { 7, 36, OLD, true }, INIT_E_OLDER },
		{ { 7, 31, MUST & ~FUSE_INIT_EXT, false }, INIT_E_OLDER },
		{ { 7, 12, 0, false }, INIT_E_OLDER },
		{ { 7, 0, 0, false }, INIT_E_OLDER },
		{ { 6, 99, NEW, true }, INIT_E_OLDER },
		{ { 0, 0, 0, false }, INIT_E_OLDER },
		{ { 8, 0, NEW, true }, INIT_E_AGAIN },
		{ { UINT32_MAX, 0, 0, false }, INIT_E_AGAIN },
		/* One of the required features is missing. */
		{ { 7, 45, NEW & ~FUSE_INIT_EXT, true }, INIT_E_OLDER },
		{ { 7, 45, NEW & ~FUSE_SETXATTR_EXT, true }, INIT_E_OLDER },
		{ { 7, 45, NEW & ~FUSE_MAX_PAGES, true }, INIT_E_OLDER },
		{ { 7, 45, NEW & ~FUSE_HANDLE_KILLPRIV_V2, true }, INIT_E_OLDER },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct fuse_init_out out;
		struct init_negotiated negotiated;

		assert_int_equal(negotiate(&rows[i].offer, &wants, &out, &negotiated),
				 rows[i].result);
		if (rows[i].result == INIT_E_OLDER)
			continue;
		assert_int_equal(out.major, 7);
		assert_int_equal(out.minor, 45);
		if (rows[i].result == INIT_E_AGAIN)
			continue;
		assert_int_equal(negotiated.major, rows[i].offer.major);
		assert_int_equal(negotiated.minor, rows[i].offer.minor);
		assert_int_equal(negotiated.offered, rows[i].offer.flags);
	}
}

/* A view gets only features that the kernel offers and that the view wants. */
TEST(features_are_offered_and_wanted, state)
{
	static const uint64_t never =
		FUSE_OVER_IO_URING | FUSE_REQUEST_TIMEOUT | FUSE_SECURITY_CTX | FUSE_HAS_INODE_DAX |
		FUSE_WRITEBACK_CACHE | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT |
		FUSE_HANDLE_KILLPRIV | FUSE_NO_EXPORT_SUPPORT | FUSE_MAP_ALIGNMENT |
		FUSE_HAS_RESEND | FUSE_INIT_RESERVED | FUSE_EXPLICIT_INVAL_DATA;
	static const struct offer offers[] = { { 7, 45, NEW, true },
					       { 7, 37, OLD, true },
					       { 7, 45, UINT64_MAX, true } };

	for (size_t i = 0; i < N(offers); i++) {
		struct fuse_init_out out;
		struct init_negotiated negotiated;
		uint64_t told;

		assert_int_equal(negotiate(&offers[i], &wants, &out, &negotiated), 0);
		told = out.flags | (uint64_t)out.flags2 << 32;
		assert_int_equal(told, negotiated.features);
		assert_int_equal(told & ~offers[i].flags, 0);
		assert_int_equal(told & never, 0);
		assert_int_equal(told & MUST, MUST);
		assert_int_equal(out.max_stack_depth, told & FUSE_PASSTHROUGH ? 2 : 0);
		assert_int_equal(out.max_readahead, 131072);
		assert_int_equal(out.max_background, 64);
		assert_int_equal(out.congestion_threshold, 48);
		assert_int_equal(out.time_gran, 1);
		assert_int_equal(out.map_alignment, 0);
		assert_int_equal(out.request_timeout, 0);
		for (size_t j = 0; j < N(out.unused); j++)
			assert_int_equal(out.unused[j], 0);
	}
}

/* A view gets a feature of init_request.extra if the kernel offers it. */
TEST(extra_feature_is_negotiated_where_offered, state)
{
	static const struct offer new = { 7, 45, NEW, true }, old = { 7, 37, OLD, true };
	struct init_request extra = wants;
	struct fuse_init_out out;
	struct init_negotiated negotiated;

	extra.extra = FUSE_OVER_IO_URING;
	assert_int_equal(negotiate(&new, &extra, &out, &negotiated), 0);
	assert_true(negotiated.features & FUSE_OVER_IO_URING);
	assert_int_equal(out.flags2, negotiated.features >> 32);
	assert_int_equal(negotiate(&old, &extra, &out, &negotiated), 0);
	assert_false(negotiated.features & FUSE_OVER_IO_URING);
}

/* Flags from bit 32 on count only with FUSE_INIT_EXT and an argument that is long enough. */
TEST(features_from_bit_32_on_need_init_ext, state)
{
	static const struct offer offer = { 7, 45, NEW, false };
	struct fuse_init_out out;
	struct init_negotiated negotiated;

	assert_int_equal(negotiate(&offer, &wants, &out, &negotiated), 0);
	assert_int_equal(negotiated.offered >> 32, 0);
	assert_int_equal(out.flags2, 0);
	assert_int_equal(out.max_stack_depth, 0);
}

TEST(disabled_feature_is_not_negotiated, state)
{
	static const struct offer offer = { 7, 45, NEW, true };
	static const uint64_t optional[] = { FUSE_PASSTHROUGH, FUSE_ALLOW_IDMAP, FUSE_POSIX_LOCKS,
					     FUSE_FLOCK_LOCKS, FUSE_EXPORT_SUPPORT };

	for (size_t i = 0; i < N(optional); i++) {
		struct init_request less = wants;
		struct fuse_init_out out;
		struct init_negotiated negotiated;

		assert_int_equal(negotiate(&offer, &less, &out, &negotiated), 0);
		assert_true(negotiated.features & optional[i]);
		less.disabled = optional[i];
		assert_int_equal(negotiate(&offer, &less, &out, &negotiated), 0);
		assert_false(negotiated.features & optional[i]);
		assert_int_equal(out.flags | (uint64_t)out.flags2 << 32, negotiated.features);
	}
}

/* max_pages counts the last page of max_write, which may not be full. */
TEST(max_pages_covers_max_write, state)
{
	static const struct {
		uint32_t max_write, max_pages;
	} rows[] = {
		{ 4096, 1 },   { 4097, 2 },      { 8192, 2 },
		{ 65536, 16 }, { 1 << 20, 256 }, { 1 << 24, 4096 },
	};
	static const struct offer offer = { 7, 45, NEW, true };

	for (size_t i = 0; i < N(rows); i++) {
		struct init_request w = wants;
		struct fuse_init_out out;
		struct init_negotiated negotiated;

		w.max_write = rows[i].max_write;
		assert_int_equal(negotiate(&offer, &w, &out, &negotiated), 0);
		assert_int_equal(out.max_write, rows[i].max_write);
		assert_int_equal(negotiated.max_write, rows[i].max_write);
		assert_int_equal(out.max_pages, rows[i].max_pages);
	}
}

TEST_MAIN(NULL, NULL)
