// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * lazytar ARCHIVE.tar LOWER MOUNTPOINT [OPTION...]: shows a tar archive as a tree at MOUNTPOINT.
 *
 * LOWER begins as an empty directory. The first lookup in a directory makes its names in LOWER, the
 * first open of a file copies the file out of the archive. From then on it is a file of LOWER,
 * which clients of the view may change. Started again with the same LOWER, the program continues.
 * With a download in the place of sendfile(2) this is a mirror.
 */
#include "tar.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/xattr.h>
#include <unistd.h>

#define PIECE (4 << 20)

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
	uint64_t begin, left = fetch->len;
	off_t at;

	__atomic_add_fetch(&n_fetches, 1, __ATOMIC_RELAXED);
	if (fetch->tag_len != sizeof(begin))
		return -EIO;
	memcpy(&begin, fetch->tag, sizeof(begin));
	at = (off_t)(begin + fetch->off);
	if (lseek(fetch->fd, (off_t)fetch->off, SEEK_SET) < 0)
		return -errno;
	while (left) {
		ssize_t n = sendfile(fetch->fd, archive, &at, left < PIECE ? left : PIECE);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		left -= (uint64_t)n;
		if (pst_fetch_cancelled(fetch))
			return -EINTR;
	}
	return 0;
}

static void choose(struct pst_view_options *options, const char *word)
{
	if (strcmp(word, "passthrough=on") == 0)
		options->passthrough = PST_PASSTHROUGH_ON;
	else if (strcmp(word, "passthrough=off") == 0)
		options->passthrough = PST_PASSTHROUGH_OFF;
	else if (strcmp(word, "transport=dev") == 0)
		options->transport = PST_TRANSPORT_DEV;
	else if (strcmp(word, "transport=uring") == 0)
		options->transport = PST_TRANSPORT_URING;
	else if (strcmp(word, "ro") == 0)
		options->mount_flags = PST_MOUNT_RDONLY;
	else
		errx(2, "no such option: %s", word);
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
	struct pst_view *view;
	struct pst_error error;
	int r;

	if (argc < 4)
		errx(2, "usage: lazytar ARCHIVE.tar LOWER MOUNTPOINT [OPTION...]");
	archive = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (archive < 0)
		err(1, "%s", argv[1]);
	tar_read(archive);
	options.lower = argv[2];
	options.mountpoint = argv[3];
	options.source = &source;
	for (int i = 4; i < argc; i++)
		choose(&options, argv[i]);
	mark(argv[2]);
	if (pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	r = pst_view_wait(view);
	printf("listed %llu directories, fetched %llu files\n", (unsigned long long)n_lists,
	       (unsigned long long)n_fetches);
	pst_view_free(view);
	return r < 0;
}
