/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Properties of types of file systems, by the f_type of statfs(2). */
#include <stdbool.h>
#include <stdint.h>

struct fstype {
	uint64_t magic;     /* f_type; 0 if the type is not in the table */
	const char *name;   /* for pseudo file systems the type that mountinfo shows */
	bool unwatchable;   /* it can change without a fanotify event of this kernel */
	bool remote;        /* another machine or process answers, so calls may block */
	bool zero_size;     /* its files have st_size 0, whatever a read returns */
	bool checks_caller; /* it checks permissions itself, after the kernel */
	/*
	 * Its server checks user and group IDs and knows no capabilities, so root may have fewer
	 * permissions on a file than the owner of the file.
	 */
	bool checks_ids;
	bool pseudo; /* its files are parts of the kernel: opens and writes have effects */
	bool proc;   /* proc: it shows processes, and each process sees itself there */
	/*
	 * After a crash of the machine no change of names or attributes is there unless all changes
	 * before it are. (Without its journal, ext4 promises nothing at all after a crash.)
	 */
	bool ordered;
	bool stacked; /* it can lie on another file system; the kernel allows two levels */
};

/* Returns the properties of a type, not NULL. A type that is not in the table has checks_caller. */
const struct fstype *fstype_find(uint64_t magic);
/* Returns the type of the file system that fd lies on; NULL and errno if fstatfs(2) failed. */
const struct fstype *fstype_of(int fd);
/* Returns whether name, a type as mountinfo shows it, is a pseudo file system. */
bool fstype_is_pseudo(const char *name);
