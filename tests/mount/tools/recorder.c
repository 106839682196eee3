// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * recorder MOUNTPOINT LOG: a FUSE file system that logs the caller of each request, in a line
 * "OPERATION UID GID". It checks permissions itself, as network file systems do: each request for a
 * name that begins with "for-UID" fails with EACCES when another user sends it.
 *
 * Names that begin with "dir" are directories, those with "link" symbolic links, those that contain
 * "fifo" pipes, all others files. Every name exists, except those that contain "new" until they are
 * created. The kernel caches nothing. The program ends with its mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 256
#define TEXT      "text\n"

/* Each file is known by its name; its node ID is its index here. */
static struct file {
	char name[64];
	bool made;
	uint32_t uid;
} files[MAX_FILES] = { [1] = { "dir", true, 0 } };
static unsigned int n_files = 2;

static FILE *log_file;
static int dev;

static const char *const names[] = {
	[FUSE_LOOKUP] = "LOOKUP",
	[FUSE_GETATTR] = "GETATTR",
	[FUSE_SETATTR] = "SETATTR",
	[FUSE_READLINK] = "READLINK",
	[FUSE_SYMLINK] = "SYMLINK",
	[FUSE_MKNOD] = "MKNOD",
	[FUSE_MKDIR] = "MKDIR",
	[FUSE_UNLINK] = "UNLINK",
	[FUSE_RMDIR] = "RMDIR",
	[FUSE_RENAME] = "RENAME",
	[FUSE_RENAME2] = "RENAME",
	[FUSE_LINK] = "LINK",
	[FUSE_OPEN] = "OPEN",
	[FUSE_READ] = "READ",
	[FUSE_WRITE] = "WRITE",
	[FUSE_STATFS] = "STATFS",
	[FUSE_FSYNC] = "FSYNC",
	[FUSE_SETXATTR] = "SETXATTR",
	[FUSE_GETXATTR] = "GETXATTR",
	[FUSE_LISTXATTR] = "LISTXATTR",
	[FUSE_REMOVEXATTR] = "REMOVEXATTR",
	[FUSE_OPENDIR] = "OPENDIR",
	[FUSE_READDIR] = "READDIR",
	[FUSE_FSYNCDIR] = "FSYNCDIR",
	[FUSE_CREATE] = "CREATE",
	[FUSE_FALLOCATE] = "FALLOCATE",
	[FUSE_LSEEK] = "LSEEK",
	[FUSE_COPY_FILE_RANGE] = "COPY",
	[FUSE_IOCTL] = "IOCTL",
	[FUSE_TMPFILE] = "TMPFILE",
};
#define N_NAMES (sizeof(names) / sizeof(names[0]))

static void record(const struct fuse_in_header *head)
{
	if (head->opcode >= N_NAMES || !names[head->opcode])
		return;
	fprintf(log_file, "%s %u %u\n", names[head->opcode], head->uid, head->gid);
	fflush(log_file);
}

static void answer(const struct fuse_in_header *head, int error, const void *data, size_t size)
{
	char buf[8192];
	struct fuse_out_header out = {
		.len = (uint32_t)(sizeof(out) + (error ? 0 : size)),
		.error = -error,
		.unique = head->unique,
	};

	memcpy(buf, &out, sizeof(out));
	if (!error && size)
		memcpy(buf + sizeof(out), data, size);
	if (write(dev, buf, out.len) < 0 && errno != ENOENT)
		perror("recorder: answer");
}

static unsigned int find(const char *name, bool make)
{
	for (unsigned int i = 1; i < n_files; i++)
		if (strcmp(files[i].name, name) == 0) {
			files[i].made |= make;
			return files[i].made ? i : 0;
		}
	if (n_files == MAX_FILES || (!make && strstr(name, "new")))
		return 0;
	snprintf(files[n_files].name, sizeof(files[0].name), "%s", name);
	files[n_files].made = true;
	return n_files++;
}

static struct fuse_attr attr_of(unsigned int number)
{
	const char *name = files[number].name;
	struct fuse_attr attr = { .ino = number, .nlink = 1, .blksize = 4096 };

	attr.size = strlen(TEXT);
	attr.uid = attr.gid = files[number].uid;
	attr.mode = strncmp(name, "dir", 3) == 0  ? S_IFDIR | 0777 :
		    strncmp(name, "link", 4) == 0 ? S_IFLNK | 0777 :
		    strstr(name, "fifo")          ? S_IFIFO | 0666 :
						    S_IFREG | 0666;
	return attr;
}

static void answer_entry(const struct fuse_in_header *head, const char *name, bool make,
			 bool opened)
{
	struct {
		struct fuse_entry_out entry;
		struct fuse_open_out open;
	} out = { 0 };
	unsigned int number = find(name, make);

	if (number && make)
		files[number].uid = head->uid;
	out.entry.nodeid = number;
	out.entry.generation = 1;
	if (number)
		out.entry.attr = attr_of(number);
	answer(head, number ? 0 : ENOENT, &out, opened ? sizeof(out) : sizeof(out.entry));
}

/* Returns true if the name says that the file is another user's. */
static bool is_of_another(const struct fuse_in_header *head, const char *name)
{
	return strncmp(name, "for-", 4) == 0 && strtoul(name + 4, NULL, 10) != head->uid;
}

