// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * INIT, the first request of a connection. The reply enables features, and each feature obliges the
 * daemon to behave in a certain way. So the reply enables only features that code in this tree
 * implements, never all that the kernel offers. No state, no locks.
 */
#include "wire/init.h"

#define NEEDED (FUSE_INIT_EXT | FUSE_SETXATTR_EXT | FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV_V2)

/* The unit of max_pages. */
#define PAGE 4096u

/* The features of every view. struct init_request disables some of them and has extra ones. */
static const uint64_t wanted =
	FUSE_ASYNC_READ | /* several reads of one file at the same time */
	FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |
	FUSE_ATOMIC_O_TRUNC | /* open(O_TRUNC) in one request */
	FUSE_EXPORT_SUPPORT | /* LOOKUP of "." and "..": file handles of the view */
	FUSE_BIG_WRITES | FUSE_MAX_PAGES |
	FUSE_DONT_MASK | /* the default ACL of the lower directory decides about the umask */
	FUSE_HAS_IOCTL_DIR |
	FUSE_AUTO_INVAL_DATA | /* drop cached pages when mtime or size has changed */
	FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |
	FUSE_POSIX_ACL |          /* the kernel checks ACLs, and mode and ACL agree */
	FUSE_CACHE_SYMLINKS |     /* the text of a link never changes while its inode lives */
	FUSE_HANDLE_KILLPRIV_V2 | /* the daemon clears set-ID bits: no GETXATTR for each write */
	FUSE_SETXATTR_EXT | FUSE_INIT_EXT | FUSE_CREATE_SUPP_GROUP | FUSE_HAS_EXPIRE_ONLY |
	FUSE_DIRECT_IO_ALLOW_MMAP | FUSE_PASSTHROUGH | FUSE_ALLOW_IDMAP;

static uint64_t offered_features(const struct wire_msg *msg)
{
	const struct fuse_init_in *in = msg->arg;
	uint64_t offered = in->flags;

	if ((offered & FUSE_INIT_EXT) && msg->data_len >= sizeof(in->flags2))
		offered |= (uint64_t)in->flags2 << 32;
	return offered;
}

int init_negotiate(const struct wire_msg *msg, const struct init_request *request,
		   struct fuse_init_out *ret_out, struct init_negotiated *ret_negotiated)
{
	const struct fuse_init_in *in = msg->arg;
	struct init_negotiated negotiated = { .major = in->major, .minor = in->minor };
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = FUSE_KERNEL_MINOR_VERSION,
	};

	if (in->major > FUSE_KERNEL_VERSION) {
		*ret_out = out;
		return INIT_E_AGAIN;
	}
	if (in->major < FUSE_KERNEL_VERSION || in->minor < INIT_OLDEST_MINOR)
		return INIT_E_OLDER;
	negotiated.offered = offered_features(msg);
	negotiated.features = negotiated.offered & (wanted | request->extra) & ~request->disabled;
	negotiated.max_write = request->max_write;
	if ((negotiated.features & NEEDED) != NEEDED)
		return INIT_E_OLDER;

	out.max_readahead = in->max_readahead;
	out.flags = (uint32_t)negotiated.features;
	out.flags2 = (uint32_t)(negotiated.features >> 32);
	out.max_background = request->max_background;
	out.congestion_threshold = (uint16_t)(request->max_background * 3 / 4);
	out.max_write = negotiated.max_write;
	out.time_gran = 1;
	out.max_pages = (uint16_t)((negotiated.max_write + PAGE - 1) / PAGE);
	if (negotiated.features & FUSE_PASSTHROUGH)
		out.max_stack_depth = request->max_stack_depth;
	*ret_out = out;
	*ret_negotiated = negotiated;
	return 0;
}
