// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attributes that a server decides (struct pst_server). Each attribute of each node has one
 * authority: the server, or the lower inode. The view reads the server's attributes from the server
 * for every reply with attributes, and sends changes of them to the server. All other attributes,
 * among them size and blocks, are those of the inode, where reads and writes that pass through
 * change them.
 *
 * A write to a file, and chown(2), clear set-ID bits. The lower file system clears those of the
 * inode's mode; this file clears those of a server's mode. Files whose mode the server decides are
 * always registered without CAP_FSETID, so writes also clear the bits of the lower inode
 * (passthrough.c).
 *
 * node->served is the mask of STATX_* that the server decides, with ASKED after fields() has
 * returned it. If two threads call fields() at the same time, the first result counts. The last bit
 * is that of keyed.c. No locks.
 */
#include "fs/creds.h"
#include "fs/fs-private.h"
#include "fs/hollow-private.h"
#include "fs/keyed.h"
#include "util/log.h"

#include <errno.h>
#include <linux/capability.h>
#include <time.h>

#define SERVABLE (STATX_MODE | STATX_UID | STATX_GID | STATX_ATIME | STATX_MTIME | STATX_CTIME)
/* No server decides the type of a file, so this bit is free. */
#define ASKED STATX_TYPE
static_assert((SERVABLE | ASKED) <= UINT8_MAX && !(SERVABLE & ASKED), "served is a byte");

/* Returns a result of the server, or -EIO if it is neither 0 nor -errno. */
static int answer_of(const char *what, int r)
{
	if (r <= 0 && r >= -4095)
		return r;
	log_error("the server's %s() returned %d, expected 0 or -errno: the caller gets EIO", what,
		  r);
	return -EIO;
}

/* Returns the fields of a node that the server decides, or -EIO. */
static int fields_of(struct fs *fs, struct node *node)
{
	const struct pst_server *server = &fs->config.server;
	uint8_t state = atomic_load_explicit(&node->served, memory_order_acquire);
	struct fhandle fh;
	struct pst_file file;
	uint32_t fields;

	if (!server->fields)
		return 0;
	if (state & ASKED)
		return state & SERVABLE;
	fs_describe(fs, node, &fh, &file);
	fields = server->fields(server->aux, &file);
	if (fields & ~SERVABLE) {
		log_error("the fields() of the server returned %#x, attributes that a server "
			  "cannot set; it may return only STATX_MODE, _UID, _GID, _ATIME, _MTIME "
			  "and _CTIME: the caller gets EIO",
			  fields & ~SERVABLE);
		return -EIO;
	}
	/* keyed.c has a bit of its own in node->served. */
	while (!atomic_compare_exchange_strong(&node->served, &state,
					       (uint8_t)(state | fields | ASKED)))
		if (state & ASKED)
			return state & SERVABLE;
	return (int)fields;
}

static bool is_sane(const struct statx *stx, uint32_t fields)
{
	if ((fields & STATX_UID) && stx->stx_uid == (uint32_t)-1)
		return false;
	if ((fields & STATX_GID) && stx->stx_gid == (uint32_t)-1)
		return false;
	return stx->stx_atime.tv_nsec < 1000000000 && stx->stx_mtime.tv_nsec < 1000000000 &&
	       stx->stx_ctime.tv_nsec < 1000000000;
}

static void take_fields(struct node *node, struct statx *stx, const struct statx *served,
			uint32_t fields)
{
	uint32_t shown = fs_show_mode(node, stx->stx_mode,
				      (fields & STATX_UID) && stx->stx_uid != served->stx_uid,
				      (fields & STATX_GID) && stx->stx_gid != served->stx_gid);

	/* A server that also decides the mode decides about its set-ID bits. */
	stx->stx_mode = (uint16_t)shown;
	if (fields & STATX_MODE)
		stx->stx_mode = (stx->stx_mode & S_IFMT) | (served->stx_mode & 07777);
	if (fields & STATX_UID)
		stx->stx_uid = served->stx_uid;
	if (fields & STATX_GID)
		stx->stx_gid = served->stx_gid;
	if (fields & STATX_ATIME)
		stx->stx_atime = served->stx_atime;
	if (fields & STATX_MTIME)
		stx->stx_mtime = served->stx_mtime;
	if (fields & STATX_CTIME)
		stx->stx_ctime = served->stx_ctime;
}

int authority_apply(struct fs *fs, struct node *node, struct statx *stx)
{
	const struct pst_server *server = &fs->config.server;
	struct statx served;
	struct fhandle fh;
	struct pst_file file;
	int fields = fields_of(fs, node), r;

	if (fs->config.instance)
		hollow_show_times(fs, node, stx);
	if (fields <= 0)
		return fields;
	served = *stx;
	fs_describe(fs, node, &fh, &file);
	r = answer_of("getattr", server->getattr(server->aux, &file, &served));
	if (r < 0)
		return r;
	if (!is_sane(&served, (uint32_t)fields)) {
		log_error("the server's getattr() set an invalid owner or time for inode %llu "
			  "(-1, or nanoseconds above 999999999): the caller gets EIO",
			  (unsigned long long)node->ino);
		return -EIO;
	}
	take_fields(node, stx, &served, (uint32_t)fields);
	return 0;
}