static void serve_init(const struct fuse_in_header *head, const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < 31 ? in->minor : 31,
		.max_readahead = in->max_readahead,
		.max_background = 12,
		.congestion_threshold = 9,
		.max_write = 4096,
	};

	answer(head, 0, &out, sizeof(out));
}

static void serve_names(const struct fuse_in_header *head, const char *arg)
{
	switch (head->opcode) {
	case FUSE_LOOKUP:
		answer_entry(head, arg, false, false);
		break;
	case FUSE_MKDIR:
		answer_entry(head, arg + sizeof(struct fuse_mkdir_in), true, false);
		break;
	case FUSE_MKNOD:
		answer_entry(head, arg + sizeof(struct fuse_mknod_in), true, false);
		break;
	case FUSE_SYMLINK:
		answer_entry(head, arg, true, false);
		break;
	case FUSE_LINK:
		answer_entry(head, files[((const struct fuse_link_in *)arg)->oldnodeid].name, true,
			     false);
		break;
	case FUSE_CREATE:
		answer_entry(head, arg + sizeof(struct fuse_create_in), true, true);
		break;
	}
}

static void serve_attr(const struct fuse_in_header *head)
{
	struct fuse_attr_out out = { .attr = attr_of((unsigned int)head->nodeid) };

	answer(head, 0, &out, sizeof(out));
}

static void serve_read(const struct fuse_in_header *head, const struct fuse_read_in *in)
{
	size_t size = in->offset ? 0 : strlen(TEXT);

	answer(head, 0, TEXT, size < in->size ? size : in->size);
}

static void serve(const struct fuse_in_header *head, const char *arg)
{
	static const char zero[sizeof(struct fuse_statfs_out)];
	struct fuse_getxattr_out xattr = { .size = 0 };
	struct fuse_write_out written = { 0 };

	switch (head->opcode) {
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		serve_attr(head);
		break;
	case FUSE_READLINK:
		answer(head, 0, "target", 6);
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer(head, 0, zero, sizeof(struct fuse_open_out));
		break;
	case FUSE_READ:
		serve_read(head, (const void *)arg);
		break;
	case FUSE_WRITE:
		written.size = ((const struct fuse_write_in *)arg)->size;
		answer(head, 0, &written, sizeof(written));
		break;
	case FUSE_STATFS:
		answer(head, 0, zero, sizeof(zero));
		break;
	case FUSE_GETXATTR:
		answer(head, ENODATA, NULL, 0);
		break;
	case FUSE_LISTXATTR:
		answer(head, 0, &xattr,
		       ((const struct fuse_getxattr_in *)arg)->size ? 0 : sizeof(xattr));
		break;
	case FUSE_LSEEK:
		answer(head, 0, zero, sizeof(struct fuse_lseek_out));
		break;
	case FUSE_COPY_FILE_RANGE:
		written.size = 1;
		answer(head, 0, &written, sizeof(written));
		break;
	case FUSE_UNLINK:
	case FUSE_RMDIR:
	case FUSE_RENAME:
	case FUSE_RENAME2:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_SETXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_READDIR:
	case FUSE_FALLOCATE:
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
		answer(head, 0, NULL, 0);
		break;
	default:
		answer(head, ENOSYS, NULL, 0);
	}
}

static void serve_one(const struct fuse_in_header *head, const char *arg)
{
	const char *name = head->opcode == FUSE_LOOKUP ? arg : NULL;

	if (head->opcode == FUSE_FORGET || head->opcode == FUSE_BATCH_FORGET ||
	    head->opcode == FUSE_INTERRUPT)
		return;
	if (head->opcode == FUSE_INIT) {
		serve_init(head, (const void *)arg);
		return;
	}
	record(head);
	if (!name && head->nodeid < n_files)
		name = files[head->nodeid].name;
	if (name && is_of_another(head, name) && head->opcode != FUSE_RELEASE &&
	    head->opcode != FUSE_LOOKUP && head->opcode != FUSE_GETATTR)
		answer(head, EACCES, NULL, 0);
	else if (head->opcode == FUSE_LOOKUP || head->opcode == FUSE_MKDIR ||
		 head->opcode == FUSE_MKNOD || head->opcode == FUSE_SYMLINK ||
		 head->opcode == FUSE_LINK || head->opcode == FUSE_CREATE)
		serve_names(head, arg);
	else
		serve(head, arg);
}

int main(int argc, char **argv)
{
	static char buf[FUSE_MIN_READ_BUFFER + 4096] __attribute__((aligned(8)));
	char options[128];

	if (argc != 3) {
		fprintf(stderr, "usage: recorder MOUNTPOINT LOG\n");
		return 2;
	}
	log_file = fopen(argv[2], "w");
	dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof(options), "fd=%d,rootmode=40777,user_id=0,group_id=0,allow_other",
		 dev);
	if (!log_file || dev < 0 || mount("recorder", argv[1], "fuse", 0, options) < 0) {
		perror("recorder");
		return 1;
	}
	for (;;) {
		ssize_t n = read(dev, buf, sizeof(buf));

		if (n < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (n < 0)
			return errno == ENODEV ? 0 : 1;
		serve_one((const void *)buf, buf + sizeof(struct fuse_in_header));
	}
}
