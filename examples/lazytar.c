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
 * At the start, the program reads the headers of the archive into a tree in memory: the index, in
 * which the value of a file is the offset of its content in the archive. The tag of a hollow file
 * is its number in the index. libarchive reads the headers; the archive must not be compressed,
 * because files are copied out of the middle.
 *
 * A program that downloads the bytes instead of calling pst_fetch_copy() is a mirror.
 *
 *	cc -o lazytar lazytar.c -lpenstock -larchive
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <archive.h>
#include <archive_entry.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <penstock/source.h>
#include <penstock/tree.h>
#include <stdio.h>
#include <stdlib.h>

static int archive;
static struct pst_tree *index_tree;
static uint64_t n_fetches, n_lists; /* written by several threads */

/* -- the index --------------------------------------------------------------------------------- */

/* Adds a file to the index, in the place of an earlier one of that name. */
static struct pst_inode *add(struct pst_inode *dir, const char *name, const struct statx *stx)
{
	const struct statx_timestamp mtime = dir->stx.stx_mtime;
	struct pst_inode *inode = NULL;
	int r;

	if (pst_tree_remove(index_tree, dir, name, 0) == 0)
		dir->stx.stx_mtime = mtime;
	r = pst_tree_add(index_tree, dir, name, stx, &inode);
	if (r < 0)
		errx(1, "%s in the archive: %s", name, strerror(-r));
	return inode;
}

/*
 * Returns the directory of a path in the index, and makes it if it is new. Sets *ret_name to the
 * last name of the path, NULL if there is none. Changes the path.
 */
static struct pst_inode *parent_of(char *path, const char **ret_name)
{
	static const struct statx unknown = { .stx_mode = S_IFDIR | 0755 };
	struct pst_inode *dir = pst_tree_inode(index_tree, PST_TREE_ROOT);
	const char *name;

	*ret_name = NULL;
	while ((name = strsep(&path, "/"))) {
		struct pst_name *found;

		if (!*name || strcmp(name, ".") == 0)
			continue;
		if (strcmp(name, "..") == 0)
			errx(1, "the archive has a path with '..' in it");
		if (*ret_name) {
			found = pst_tree_find(index_tree, dir, *ret_name);
			dir = found ? found->inode : add(dir, *ret_name, &unknown);
		}
		*ret_name = name;
	}
	return dir;
}

static struct statx attributes_of(struct archive_entry *entry)
{
	return (struct statx){
		.stx_mask = STATX_MODE | STATX_UID | STATX_GID | STATX_MTIME,
		.stx_mode = (uint16_t)archive_entry_mode(entry),
		.stx_uid = (uint32_t)archive_entry_uid(entry),
		.stx_gid = (uint32_t)archive_entry_gid(entry),
		.stx_size = (uint64_t)archive_entry_size(entry),
		.stx_mtime = { archive_entry_mtime(entry),
			       (uint32_t)archive_entry_mtime_nsec(entry), 0 },
		.stx_rdev_major = (uint32_t)archive_entry_rdevmajor(entry),
		.stx_rdev_minor = (uint32_t)archive_entry_rdevminor(entry),
	};
}

static void add_link(struct pst_inode *dir, const char *name, const char *target)
{
	const char *target_name;
	struct pst_inode *target_dir = parent_of(strdupa(target), &target_name);
	struct pst_name *found = target_name ? pst_tree_find(index_tree, target_dir, target_name) :
					       NULL;

	if (!found || pst_tree_link(index_tree, dir, name, found->inode) < 0)
		errx(1, "%s in the archive is a hard link to %s, which cannot be made", name,
		     target);
}

static void add_entry(struct archive_entry *entry, uint64_t content)
{
	const char *path = archive_entry_pathname(entry), *text = archive_entry_symlink(entry);
	struct statx stx = attributes_of(entry);
	struct pst_inode *dir, *inode;
	struct pst_name *found;
	const char *name;

	if (!path || (S_ISLNK(stx.stx_mode) && !text))
		errx(1, "the archive has a name that libarchive cannot read");
	dir = parent_of(strdupa(path), &name);
	if (!name)
		return; /* the root, which is LOWER */
	found = pst_tree_find(index_tree, dir, name);
	if (archive_entry_sparse_count(entry))
		errx(1, "%s in the archive is sparse; make the archive without --sparse", name);
	if (archive_entry_hardlink(entry)) {
		add_link(dir, name, archive_entry_hardlink(entry));
	} else if (found && S_ISDIR(stx.stx_mode)) {
		pst_inode_set(found->inode, &stx, 0);
	} else {
		inode = add(dir, name, &stx);
		inode->value = content;
		if (S_ISLNK(stx.stx_mode))
			inode->data = strdup(text);
	}
}

static void read_index(const char *path)
{
	struct archive *reader = archive_read_new();
	struct archive_entry *entry;
	int r;

	setlocale(LC_CTYPE, "C.UTF-8"); /* of names in archives of the format pax */
	index_tree = pst_tree_new(NULL);
	if (!reader || !index_tree)
		errx(1, "out of memory");
	archive_read_support_format_tar(reader);
	r = archive_read_open_filename(reader, path, 512);
	while (r == ARCHIVE_OK && (r = archive_read_next_header(reader, &entry)) == ARCHIVE_OK)
		add_entry(entry, (uint64_t)archive_filter_bytes(reader, 0));
	if (r != ARCHIVE_EOF)
		errx(1, "%s: %s", path, archive_error_string(reader));
	archive_read_free(reader);
}

/* -- the source -------------------------------------------------------------------------------- */

/* Returns the file of a call. LOWER itself has an empty tag. */
static const struct pst_inode *inode_of(const struct pst_fetch *fetch)
{
	uint64_t number = PST_TREE_ROOT;

	memcpy(&number, fetch->tag, fetch->tag_len == sizeof(number) ? sizeof(number) : 0);
	return pst_tree_inode(index_tree, number);
}

/* Makes the names of a directory. */
static int list(void *aux, struct pst_fetch *fetch)
{
	const struct pst_inode *dir = inode_of(fetch);

	__atomic_add_fetch(&n_lists, 1, __ATOMIC_RELAXED);
	for (struct pst_name *name = dir ? dir->first : NULL; name; name = name->after) {
		struct pst_hollow file = {
			.size = sizeof(file),
			.stx = name->inode->stx,
			.target = name->inode->data,
			.tag = &name->inode->stx.stx_ino,
			.tag_len = sizeof(name->inode->stx.stx_ino),
		};
		int r = pst_hollow_make(fetch->fd, name->text, &file);

		/* An earlier call may have been interrupted. */
		if (r < 0 && r != -EEXIST)
			return r;
	}
	return dir ? 0 : -EIO;
}

static int copy_out(void *aux, struct pst_fetch *fetch)
{
	const struct pst_inode *inode = inode_of(fetch);

	__atomic_add_fetch(&n_fetches, 1, __ATOMIC_RELAXED);
	return inode ? pst_fetch_copy(fetch, archive, inode->value + fetch->off) : -EIO;
}

int main(int argc, char **argv)
{
	struct pst_source source = {
		.size = sizeof(source),
		.list = list,
		.fetch = copy_out,
		.hollow_root = 1,
	};
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
	read_index(argv[1]);
	options.source = &source;
	status = pst_main(argc - 1, argv + 1, &options, NULL, NULL);
	printf("listed %llu directories, fetched %llu files\n", (unsigned long long)n_lists,
	       (unsigned long long)n_fetches);
	return status;
}
