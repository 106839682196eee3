// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pinned maps. They stay when the filter ends, even after a crash, and the next filter adopts them:
 * quota keeps its counts over a crash, an unmount or a change of its limit. The maps of calls,
 * patterns and constants are never pinned, because another program that writes to them would break
 * what the verifier or a running operation relies on.
 *
 * The map pst_filter in the directory has the identity of the filter that owns the other maps. It
 * is pinned first, so maps without pst_filter belong to another program.
 *
 * Locking: a filter takes a flock(2) on the directory while it uses it, so only one filter does at
 * a time. The lock ends with the process.
 */
#include "ebpf/pin.h"
#include "ebpf/filter-private.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MARK          "pst_filter"
#define IDENTITY_SIZE 512

struct pin {
	struct bpf_object *object; /* borrowed; NULL until pin_adopt() */
	char *dir;
	char identity[IDENTITY_SIZE];
	int dir_fd;    /* has the flock(2); -1 while lent to the filter that replaces this one */
	bool made_dir; /* pin_open() has created the directory */
	bool fresh;    /* pin_maps() has pinned new maps */
	bool kept;     /* the filter has been in force, so the maps stay */
};

DEFINE_CLEANUP(struct pin *, pin_free);

static bool is_pinnable(const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	return !bpf_map__is_internal(map) && strcmp(name, "pst_slots") != 0 &&
	       strcmp(name, "pst_patterns") != 0;
}

/* Writes the path of a map in the directory. Returns false if it is too long. */
static bool path_of(const struct pin *pin, const char *name, char path[PATH_MAX])
{
	return snprintf(path, PATH_MAX, "%s/%s", pin->dir, name) < PATH_MAX;
}

/* -- the directory ---------------------------------------------------------------------------- */

static int check_dir(int fd, const char *dir, struct pst_error *error)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return error_set(error, -errno, "cannot use %.200s for pin=: %s", dir,
				 strerror(errno));
	if (fs.f_type != BPF_FS_MAGIC)
		return error_set(
			error, -EINVAL,
			"pin=%.200s is not on a BPF file system: maps can be pinned only there, "
			"usually in /sys/fs/bpf (mount -t bpf bpf /sys/fs/bpf)",
			dir);
	return 0;
}

static int lock_dir(struct pin *pin)
{
	_cleanup_(fd_closep) int fd = open(pin->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	pin->dir_fd = take_fd(&fd);
	return 0;
}

static int take_dir(struct pin *pin, struct pst_error *error)
{
	int r = lock_dir(pin);

	if (r == -EWOULDBLOCK)
		return error_set(error, -EBUSY,
				 "pin=%.200s is already in use by another filter, of this or "
				 "another view: choose another directory",
				 pin->dir);
	if (r < 0)
		return error_set(error, r, "cannot use %.200s for pin=: %s", pin->dir,
				 strerror(-r));
	return check_dir(pin->dir_fd, pin->dir, error);
}

/* Refuses maps of another program or filter, and leaves them there. */
static int refuse_foreign(const struct pin *pin, const char *why, struct pst_error *error)
{
	return error_set(error, -EEXIST,
			 "the maps pinned in pin=%.200s %s: remove them (rm -r %.200s), or choose "
			 "another directory",
			 pin->dir, why, pin->dir);
}

/* Refuses the maps of another filter, or of this filter with other options of PST_OF_MAPS. */
static int check_mark(const struct pin *pin, struct pst_error *error)
{
	char path[PATH_MAX], found[IDENTITY_SIZE] = "", why[2 * IDENTITY_SIZE + 80];
	_cleanup_(fd_closep) int fd = -1;
	uint32_t zero = 0;

	if (!path_of(pin, MARK, path) || access(path, F_OK) < 0)
		return 0;
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_map_lookup_elem(fd, &zero, found) < 0)
		return refuse_foreign(pin, "were not left by a filter", error);
	found[IDENTITY_SIZE - 1] = '\0';
	if (strcmp(found, pin->identity) == 0)
		return 0;
	snprintf(why, sizeof(why), "were left by another filter (%s), and this one is %s", found,
		 pin->identity);
	return refuse_foreign(pin, why, error);
}

int pin_open(const char *dir, const char *identity, struct pin **ret_pin, struct pst_error *error)
{
	_cleanup_(pin_freep) struct pin *pin = calloc(1, sizeof(*pin));
	int r;

	if (!pin)
		return error_set(error, -ENOMEM, "out of memory");
	pin->dir_fd = -1;
	if (*dir != '/')
		return error_set(
			error, -EINVAL,
			"pin=%.200s does not begin with '/': give the path of a directory below "
			"/sys/fs/bpf",
			dir);
	snprintf(pin->identity, sizeof(pin->identity), "%s", identity);
	pin->dir = strdup(dir);
	if (!pin->dir)
		return error_set(error, -ENOMEM, "out of memory");
	if (mkdir(dir, 0700) == 0)
		pin->made_dir = true;
	else if (errno != EEXIST)
		return error_set(error, -errno, "cannot make the directory pin=%.200s: %s", dir,
				 strerror(errno));
	r = take_dir(pin, error);
	if (r == 0)
		r = check_mark(pin, error);
	if (r == 0)
		*ret_pin = take_ptr(pin);
	return r;
}

/* -- maps ------------------------------------------------------------------------------------- */

