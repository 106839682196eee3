// SPDX-License-Identifier: LGPL-2.1-or-later
/* Callbacks that the library has in the place of those that a program lacks. No locks. */
#include "request/serve-calls.h"

#include <errno.h>
#include <fcntl.h>

static const struct pst_node_ops *ops_of(struct pst_request *request)
{
	return &serving_of(request)->req->host->served->ops;
}

static bool has_lower(struct pst_request *request)
{
	return !node_has_no_lower(serving_of(request)->req->node);
}

/* The entry is that of make(); a file without open() needs no other result. */
static int create(struct pst_request *request, const char *name, uint32_t mode, int flags,
		  struct pst_entry *ret_entry, struct pst_opened *ret_opened)
{
	(void)flags;
	(void)ret_opened;
	return ops_of(request)->make(request, name, mode, 0, NULL, ret_entry);
}

static int open_file(struct pst_request *request, int flags, struct pst_opened *ret_opened)
{
	const struct pst_node_ops *ops = ops_of(request);
	struct serving *serving = serving_of(request);

	(void)ret_opened;
	if (has_lower(request))
		return PST_BACKING;
	if ((flags & O_ACCMODE) != O_RDONLY && !ops->write)
		return -EROFS;
	if (!(flags & O_TRUNC))
		return 0;
	if (!ops->setattr)
		return -EPERM;
	serving->change = (struct statx){ .stx_mask = STATX_SIZE };
	return ops->setattr(request, &serving->change, &serving->stx);
}

/* take_offset() makes the offset out of the size, because getattr() may answer later. */
int64_t serve_default_lseek(struct pst_request *request, int64_t off, int whence)
{
	(void)off;
	(void)whence;
	return has_lower(request) ? PST_BACKING :
				    serve_call_getattr(ops_of(request), serving_of(request));
}

/* pst_listing_add() finds the name among those that readdir() adds. */
static int look_up(struct pst_request *request, const char *name, struct pst_entry *ret_entry)
{
	struct pst_listing *listing = &serving_of(request)->listing;

	listing->wanted = name;
	listing->entry = ret_entry;
	return ops_of(request)->readdir(request, 0, listing);
}

void serve_defaults(struct pst_node_ops *ops)
{
	if (!ops->lookup && ops->readdir)
		ops->lookup = look_up;
	if (!ops->create && !ops->open && ops->make)
		ops->create = create;
	if (!ops->open && ops->read)
		ops->open = open_file;
	if (!ops->lseek && ops->read)
		ops->lseek = serve_default_lseek;
}
