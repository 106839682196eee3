// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads the key of file handles. A key is 32 hexadecimal digits in a file that only its owner can
 * read, because users who know the key can forge handles of files that they have no permission to
 * reach. A symbolic link is refused (O_NOFOLLOW): a user who may change the link, but not the file,
 * could choose the key. O_NONBLOCK keeps a named pipe from blocking the mount.
 *
 * A new file is complete before it gets its name: two views that are mounted at the same time then
 * read the same key, and never a part of one.
 */
#include "api/handles-key.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS 32
#define FLAGS  (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)

/*
 * Writes a new key to a temporary file, and links this file to path. Returns 0, also if another
 * process has created path meanwhile (the caller then reads the other key), or -errno.
 */
static int make(const char *path)
{
	_cleanup_(fd_closep) int fd = -1;
	char own[PATH_MAX], text[DIGITS + 2];
	uint64_t key[2];
	int r = 0;

	if (snprintf(own, sizeof(own), "%s.%d", path, getpid()) >= (int)sizeof(own))
		return -ENAMETOOLONG;
	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return -EIO;
	snprintf(text, sizeof(text), "%016" PRIx64 "%016" PRIx64 "\n", key[0], key[1]);
	fd = open(own, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, DIGITS + 1) != DIGITS + 1 || fsync(fd) < 0)
		r = errno ? -errno : -EIO;
	if (r == 0 && link(own, path) < 0 && errno != EEXIST)
		r = -errno;
	unlink(own);
	return r;
}

static int check_file(const char *path, int fd, struct pst_error *error)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_set(error, -errno,
				 "handles=%s: cannot read the attributes of the file: %s", path,
				 strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_set(error, -EINVAL,
				 "handles=%s: this is not a regular file; name a "
				 "file that does not exist, and the mount makes it",
				 path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return error_set(error, -EPERM,
				 "handles=%s: the file belongs to user %u, who could forge file "
				 "handles; `chown root` it, or use another file",
				 path, st.st_uid);
	if (st.st_mode & 077)
		return error_set(error, -EPERM,
				 "handles=%s: other users may open the file, and could forge file "
				 "handles; `chmod 600` it, or use another file",
				 path);
	return 0;
}

int handles_key_read(const char *path, uint64_t ret_key[2], struct pst_error *error)
{
	_cleanup_(fd_closep) int fd = open(path, FLAGS);
	char text[DIGITS + 3] = { 0 };
	uint64_t key[2];
	ssize_t n;
	int r = 0;

	if (fd < 0 && errno == ENOENT) {
		r = make(path);
		if (r < 0)
			return error_set(error, r,
					 "handles=%s: cannot create the file for the key: %s", path,
					 strerror(-r));
		fd = open(path, FLAGS);
	}
	if (fd < 0 && errno == ELOOP)
		return error_set(error, -ELOOP,
				 "handles=%s: this is a symbolic link, which another user could "
				 "change; give the path of the key file itself",
				 path);
	if (fd < 0)
		return error_set(error, -errno, "handles=%s: cannot open the file: %s", path,
				 strerror(errno));
	r = check_file(path, fd, error);
	if (r < 0)
		return r;
	n = read(fd, text, sizeof(text) - 1);
	if (n > 0 && text[n - 1] == '\n')
		text[--n] = 0;
	if (n != DIGITS || strspn(text, "0123456789abcdefABCDEF") != DIGITS ||
	    sscanf(text, "%16" SCNx64 "%16" SCNx64, &key[0], &key[1]) != 2)
		return error_set(error, -EINVAL,
				 "handles=%s: the file is not one line of %d hexadecimal digits; "
				 "remove it, and the next mount makes a new key",
				 path, DIGITS);
	memcpy(ret_key, key, sizeof(key));
	return 0;
}