/* Returns how a pinned map differs from the filter's, or NULL. */
static const char *differs(int fd, const struct bpf_map *map)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size) < 0)
		return "cannot be read";
	if (info.type != bpf_map__type(map) || info.map_flags != bpf_map__map_flags(map))
		return "is of another type";
	if (info.key_size != bpf_map__key_size(map) || info.value_size != bpf_map__value_size(map))
		return "has keys or values of another size";
	return info.max_entries != bpf_map__max_entries(map) ? "has another number of elements" :
							       NULL;
}

static int adopt(const struct pin *pin, struct bpf_map *map, struct pst_error *error)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_MAX], why[200], mark[PATH_MAX];
	const char *how;
	int r;

	if (!path_of(pin, bpf_map__name(map), path) || access(path, F_OK) < 0)
		return 0;
	if (!path_of(pin, MARK, mark) || access(mark, F_OK) < 0)
		return refuse_foreign(pin, "were not left by a filter of this version", error);
	fd = bpf_obj_get(path);
	how = fd < 0 ? "is not a map" : differs(fd, map);
	if (how) {
		snprintf(why, sizeof(why), "do not fit this filter (the map %s %s)",
			 bpf_map__name(map), how);
		return refuse_foreign(pin, why, error);
	}
	r = bpf_map__reuse_fd(map, fd);
	return r == 0 ? 0 :
			error_set(error, r,
				  "cannot use the pinned map %.200s: %s; remove it, or "
				  "choose another directory for pin=",
				  path, strerror(-r));
}

int pin_adopt(struct pin *pin, struct bpf_object *object, struct pst_error *error)
{
	struct bpf_map *map;
	unsigned int n = 0;
	int r;

	pin->object = object;
	bpf_object__for_each_map(map, object) {
		if (!is_pinnable(map))
			continue;
		n++;
		r = adopt(pin, map, error);
		if (r < 0)
			return r;
	}
	if (!n)
		return error_set(error, -EINVAL, "pin=%.200s: this filter has no maps to pin",
				 pin->dir);
	return 0;
}

static int pin_fd(const struct pin *pin, int fd, const char *name, struct pst_error *error)
{
	char path[PATH_MAX];

	if (!path_of(pin, name, path))
		return error_set(error, -ENAMETOOLONG, "pin=%.200s is too long", pin->dir);
	if (access(path, F_OK) == 0 || bpf_obj_pin(fd, path) == 0)
		return 0;
	return error_set(error, -errno, "cannot pin a map at %.300s: %s", path, strerror(errno));
}

static int pin_mark(const struct pin *pin, struct pst_error *error)
{
	_cleanup_(fd_closep) int fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, MARK, sizeof(uint32_t), IDENTITY_SIZE, 1, NULL);
	uint32_t zero = 0;

	if (fd < 0 || bpf_map_update_elem(fd, &zero, pin->identity, BPF_ANY) < 0)
		return error_set(error, -errno, "cannot make a map for pin=%.200s: %s", pin->dir,
				 strerror(errno));
	return pin_fd(pin, fd, MARK, error);
}

int pin_maps(struct pin *pin, struct pst_error *error)
{
	struct bpf_map *map;
	char path[PATH_MAX];
	int r;

	pin->fresh = path_of(pin, MARK, path) && access(path, F_OK) < 0;
	r = pin_mark(pin, error);
	bpf_object__for_each_map(map, pin->object)
		if (r == 0 && is_pinnable(map) && bpf_map__fd(map) >= 0)
			r = pin_fd(pin, bpf_map__fd(map), bpf_map__name(map), error);
	return r;
}

static void unpin(const struct pin *pin, const char *name)
{
	char path[PATH_MAX];

	if (path_of(pin, name, path))
		unlink(path);
}

static void unpin_all(const struct pin *pin)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, pin->object)
		if (is_pinnable(map))
			unpin(pin, bpf_map__name(map));
	unpin(pin, MARK);
}

void pin_remove(const struct pin *pin)
{
	unpin_all(pin);
	rmdir(pin->dir);
}

struct pin *pin_free(struct pin *pin)
{
	if (!pin)
		return NULL;
	/* A filter that could not be put in force leaves nothing behind. */
	if (!pin->kept && pin->fresh)
		unpin_all(pin);
	if (!pin->kept && pin->made_dir)
		rmdir(pin->dir);
	fd_close(pin->dir_fd);
	free(pin->dir);
	free(pin);
	return NULL;
}

/* -- filters ---------------------------------------------------------------------------------- */

void filter_keep_pin(struct filter *filter)
{
	if (filter->load.pin)
		filter->load.pin->kept = true;
}

void filter_lend_pin(struct filter *filter)
{
	struct pin *pin = filter->load.pin;

	if (pin)
		pin->dir_fd = fd_close(pin->dir_fd);
}

void filter_take_pin(struct filter *filter)
{
	struct pin *pin = filter->load.pin;
	int r = pin ? lock_dir(pin) : 0;

	if (r < 0)
		log_error("filter %s: cannot lock pin=%s again, so another filter may use its "
			  "maps: %s",
			  filter->facts.name, pin->dir, strerror(-r));
}

void filter_remove_pin(struct filter *filter)
{
	if (filter->load.pin)
		pin_remove(filter->load.pin);
}
