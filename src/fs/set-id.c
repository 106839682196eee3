// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Set-user-ID and set-group-ID bits, and file capabilities, of files whose owner the view shows as
 * another one.
 *
 * execve(2) in the view takes the bits and the owner from the attributes that the kernel was told.
 * If a filter or a server replaced the owner and left the bits, the program of an ordinary user
 * would run as whoever is shown. So a bit is shown only beside the owner, or group, that the lower
 * file has. The bit below stays as it is: a chmod of the mode that is shown does not lose it, and
 * cannot set it, because below it would run as the lower owner.
 *
 * The kernel cannot ask for bits to be cleared that it does not know of. So whoever writes to such
 * a file in the view clears them: no backing file is registered with CAP_FSETID (passthrough.c),
 * served writes drop it (data.c), and an open that allows a shared mapping, whose stores nobody
 * announces, clears them itself (open.c). File capabilities survive stores as well, so they are not
 * shown at all.
 *
 * node->foreign remembers FOREIGN_* from the first such answer on, until no filter that could show
 * owners is left. In a directory S_ISGID means inheritance, and stays.
 */
#include "fs/fs-private.h"

#include <errno.h>
#include <string.h>

enum foreign { FOREIGN_UID = 1 << 0, FOREIGN_GID = 1 << 1 };

static uint32_t foreign(const struct node *node)
{
	if (S_ISDIR(node->type))
		return 0;
	return atomic_load_explicit(&node->foreign, memory_order_relaxed);
}

static uint32_t bits_of(uint32_t whose)
{
	return (whose & FOREIGN_UID ? S_ISUID : 0) | (whose & FOREIGN_GID ? S_ISGID : 0);
}

uint32_t fs_show_mode(struct node *node, uint32_t mode, bool other_uid, bool other_gid)
{
	uint32_t whose = (other_uid ? FOREIGN_UID : 0) | (other_gid ? FOREIGN_GID : 0);

	if (S_ISDIR(node->type) || !whose)
		return mode;
	if (whose & ~foreign(node))
		atomic_fetch_or(&node->foreign, (uint8_t)whose);
	return mode & ~bits_of(whose);
}

void fs_show_real(struct fs *fs, struct node *node)
{
	/* A server's answers are others' owners still. */
	if (!S_ISDIR(node->type) && !fs->config.server.fields)
		atomic_store_explicit(&node->foreign, 0, memory_order_relaxed);
}

uint32_t set_id_hidden(const struct node *node)
{
	return bits_of(foreign(node));
}

int set_id_keep(const struct node *node, int fd, struct fs_change *change)
{
	uint32_t hidden = set_id_hidden(node);
	struct statx stx;
	int r;

	if (!hidden || !(change->set & FS_SET_MODE) || authority_is_served(node, STATX_MODE))
		return 0;
	if (change->mode & hidden)
		return -EPERM;
	/* Giving a file away, and changing its data, clears the bits below as well. */
	if (change->set & (FS_SET_UID | FS_SET_GID | FS_SET_SIZE))
		return 0;
	r = lower_stat(fd, &stx);
	if (r == 0)
		change->mode |= stx.stx_mode & hidden;
	return r;
}

bool set_id_is_foreign(const struct node *node)
{
	return foreign(node);
}

bool set_id_is_capability(const struct node *node, const char *xattr)
{
	return foreign(node) && strcmp(xattr, "security.capability") == 0;
}
