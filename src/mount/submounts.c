// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds the mounts inside the view.
 *
 * The kernel does not tell a FUSE server of mounts on its files. So a scan reads the mountinfo of
 * one process of each mount namespace (submounts-read.c) and takes the mounts whose parent is the
 * view. Mountinfo has their mount points as paths from the root of the view, by the names of the
 * kernel's dentries. The scan makes a table of the names on these paths, with the file of each.
 *
 * A name on a path may have another lower file than before, because another process has renamed a
 * directory there. The kernel's dentry of the name still has the old file, so the scan keeps the
 * row of the scan before.
 *
 * A thread scans when the mounts of this process's namespace change, which the kernel reports. The
 * kernel does not report changes in other namespaces, so a function that could detach a mount scans
 * first. Mounts in namespaces without a process, or that this process may not read, are not found.
 *
 * Locks: a thread holds scan_lock during a scan, which reads /proc and the lower file system. lock
 * guards the table; threads, also scans, hold it only for moments. scan_lock is taken first.
 */
#include "mount/submounts.h"
#include "mount/submounts-private.h"
#include "fs/fs.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/clock.h"
#include "util/thread.h"
#include "wire/abi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PAUSE_MS  20       /* between scans of the thread, so that many mounts cost few scans */
#define SPARING   50       /* scans for requests take at most one part in 50 of the time, */
#define CREDIT_NS 50000000 /* and after a pause at most 50 ms at once */

struct table {
	struct covered *rows;
	size_t n;
};

struct submounts {
	unsigned int connection; /* constant */
	struct fs *fs;           /* constant from the start on */
	pthread_t thread;
	bool started;
	int stop_fd;
	int own_fd; /* mountinfo of this process, for own_changed(); constant from the start on */

	pthread_mutex_t scan_lock; /* guards the members up to lock */
	struct texts mount_points; /* of the last scan */
	bool scanned;
	uint32_t scanned_ms;
	int64_t credit_ns;   /* the time that scans for requests may take */
	int64_t credited_ns; /* clock_ns() when credit_ns was updated */

	pthread_mutex_t lock; /* guards the table */
	struct table table;
	_Atomic bool any; /* whether the table has rows; read without the lock */
};

/* -- the table of names ------------------------------------------------------------------------ */

static void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->n; i++) {
		free(table->rows[i].name);
		free(table->rows[i].mount_point);
	}
	free(table->rows);
	*table = (struct table){ 0 };
}

static const struct covered *table_find(const struct table *table, uint64_t dir, const char *name)
{
	for (size_t i = 0; i < table->n; i++)
		if (table->rows[i].dir == dir && strcmp(table->rows[i].name, name) == 0)
			return &table->rows[i];
	return NULL;
}

static void table_add(struct table *table, uint64_t dir, const char *name, uint64_t node,
		      const char *mount_point)
{
	struct covered *rows;
	struct covered row = { .dir = dir, .node = node };

	if (table_find(table, dir, name))
		return;
	rows = reallocarray(table->rows, table->n + 1, sizeof(*rows));
	if (!rows)
		return;
	table->rows = rows;
	row.name = strdup(name);
	row.mount_point = strdup(mount_point);
	if (row.name && row.mount_point) {
		rows[table->n++] = row;
		return;
	}
	free(row.name);
	free(row.mount_point);
}

/* Returns whether the file of a node still has a name. */
static bool has_name(struct fs *fs, uint64_t id)
{
	struct node *node = fs_node(fs, id);
	struct statx stx;
	bool is;

	if (!node)
		return false;
	is = fs_node_stat(fs, node, &stx) == 0 && stx.stx_nlink;
	fs_node_put(fs, node);
	return is;
}

/*
 * Returns the nodeid of the file that the kernel's dentry at path has, or 0 if it is not known. The
 * last name of path is name, in the directory dir.
 */
