// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Probes the features of the kernel's FUSE.
 *
 * The kernel names its features only in the INIT request, the first message on a new connection. So
 * this file makes a connection, a FUSE superblock that is never mounted, and reads INIT. To probe
 * passthrough, it answers INIT and registers a file of LOWER as a backing file. The connection ends
 * when the device is closed, and the kernel frees the superblock with its last descriptor. No
 * state, no locks.
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
	int dev_fd; /* closed first: that ends the connection, so closing fs_fd cannot block */
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

/* Reads the INIT request. Returns 0 or -errno. */
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
	/* An older kernel sends a shorter struct: the rest stays 0. */
	len = n - sizeof(connection->header);
	if (len > sizeof(connection->init))
		len = sizeof(connection->init);
	memcpy(&connection->init, buffer + sizeof(connection->header), len);
	return 0;
}

/*
 * Opens a connection and reads INIT. Returns 0 or -errno. The caller must call connection_fini()
 * even after a failure.
 */
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

/*
 * Replies to INIT with passthrough and depth as the maximal stack depth, so that files can be
 * registered whose file system is stacked on fewer than depth others. Returns 0 or -errno.
 */
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
	int r = file_fd < 0 ? file_fd : try_backing(file_fd, 1);

	if (file_fd < 0)
		probe_row(probe, name, false,
			  "Not probed: LOWER itself has no regular file to try it with.");
	else if (r >= 0)
		probe_row(probe, name, true,
			  "The kernel passes files of LOWER through; other file systems may be "
			  "stacked on the view.");
	else if (r != -ELOOP)
		probe_row(probe, name, false,
			  "The kernel does not pass files of LOWER through (%s): the process of "
			  "the view serves data.",
			  strerror(-r));
	else if (try_backing(file_fd, 2) >= 0)
		probe_row(probe, name, true,
			  "The kernel passes files of LOWER through. LOWER is stacked on another "
			  "file system, so nothing (overlayfs) can be stacked on the view.");
	else
		probe_row(probe, name, false,
			  "LOWER cannot have a file system stacked on it, or is stacked on two "
			  "already: the process of the view serves data. Use the directory below "
			  "LOWER instead.");
}

/*
 * Adds the row of a feature that has a flag in INIT. The row is on if the kernel offers the flag;
 * else it is off, because the kernel is older than 6.minor, or because of the text missing.
 */
static void feature(struct probe *probe, uint64_t offered, uint64_t flag, const char *name,
		    const char *use, unsigned int minor, const char *missing)
{
	if (offered & flag)
		probe_row(probe, name, true, "The kernel offers it: %s.", use);
	else if (!probe_kernel_is(6, minor))
		probe_row(probe, name, false, "This kernel is too old. Linux 6.%u has it: %s.",
			  minor, use);
	else
		probe_row(probe, name, false, "%s", missing);
}

/* Probes passthrough. Replies to INIT before, because the kernel registers files only after it. */
static void probe_passthrough(struct probe *probe, struct connection *connection, uint64_t offered)
{
	const char *name = "passthrough";

	if (!(offered & FUSE_PASSTHROUGH) ||
	    (answer_init(connection, 1) == 0 && chan_dev_may_register(connection->dev_fd)))
		feature(probe, offered, FUSE_PASSTHROUGH, name,
			"reads and writes of a view run in the kernel", 9,
			"The kernel was built without CONFIG_FUSE_PASSTHROUGH: the process of "
			"the view serves data, which is slower.");
	else
		probe_row(probe, name, false,
			  "The kernel requires CAP_SYS_ADMIN in the initial user namespace, which "
			  "this process lacks: the process of the view serves data, which is "
			  "slower.");
}

static void probe_io_uring(struct probe *probe)
{
	enum transport_uring state = transport_uring_state();
	const char *why = "FUSE over io_uring is switched on for new mounts.";

	if (state == TRANSPORT_URING_OFF)
		why = "The kernel has FUSE over io_uring, but it is switched off: use `penstock "
		      "mount --enable-uring`, write Y to " TRANSPORT_URING_SWITCH ", or boot with "
		      "fuse.enable_uring=1.";
	else if (state == TRANSPORT_URING_ABSENT && probe_kernel_is(6, 14))
		why = "The kernel was built without CONFIG_FUSE_IO_URING.";
	else if (state == TRANSPORT_URING_ABSENT)
		why = "This kernel is too old. Linux 6.14 has FUSE over io_uring.";
	probe_row(probe, "io_uring", state == TRANSPORT_URING_ON, "%s", why);
}

static void probe_device(struct probe *probe, int error)
{
	if (error == 0)
		probe_row(probe, "fuse", true, "/dev/fuse can be opened.");
	else if (error == -ENOENT || error == -ENODEV || error == -ENXIO)
		probe_row(probe, "fuse", false,
			  "This kernel has no FUSE, or its module is not loaded: run `modprobe "
			  "fuse`.");
	else
		probe_row(probe, "fuse", false,
			  "/dev/fuse cannot be opened (%s): run this command as root; give the "
			  "device to a container.",
			  strerror(-error));
}

/* Adds the rows of features that only a connection shows, all off, because there is none. */
static void no_connection(struct probe *probe, int error)
{
	static const char *const names[] = { "protocol", "passthrough", "idmapped_mounts" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (error == -EPERM)
			probe_row(
				probe, names[i], false,
				"Not probed: that needs CAP_SYS_ADMIN. Run this command as root.");
		else
			probe_row(probe, names[i], false,
				  "Not probed: a FUSE connection cannot be made (%s).",
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
		  "The kernel speaks FUSE %u.%u; a view needs at least " INIT_OLDEST_TEXT ".",
		  connection.init.major, connection.init.minor);
	probe_passthrough(probe, &connection, offered);
	feature(probe, offered, FUSE_ALLOW_IDMAP, "idmapped_mounts",
		"the view can be mounted with mapped owners, see the option idmap", 12,
		"The kernel does not offer it to this user namespace.");
	probe_io_uring(probe);
	if (lower_fd >= 0 && (offered & FUSE_PASSTHROUGH))
		probe_backing(probe, lower_fd);
}
