// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hello [-o OPTION,...] LOWER MOUNTPOINT
 *
 * Shows LOWER with one more file in its root, "hello", which has no lower file.
 *
 *	cc -o hello hello.c -lpenstock
 */
#include <penstock/node.h>

static const char text[] = "Hello, world\n";

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	struct pst_entry hello = {
		.key_len = 1,
		.stx = { .stx_mode = S_IFREG | 0444, .stx_nlink = 1, .stx_size = sizeof(text) - 1 },
	};

	pst_listing_add(listing, "hello", 0, &hello);
	return PST_BACKING; /* and the names of the lower directory */
}

static ssize_t read_file(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	return pst_copy(buf, size, off, text, sizeof(text) - 1);
}

int main(int argc, char **argv)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.timeout_ns = UINT64_MAX, /* the file never changes */
		.quick = PST_ANSWERS_ALL,
		.readdir = list,
		.read = read_file,
	};
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;

	options.node_ops = &ops;
	return pst_main(argc, argv, &options, NULL, NULL);
}
