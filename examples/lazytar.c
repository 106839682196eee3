// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lazytar [-p BYTES] ARCHIVE.tar LOWER MOUNTPOINT [-o OPTION,...]
 *
 * Shows a tar archive as a tree at MOUNTPOINT.
 *
 * LOWER begins as an empty directory. The first lookup in a directory makes its names in LOWER, the
 * first open of a file copies the file out of the archive. From then on it is a file of LOWER,
 * which clients of the view may change. Started again with the same LOWER, the program continues.
 * With -p, files are copied in pieces of BYTES, when clients read them.
 *
 * A program that downloads the bytes instead of calling pst_fetch_copy() is a mirror.
 */
#include "tar.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

static int archive;
static uint64_t n_fetches, n_lists; /* written by several threads */

/* Makes the names of a directory. Its tag is the number of the member; the root has none. */
static int list(void *aux, struct pst_fetch *fetch)
{
	uint64_t number = 0;
	int r = 0;

	__atomic_add_fetch(&n_lists, 1, __ATOMIC_RELAXED);
	memcpy(&number, fetch->tag, fetch->tag_len == sizeof(number) ? sizeof(number) : 0);
	if (number >= n_members)
		return -EIO;
	for (struct member *member = members[number]->children; member; member = member->next) {
		struct pst_hollow file = member->file;

		file.tag = S_ISDIR(file.mode) ? &member->number : &member->data;
		file.tag_len = sizeof(uint64_t);
		r = pst_hollow_make(fetch->fd, member->name, &file);
		/* An earlier call may have been interrupted. */
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return 0;
}

/* Copies a file out of the archive. Its tag is the offset of its content there. */
static int copy_out(void *aux, struct pst_fetch *fetch)
{
	uint64_t begin;

	__atomic_add_fetch(&n_fetches, 1, __ATOMIC_RELAXED);
	if (fetch->tag_len != sizeof(begin))
		return -EIO;
	memcpy(&begin, fetch->tag, sizeof(begin));
	return pst_fetch_copy(fetch, archive, begin + fetch->off);
}

/* LOWER is hollow until the first list(); the next run of this program must not mark it again. */
static void mark(const char *lower)
{
	if (getxattr(lower, "trusted.lazytar", NULL, 0) < 0 &&
	    (setxattr(lower, PST_HOLLOW, "", 0, 0) < 0 ||
	     setxattr(lower, "trusted.lazytar", "", 0, 0) < 0))
		err(1, "%s", lower);
}

int main(int argc, char **argv)
{
	struct pst_source source = { .size = sizeof(source), .list = list, .fetch = copy_out };
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	int status;

	if (argc > 2 && strcmp(argv[1], "-p") == 0) {
		source.when = PST_FETCH_READ;
		source.piece = (uint32_t)atoi(argv[2]);
		argc -= 2;
		argv += 2;
	}
	if (argc < 4)
		errx(2, "usage: lazytar [-p BYTES] ARCHIVE.tar LOWER MOUNTPOINT [-o OPTION,...]");
	archive = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (archive < 0)
		err(1, "%s", argv[1]);
	tar_read(archive);
	mark(argv[2]);
	options.source = &source;
	status = pst_main(argc - 1, argv + 1, &options, NULL, NULL);
	printf("listed %llu directories, fetched %llu files\n", (unsigned long long)n_lists,
	       (unsigned long long)n_fetches);
	return status;
}