static uint64_t node_at(struct submounts *submounts, const struct table *old, uint64_t dir,
			const char *name, const char *path)
{
	const struct covered *was = table_find(old, dir, name);
	struct node *node;
	uint64_t id;

	if (was && has_name(submounts->fs, was->node))
		return was->node;
	if (fs_walk_path(submounts->fs, path, &node) < 0)
		return 0;
	id = node->id;
	fs_node_put(submounts->fs, node);
	return id;
}

/* Adds each name on the path to a mount point to the table. */
static void cover_path(struct submounts *submounts, const struct table *old, struct table *new,
		       const char *mount_point)
{
	_cleanup_(freep) char *path = strdup(mount_point);
	uint64_t dir = FUSE_ROOT_ID;

	for (char *name = path ? path + 1 : NULL; name && *name && dir;) {
		char *slash = strchr(name, '/');
		uint64_t node;

		if (slash)
			*slash = '\0';
		node = node_at(submounts, old, dir, name, path + 1);
		if (node)
			table_add(new, dir, name, node, mount_point);
		dir = node;
		if (slash)
			*slash = '/';
		name = slash ? slash + 1 : NULL;
	}
}

/* Makes a new table. old has the rows of the current table, and a row that the caller has added. */
static void make_table(struct submounts *submounts, const struct table *old)
{
	struct table new = { 0 }, was;

	for (size_t i = 0; i < submounts->mount_points.n; i++)
		cover_path(submounts, old, &new, submounts->mount_points.at[i]);
	pthread_mutex_lock(&submounts->lock);
	was = submounts->table;
	submounts->table = new;
	submounts->any = new.n;
	pthread_mutex_unlock(&submounts->lock);
	table_clear(&was);
}

/*
 * Returns whether the mounts of this process's namespace have changed since the last call. The
 * caller holds scan_lock.
 */
static bool own_changed(const struct submounts *submounts)
{
	struct pollfd fd = { .fd = submounts->own_fd, .events = POLLPRI };

	return poll(&fd, 1, 0) > 0;
}

/*
 * Scans, unless the last scan is younger than max_age_ms. moved (may be NULL) has a name and the
 * file of the kernel's dentry, to add to the table if the name is covered. The caller holds
 * scan_lock.
 */
static void scan(struct submounts *submounts, unsigned int max_age_ms, const struct covered *moved)
{
	struct table old = { 0 };

	if (!submounts->connection || !submounts->fs)
		return;
	if (!submounts->scanned || clock_ms() - submounts->scanned_ms >= max_age_ms ||
	    own_changed(submounts)) {
		submounts->scanned = true;
		submounts->scanned_ms = clock_ms();
		texts_clear(&submounts->mount_points);
		submounts_read(submounts->connection, &submounts->mount_points);
	} else if (!moved) {
		return;
	}
	/* Only scans change the table. */
	if (moved)
		table_add(&old, moved->dir, moved->name, moved->node, "");
	for (size_t i = 0; i < submounts->table.n; i++)
		table_add(&old, submounts->table.rows[i].dir, submounts->table.rows[i].name,
			  submounts->table.rows[i].node, "");
	make_table(submounts, &old);
	table_clear(&old);
}

void submounts_scan(struct submounts *submounts, unsigned int max_age_ms)
{
	pthread_mutex_lock(&submounts->scan_lock);
	scan(submounts, max_age_ms, NULL);
	pthread_mutex_unlock(&submounts->scan_lock);
}

void submounts_scan_sparingly(struct submounts *submounts)
{
	int64_t began;

	pthread_mutex_lock(&submounts->scan_lock);
	began = (int64_t)clock_ns();
	submounts->credit_ns += (began - submounts->credited_ns) / SPARING;
	if (submounts->credit_ns > CREDIT_NS)
		submounts->credit_ns = CREDIT_NS;
	submounts->credited_ns = began;
	if (submounts->credit_ns > 0 || own_changed(submounts)) {
		scan(submounts, 0, NULL);
		submounts->credit_ns -= (int64_t)clock_ns() - began;
	}
	pthread_mutex_unlock(&submounts->scan_lock);
}

bool submounts_any(const struct submounts *submounts)
{
	return atomic_load_explicit(&submounts->any, memory_order_relaxed);
}

