// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Asks the kernel for the features of its FUSE.
 *
 * A kernel tells its features only in the INIT request, the first message on a new connection. So a
 * connection is made: a FUSE superblock that is never mounted, whose INIT request is read here.
 * Passthrough is probed the same way: this file answers INIT and registers a file of LOWER as a
 * backing file. Closing the device ends the connection, and the superblock goes with
 * its last descriptor.
 */
#include "probe/probe.h"
#include "transport/chan.h"
#include "transport/select.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "wire/abi.h"
#include "wire/init.h"

#include <penstock/penstock.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define INIT_MS     2000 /* for the kernel to send its first message */
#define BUFFER_SIZE 8192 /* FUSE_MIN_READ_BUFFER: the kernel refuses to fill less */
#define N_ENTRIES   1000 /* to look at for a regular file in LOWER */

struct connection {
	int dev_fd; /* closed first, so that closing the other cannot wait */
	int fs_fd;
	struct fuse_in_header header; /* of the INIT request */
	struct fuse_init_in init;
};

static void connection_fini(struct connection *connection)
{
	connection->dev_fd = fd_close(connection->dev_fd);
	connection->fs_fd = fd_close(connection->fs_fd);
}

static int create_superblock(int fs_fd, int dev_fd)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", dev_fd);
	if (fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", "penstock-probe", 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "fd", number, 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "rootmode", "40000", 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "user_id", "0", 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_SET_STRING, "group_id", "0", 0) < 0 ||
	    fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	return 0;
}

static int read_init(struct connection *connection)
{
	struct pollfd poll_fd = { connection->dev_fd, POLLIN, 0 };
	char buffer[BUFFER_SIZE];
	size_t len;
	ssize_t n;

	if (poll(&poll_fd, 1, INIT_MS) <= 0)
		return -ETIMEDOUT;
	n = read(connection->dev_fd, buffer, sizeof(buffer));
	if (n < 0)
		return -errno;
	if ((size_t)n < sizeof(connection->header))
		return -EPROTO;
	memcpy(&connection->header, buffer, sizeof(connection->header));
	if (connection->header.opcode != FUSE_INIT)
		return -EPROTO;
	/* Older kernels send less of it: the rest stays 0. */
	len = n - sizeof(connection->header);
	if (len > sizeof(connection->init))
		len = sizeof(connection->init);
	memcpy(&connection->init, buffer + sizeof(connection->header), len);
	return 0;
}

/* Opens a connection and reads INIT. Returns 0 or -errno; connection_fini() follows in any case. */
static int connection_open(struct connection *connection)
{
	int r;

	*connection = (struct connection){ .dev_fd = -1, .fs_fd = -1 };
	connection->dev_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (connection->dev_fd < 0)
		return -errno;
	connection->fs_fd = fsopen("fuse", FSOPEN_CLOEXEC);
	if (connection->fs_fd < 0)
		return -errno;
	r = create_superblock(connection->fs_fd, connection->dev_fd);
	return r < 0 ? r : read_init(connection);
}

/* Answers INIT so that files of a file system stacked less than depth levels can be registered. */
static int answer_init(struct connection *connection, uint32_t depth)
{
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} reply = {
		.header = { .len = sizeof(reply), .unique = connection->header.unique },
		.init = {
			.major = FUSE_KERNEL_VERSION,
			.minor = connection->init.minor,
			.max_readahead = connection->init.max_readahead,
			.flags = FUSE_INIT_EXT,
			.flags2 = FUSE_PASSTHROUGH >> 32,
			.max_write = 4096,
			.max_stack_depth = depth,
		},
	};

	return write(connection->dev_fd, &reply, sizeof(reply)) < 0 ? -errno : 0;
}

/* Returns an O_PATH descriptor of a regular file in the directory, or -errno. */
static int find_file(int directory_fd)
{
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int found = -ENOENT;
	struct dirent *entry;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		fd_close(fd);
		return -ENOMEM;
	}
	for (int i = 0; i < N_ENTRIES && found < 0 && (entry = readdir(dir)); i++) {
		struct stat st;

		if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
			continue;
		found = openat(directory_fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (found >= 0 && (fstat(found, &st) < 0 || !S_ISREG(st.st_mode)))
			found = fd_close(found);
	}
	closedir(dir);
	return found < 0 ? -ENOENT : found;
}

/* Registers a file in a new connection that allows this depth of stacking. Returns 0 or -errno. */
static int try_backing(int file_fd, uint32_t depth)
{
	_cleanup_(connection_fini) struct connection connection;
	struct fuse_backing_map map = { .fd = file_fd };
	int r;

	r = connection_open(&connection);
	if (r >= 0)
		r = answer_init(&connection, depth);
	if (r >= 0 && ioctl(connection.dev_fd, FUSE_DEV_IOC_BACKING_OPEN, &map) < 0)
		r = -errno;
	return r;
}