int authority_stat(struct fs *fs, struct node *node, int fd, struct statx *ret_stx)
{
	int r = lower_stat(fd, ret_stx);

	return r < 0 ? r : authority_apply(fs, node, ret_stx);
}

/* -- changes ----------------------------------------------------------------------------------- */

/* Returns the set-ID bits that chown(2) clears. Any chown clears S_ISUID, even one by root. */
static uint32_t killed_by_chown(const struct fs_caller *caller, const struct statx *now)
{
	uint32_t kill = now->stx_mode & S_ISUID;

	if (S_ISDIR(now->stx_mode))
		return 0;
	if ((now->stx_mode & S_ISGID) &&
	    ((now->stx_mode & S_IXGRP) ||
	     (!caller_in_group(caller, now->stx_gid) && !caller_capable(caller, CAP_FSETID))))
		kill |= S_ISGID;
	return kill;
}

/* Returns the set-ID bits that a change clears as a side effect. */
static uint32_t killed(const struct fs_caller *caller, const struct fs_change *change,
		       const struct statx *now)
{
	if (change->set & (FS_SET_UID | FS_SET_GID))
		return killed_by_chown(caller, now);
	/* With set 0 a write follows, or the client has called chown(-1, -1). */
	if (change->set == 0 || (change->set & FS_KILL_SUIDGID))
		return caller_bits_to_kill(caller, now);
	return 0;
}

static struct statx_timestamp time_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (struct statx_timestamp){ .tv_sec = now.tv_sec, .tv_nsec = (uint32_t)now.tv_nsec };
}

static struct statx_timestamp time_of(const struct timespec *time)
{
	if (time->tv_nsec == UTIME_NOW)
		return time_now();
	return (struct statx_timestamp){ .tv_sec = time->tv_sec,
					 .tv_nsec = (uint32_t)time->tv_nsec };
}

/* The field of each kind of change. */
static const struct {
	unsigned int set;
	uint32_t field;
} fields[] = {
	{ FS_SET_MODE, STATX_MODE },   { FS_SET_UID, STATX_UID },     { FS_SET_GID, STATX_GID },
	{ FS_SET_ATIME, STATX_ATIME }, { FS_SET_MTIME, STATX_MTIME },
};

/* Moves the fields that the server decides from *change to *asked. */
static void divide(uint32_t served, struct fs_change *change, struct statx *asked)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if ((change->set & fields[i].set) && (served & fields[i].field)) {
			change->set &= ~fields[i].set;
			asked->stx_mask |= fields[i].field;
		}
	if (asked->stx_mask & STATX_MODE)
		asked->stx_mode = (asked->stx_mode & S_IFMT) | (change->mode & 07777);
	asked->stx_uid = change->uid;
	asked->stx_gid = change->gid;
	if (asked->stx_mask & STATX_ATIME)
		asked->stx_atime = time_of(&change->times[0]);
	if (asked->stx_mask & STATX_MTIME)
		asked->stx_mtime = time_of(&change->times[1]);
}

static int ask(struct fs *fs, struct node *node, const struct statx *asked)
{
	const struct pst_server *server = &fs->config.server;
	struct fhandle fh;
	struct pst_file file;

	fs_describe(fs, node, &fh, &file);
	return answer_of("setattr", server->setattr(server->aux, &file, asked));
}

int authority_change(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd,
		     struct fs_change *change)
{
	int served = fields_of(fs, node), r;
	unsigned int wanted = change->set;
	struct statx below, asked;
	uint32_t kill;

	if (served <= 0)
		return served;
	r = lower_stat(fd, &below);
	asked = below;
	if (r == 0)
		r = authority_apply(fs, node, &asked);
	if (r < 0)
		return r;
	asked.stx_mask = 0;
	kill = killed(caller, change, &asked);
	divide((uint32_t)served, change, &asked);
	if (kill && !(wanted & FS_SET_MODE) && (served & STATX_MODE)) {
		asked.stx_mask |= STATX_MODE;
		asked.stx_mode &= (uint16_t)~kill;
	} else if (kill && !(wanted & FS_SET_MODE) && (asked.stx_mask & (STATX_UID | STATX_GID))) {
		/*
		 * The owner of the lower file does not change, so the lower file system would not
		 * clear the bits.
		 */
		change->set |= FS_SET_MODE;
		change->mode = below.stx_mode & 07777 & ~kill;
	}
	if (asked.stx_mask) {
		r = ask(fs, node, &asked);
		if (r < 0)
			return r;
	}
	/*
	 * If the server has taken all fields, stop: a change with set 0 has an effect of its own
	 * (struct fs_change), which the client has not asked for.
	 */
	if (!(change->set & ~FS_KILL_SUIDGID) && (wanted || (served & STATX_MODE)))
		return AUTHORITY_DONE;
	return 0;
}

int authority_written(struct fs *fs, const struct fs_caller *caller, struct node *node, int fd)
{
	struct statx asked;
	uint32_t kill;
	int r;

	if (!authority_is_served(node, STATX_MODE))
		return 0;
	r = authority_stat(fs, node, fd, &asked);
	if (r < 0)
		return r;
	kill = caller_bits_to_kill(caller, &asked);
	if (!kill)
		return 0;
	asked.stx_mask = STATX_MODE;
	asked.stx_mode &= (uint16_t)~kill;
	return ask(fs, node, &asked);
}
