/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The FUSE ABI. Other files in src/ include this header instead of <penstock/fuse.h>. */
#include <assert.h>
#include <stddef.h>

#include <penstock/fuse.h>

static_assert(sizeof(struct fuse_in_header) == 40, "wire format");
static_assert(sizeof(struct fuse_out_header) == 16, "wire format");
static_assert(sizeof(struct fuse_init_in) == 64, "wire format");
static_assert(sizeof(struct fuse_init_out) == 64, "wire format");
static_assert(sizeof(struct fuse_attr) == 88, "wire format");
static_assert(sizeof(struct fuse_entry_out) == 128, "wire format");
static_assert(sizeof(struct fuse_attr_out) == 104, "wire format");
static_assert(sizeof(struct fuse_statx_out) == 288, "wire format");
static_assert(sizeof(struct fuse_setattr_in) == 88, "wire format");
static_assert(sizeof(struct fuse_open_out) == 16, "wire format");
static_assert(sizeof(struct fuse_write_in) == 40, "wire format");
static_assert(sizeof(struct fuse_statfs_out) == 80, "wire format");
static_assert(sizeof(struct fuse_lk_in) == 48, "wire format");
static_assert(sizeof(struct fuse_copy_file_range_in) == 56, "wire format");
static_assert(sizeof(struct fuse_uring_req_header) == 288, "wire format");
