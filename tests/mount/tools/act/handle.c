// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * act handle save PATH FILE: stores the file handle of PATH in FILE.
 *
 * act handle open MOUNT FILE: opens the file by this handle; prints inode number, type and the
 * begin of its content, or the name of the error.
 */
#include "act.h"

struct saved {
	struct file_handle handle;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static int save(const char *path, const char *file)
{
	struct saved s = { .handle.handle_bytes = MAX_HANDLE_SZ };
	int mount_id;

	if (name_to_handle_at(AT_FDCWD, path, &s.handle, &mount_id, 0) < 0) {
		printf("%s\n", strerrorname_np(errno));
		return 1;
	}
	int fd = open(file, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	if (fd < 0 || write(fd, &s, sizeof(s)) != sizeof(s))
		err(2, "%s", file);
	return 0;
}

static int open_saved(const char *mount, const char *file)
{
	struct saved s;
	struct stat st;
	char text[64] = "";
	int dir = open(mount, O_RDONLY | O_DIRECTORY), in = open(file, O_RDONLY);

	if (dir < 0 || in < 0 || read(in, &s, sizeof(s)) != sizeof(s))
		err(2, "%s", file);
	int fd = open_by_handle_at(dir, &s.handle, O_PATH);
	if (fd < 0 || fstat(fd, &st) < 0) {
		printf("%s\n", strerrorname_np(errno));
		return 1;
	}
	if (S_ISREG(st.st_mode)) {
		close(fd);
		fd = open_by_handle_at(dir, &s.handle, O_RDONLY);
		if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0) {
			printf("%s\n", strerrorname_np(errno));
			return 1;
		}
		text[strcspn(text, "\n")] = '\0';
	}
	printf("%lu %o %s\n", (unsigned long)st.st_ino, st.st_mode & S_IFMT, text);
	return 0;
}

int act_handle(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	return strcmp(argv[0], "save") == 0 ? save(argv[1], argv[2]) : open_saved(argv[1], argv[2]);
}