bool submounts_covers(struct submounts *submounts, uint64_t dir, const char *name,
		      uint64_t *ret_node)
{
	const struct covered *row;

	if (!submounts_any(submounts))
		return false;
	pthread_mutex_lock(&submounts->lock);
	row = table_find(&submounts->table, dir, name);
	if (row && ret_node)
		*ret_node = row->node;
	pthread_mutex_unlock(&submounts->lock);
	return row;
}

bool submounts_moved_away(struct submounts *submounts, uint64_t dir, const char *name,
			  uint64_t node)
{
	struct covered moved = { .dir = dir, .node = node, .name = (char *)name };

	pthread_mutex_lock(&submounts->scan_lock);
	scan(submounts, 5 * PAUSE_MS, &moved);
	pthread_mutex_unlock(&submounts->scan_lock);
	return submounts_covers(submounts, dir, name, NULL);
}

int submounts_each(struct submounts *submounts, int (*fn)(void *aux, const struct covered *covered),
		   void *aux)
{
	int r = 0;

	/* fn may take long, so it runs under scan_lock: only scans change the table. */
	pthread_mutex_lock(&submounts->scan_lock);
	for (size_t i = 0; i < submounts->table.n && r == 0; i++)
		r = fn(aux, &submounts->table.rows[i]);
	pthread_mutex_unlock(&submounts->scan_lock);
	return r;
}

/* -- the thread ------------------------------------------------------------------------------- */

static void *submounts_main(void *arg)
{
	struct submounts *submounts = arg;
	struct pollfd fds[] = {
		{ .fd = submounts->stop_fd, .events = POLLIN },
		{ .fd = open("/proc/thread-self/mountinfo", O_RDONLY | O_CLOEXEC),
		  .events = POLLPRI },
	};
	struct pollfd pause = fds[0];

	/* For the mount tables of other processes, and for nodes. */
	caps_limit(CAP_BIT(CAP_SYS_PTRACE) | CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_DAC_READ_SEARCH));

	fs_thread_init_keeping(CAP_BIT(CAP_SYS_PTRACE));
	/* Without /proc the thread ends: the kernel reports nothing, and scans find nothing. */
	do {
		submounts_scan(submounts, 0);
		poll(&pause, 1, PAUSE_MS);
	} while (fds[1].fd >= 0 && !(pause.revents) && poll(fds, 2, -1) > 0 && !fds[0].revents);
	if (fds[1].fd >= 0)
		close(fds[1].fd);
	return NULL;
}

int submounts_new(unsigned int connection, struct submounts **ret_submounts)
{
	struct submounts *submounts = calloc(1, sizeof(*submounts));

	if (!submounts)
		return -ENOMEM;
	submounts->connection = connection;
	submounts->own_fd = -1;
	submounts->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (submounts->stop_fd < 0) {
		free(submounts);
		return -errno;
	}
	pthread_mutex_init(&submounts->scan_lock, NULL);
	pthread_mutex_init(&submounts->lock, NULL);
	*ret_submounts = submounts;
	return 0;
}

int submounts_start(struct submounts *submounts, struct fs *fs)
{
	int r;

	submounts->fs = fs;
	if (!submounts->connection)
		return 0;
	submounts->own_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	r = thread_create(&submounts->thread, NULL, submounts_main, submounts);
	submounts->started = r == 0;
	return r;
}

void submounts_stop(struct submounts *submounts)
{
	if (!submounts->started)
		return;
	eventfd_write(submounts->stop_fd, 1);
	pthread_join(submounts->thread, NULL);
	submounts->started = false;
}

struct submounts *submounts_free(struct submounts *submounts)
{
	if (!submounts)
		return NULL;
	submounts_stop(submounts);
	close(submounts->stop_fd);
	if (submounts->own_fd >= 0)
		close(submounts->own_fd);
	texts_clear(&submounts->mount_points);
	table_clear(&submounts->table);
	pthread_mutex_destroy(&submounts->scan_lock);
	pthread_mutex_destroy(&submounts->lock);
	free(submounts);
	return NULL;
}