static void probe_backing(struct probe *probe, int lower_fd)
{
	const char *name = "lower_passthrough";
	_cleanup_(fd_closep) int file_fd = find_file(lower_fd);
	int r;

	if (file_fd < 0) {
		probe_row(probe, name, false,
			  "There is no regular file right in LOWER to try it with: it shows when a "
			  "view is mounted.");
		return;
	}
	r = try_backing(file_fd, 1);
	if (r >= 0) {
		probe_row(probe, name, true,
			  "The kernel passes files of LOWER through; other file systems may be "
			  "stacked on the view.");
		return;
	}
	if (r == -ELOOP && try_backing(file_fd, 2) >= 0) {
		probe_row(probe, name, true,
			  "LOWER is stacked on another file system itself. The kernel passes its "
			  "files through, but nothing (overlayfs) can be stacked on the view.");
		return;
	}
	if (r == -ELOOP)
		probe_row(probe, name, false,
			  "LOWER lets nothing be stacked on it, or is stacked on two file systems "
			  "already: its data is served. Take the directory below as LOWER.");
	else
		probe_row(
			probe, name, false,
			"The kernel does not pass files of LOWER through (%s): its data is served.",
			strerror(-r));
}

/* Adds the row of a feature: offered, too young for this kernel (6.minor has it), or missing. */
static void feature(struct probe *probe, uint64_t offered, uint64_t flag, const char *name,
		    const char *use, unsigned int minor, const char *missing)
{
	if (offered & flag)
		probe_row(probe, name, true, "The kernel offers it: %s.", use);
	else if (!probe_kernel_is(6, minor))
		probe_row(probe, name, false, "This kernel is too old: Linux 6.%u has it (%s).",
			  minor, use);
	else
		probe_row(probe, name, false, "%s", missing);
}

/* Replies to INIT, because only then can a file be registered. */
static void probe_passthrough(struct probe *probe, struct connection *connection, uint64_t offered)
{
	const char *name = "passthrough";

	if (!(offered & FUSE_PASSTHROUGH) ||
	    (answer_init(connection, 1) == 0 && chan_dev_may_register(connection->dev_fd)))
		feature(probe, offered, FUSE_PASSTHROUGH, name,
			"reads and writes of a view run in the kernel", 9,
			"The kernel was built without CONFIG_FUSE_PASSTHROUGH: data is served, "
			"more slowly.");
	else
		probe_row(probe, name, false,
			  "The kernel has it for CAP_SYS_ADMIN in the initial user namespace, "
			  "which this process lacks: data is served, more slowly.");
}

static void probe_io_uring(struct probe *probe)
{
	const char *name = "io_uring";

	switch (transport_uring_state()) {
	case TRANSPORT_URING_ABSENT:
		probe_row(probe, name, false, "%s",
			  probe_kernel_is(6, 14) ?
				  "The kernel was built without CONFIG_FUSE_IO_URING." :
				  "This kernel is too old: Linux 6.14 has FUSE over io_uring.");
		break;
	case TRANSPORT_URING_ON:
		probe_row(probe, name, true,
			  "The kernel speaks FUSE over io_uring to new connections.");
		break;
	case TRANSPORT_URING_OFF:
		probe_row(probe, name, false,
			  "The kernel has it, but it is switched off: `penstock mount "
			  "--enable-uring` or echo Y > " TRANSPORT_URING_SWITCH ", or "
			  "fuse.enable_uring=1 at boot.");
		break;
	}
}

static void probe_device(struct probe *probe, int error)
{
	switch (-error) {
	case 0:
		probe_row(probe, "fuse", true, "/dev/fuse can be opened.");
		break;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		probe_row(probe, "fuse", false,
			  "There is no FUSE in this kernel, or its module is not loaded: modprobe "
			  "fuse.");
		break;
	default:
		probe_row(probe, "fuse", false,
			  "/dev/fuse cannot be opened (%s): run as root; a container must be given "
			  "the device.",
			  strerror(-error));
	}
}

/* Adds the rows of features that only a connection shows: off, all for the same reason. */
static void no_connection(struct probe *probe, int error)
{
	static const char *const names[] = { "protocol", "passthrough", "idmapped_mounts" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (error == -EPERM)
			probe_row(probe, names[i], false,
				  "It takes CAP_SYS_ADMIN to find out: run as root.");
		else
			probe_row(probe, names[i], false, "No FUSE connection could be made (%s).",
				  strerror(-error));
	}
}

void probe_fuse(struct probe *probe, int lower_fd)
{
	_cleanup_(connection_fini) struct connection connection;
	uint64_t offered;
	int r;

	r = connection_open(&connection);
	probe_device(probe, connection.dev_fd < 0 ? r : 0);
	if (r < 0) {
		no_connection(probe, r);
		probe_io_uring(probe);
		return;
	}

	offered = connection.init.flags;
	if (offered & FUSE_INIT_EXT)
		offered |= (uint64_t)connection.init.flags2 << 32;
	probe_row(probe, "protocol", connection.init.minor >= INIT_OLDEST_MINOR,
		  "The kernel speaks FUSE %u.%u; a view needs " INIT_OLDEST_TEXT " at least.",
		  connection.init.major, connection.init.minor);
	probe_passthrough(probe, &connection, offered);
	feature(probe, offered, FUSE_ALLOW_IDMAP, "idmapped_mounts",
		"the view can be mounted with other owners, see option idmap", 12,
		"The kernel does not offer it to this user namespace.");
	probe_io_uring(probe);
	if (lower_fd >= 0 && (offered & FUSE_PASSTHROUGH))
		probe_backing(probe, lower_fd);
}
