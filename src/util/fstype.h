/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Properties of types of file systems, by the f_type of statfs(2). */
#include <stdbool.h>
#include <stdint.h>

struct fstype {
	uint64_t magic;     /* f_type; 0: not in the table */
	const char *name;   /* a pseudo file system's is the type in mountinfo */
	bool unwatchable;   /* it can change without an event of this kernel */
	bool remote;        /* another machine or process answers: calls may block */
	bool zero_size;     /* its files have st_size 0; reading shows what is in
					   them */
	bool checks_caller; /* it checks permissions itself, beside the kernel's
					   checks */
	bool checks_ids;    /* ... by user and group alone: the owner may mostly do
					   what others may */
	bool pseudo;        /* its files are parts of the kernel: opening and writing
					   them acts */
	bool proc;          /* it shows processes, and to each one itself in other
					   ways */
	bool stacked;       /* it can lie on another file system: the kernel allows
					   two levels */
};

/* Returns the properties of a type; one that is not in the table checks the caller. */
const struct fstype *fstype_find(uint64_t magic);
/* Returns the type of the file system that fd lies on; NULL: fstatfs(2) failed, see errno. */
const struct fstype *fstype_of(int fd);
/* Returns whether a type of mountinfo is a pseudo file system. */
bool fstype_is_pseudo(const char *name);
