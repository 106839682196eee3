// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hello LOWER MOUNTPOINT
 *
 * Shows LOWER with one more file in its root, "hello", which has no lower file.
 *
 *	cc -o hello hello.c -lpenstock
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <penstock/node.h>

static const char text[] = "Hello, world\n";

/* The program looks up and lists names of the root; the rest of LOWER is as it is. */
static uint32_t answers(void *aux, const struct pst_file *file)
{
	return file->nodeid == 1 ? PST_ANSWERS_LOOKUP | PST_ANSWERS_READDIR : 0;
}

static int get_attributes(struct pst_request *req, struct statx *stx)
{
	stx->stx_mode = S_IFREG | 0444;
	stx->stx_nlink = 1;
	stx->stx_size = strlen(text);
	return 0;
}

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	if (strcmp(name, "hello") != 0)
		return PST_BACKING;
	pst_entry_key(entry, name, strlen(name));
	return get_attributes(req, &entry->stx);
}

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	struct pst_entry entry = { 0 };

	look_up(req, "hello", &entry);
	if (at == 0)
		pst_listing_add(listing, "hello", 1, &entry);
	return PST_BACKING; /* and the names of the lower directory */
}

static int open_file(struct pst_request *req, int flags, struct pst_opened *opened)
{
	return (flags & O_ACCMODE) == O_RDONLY ? 0 : -EROFS;
}

static ssize_t read_file(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	size_t left = off < strlen(text) ? strlen(text) - off : 0, n = left < size ? left : size;

	if (n)
		memcpy(buf, text + off, n);
	return (ssize_t)n;
}

int main(int argc, char **argv)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.timeout_ns = UINT64_MAX, /* the file never changes */
		.quick = PST_ANSWERS_ALL,
		.ops = answers,
		.lookup = look_up,
		.getattr = get_attributes,
		.readdir = list,
		.open = open_file,
		.read = read_file,
	};
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_error error;
	struct pst_view *view;

	if (argc != 3)
		errx(2, "usage: hello LOWER MOUNTPOINT");
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.node_ops = &ops;
	if (pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	pst_view_wait(view);
	pst_view_free(view);
}
