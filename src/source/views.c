// SPDX-License-Identifier: LGPL-2.1-or-later
/* A lock of this file guards the list of views. */
#include "source/views.h"
#include "fs/fs.h"
#include "source/source.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/xattr.h>

#define PROBE "trusted.penstock.probe"
/* An extended attribute of LOWER: it was hollow once, see hollow_root. */
#define WAS_HOLLOW "trusted.penstock.root"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct source_views_entry *views; /* guarded by lock */

/* Sets and removes an extended attribute like the mark on LOWER. */
static int check_mark(int fd, struct pst_error *error)
{
	int r = fsetxattr(fd, PROBE, "", 0, 0) < 0 ? -errno : 0;

	if (r == 0)
		fremovexattr(fd, PROBE);
	if (r == -EOPNOTSUPP)
		return error_set(error, r,
				 "source: LOWER's file system has no extended attributes of the "
				 "kind trusted.*, which mark hollow files; use LOWER on ext4, xfs, "
				 "btrfs or tmpfs");
	if (r == -EPERM)
		return error_set(error, r,
				 "source: this process may not set the extended attribute that "
				 "marks hollow files in LOWER, which needs CAP_SYS_ADMIN in the "
				 "initial user namespace; run it as root, outside of containers "
				 "with user namespaces");
	if (r == -EROFS)
		return error_set(error, r,
				 "source: LOWER is read-only, so it cannot be filled; mount it "
				 "writable (the view itself may be read-only)");
	if (r < 0)
		return error_set(error, r,
				 "source: cannot set the extended attribute that marks hollow "
				 "files in LOWER: %s",
				 strerror(-r));
	return 0;
}

/* Makes LOWER hollow, if it never was. A kill between the two changes does no harm. */
static int make_hollow(int fd)
{
	if (fgetxattr(fd, WAS_HOLLOW, NULL, 0) >= 0)
		return 0;
	return fsetxattr(fd, PST_HOLLOW, "", 0, 0) < 0 || fsetxattr(fd, WAS_HOLLOW, "", 0, 0) < 0 ?
		       -errno :
		       0;
}

int source_views_add(struct source_views_entry *entry, int lower, dev_t dev, bool hollow_root,
		     struct pst_error *error)
{
	int r;

	entry->claim.fd = fd_reopen(lower, O_RDONLY | O_DIRECTORY);
	if (entry->claim.fd < 0)
		return error_set(error, entry->claim.fd, "source: cannot open LOWER: %s",
				 strerror(-entry->claim.fd));
	r = check_mark(entry->claim.fd, error);
	if (r == 0)
		r = claim_set(&entry->claim, error);
	if (r < 0)
		return r;
	r = hollow_root ? make_hollow(entry->claim.fd) : 0;
	if (r < 0)
		return error_set(error, r, "source: cannot mark LOWER as hollow: %s", strerror(-r));
	entry->dev = dev;
	pthread_mutex_lock(&lock);
	entry->next = views;
	views = entry;
	pthread_mutex_unlock(&lock);
	return 0;
}

void source_views_remove(struct source_views_entry *entry)
{
	pthread_mutex_lock(&lock);
	for (struct source_views_entry **link = &views; *link; link = &(*link)->next) {
		if (*link != entry)
			continue;
		*link = entry->next;
		break;
	}
	pthread_mutex_unlock(&lock);
	claim_remove(&entry->claim);
}

bool source_is_view(dev_t dev)
{
	bool is = false;

	pthread_mutex_lock(&lock);
	for (const struct source_views_entry *entry = views; entry; entry = entry->next)
		is |= entry->dev == dev;
	pthread_mutex_unlock(&lock);
	return is;
}
