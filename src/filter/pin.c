// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pinned maps. The maps that hold calls, patterns and constants stay our own: writing to them from
 * outside would change what the verifier or a running operation relies on.
 */
#include "filter/pin.h"
#include "filter/load.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

struct pin {
	struct bpf_object *object;
	char *dir;
	bool made_dir;
};

DEFINE_CLEANUP(struct pin *, pin_free);

static bool is_pinnable(const struct bpf_map *map)
{
	return !bpf_map__is_internal(map) && bpf_map__fd(map) >= 0 &&
	       !load_is_engine_map(bpf_map__name(map));
}

static int check_dir(const char *dir, struct pst_error *error)
{
	struct statfs fs;

	if (statfs(dir, &fs) < 0)
		return error_set(error, -errno, "cannot use %.200s for pin=: %s", dir,
				 strerror(errno));
	if (fs.f_type != BPF_FS_MAGIC)
		return error_set(
			error, -EINVAL,
			"pin=%.200s is not below a BPF file system: maps can be pinned only "
			"there, mostly in /sys/fs/bpf (mount -t bpf bpf /sys/fs/bpf)",
			dir);
	return 0;
}

static int pin_map(struct bpf_map *map, const char *dir, struct pst_error *error)
{
	_cleanup_(freep) char *path = NULL;
	int r;

	if (asprintf(&path, "%s/%s", dir, bpf_map__name(map)) < 0) {
		path = NULL;
		return error_set(error, -ENOMEM, "no memory");
	}
	r = bpf_map__pin(map, path);
	if (r == -EEXIST)
		return error_set(
			error, -EEXIST,
			"there is already something pinned at %.300s: remove it, or choose "
			"another directory with pin=",
			path);
	if (r < 0)
		return error_set(error, r, "cannot pin a map at %.300s: %s", path, strerror(-r));
	return 0;
}

int pin_new(struct bpf_object *object, const char *dir, struct pin **ret_pin,
	    struct pst_error *error)
{
	_cleanup_(pin_freep) struct pin *pin = calloc(1, sizeof(*pin));
	struct bpf_map *map;
	unsigned int n = 0;
	int r;

	if (!pin)
		return error_set(error, -ENOMEM, "no memory");
	if (*dir != '/')
		return error_set(
			error, -EINVAL,
			"pin=%.200s does not begin with '/': the path of a directory below "
			"/sys/fs/bpf is wanted",
			dir);
	pin->object = object;
	pin->dir = strdup(dir);
	if (!pin->dir)
		return error_set(error, -ENOMEM, "no memory");
	if (mkdir(dir, 0700) == 0)
		pin->made_dir = true;
	else if (errno != EEXIST)
		return error_set(error, -errno, "cannot make the directory of pin=%.200s: %s", dir,
				 strerror(errno));
	r = check_dir(dir, error);
	if (r < 0)
		return r;
	bpf_object__for_each_map(map, object) {
		if (!is_pinnable(map))
			continue;
		r = pin_map(map, dir, error);
		if (r < 0)
			return r;
		n++;
	}
	if (!n)
		return error_set(error, -EINVAL, "pin=%.200s: the filter has no maps of its own",
				 dir);
	*ret_pin = take_ptr(pin);
	return 0;
}

struct pin *pin_free(struct pin *pin)
{
	struct bpf_map *map;

	if (!pin)
		return NULL;
	if (pin->object)
		bpf_object__for_each_map(map, pin->object)
			if (bpf_map__is_pinned(map))
				bpf_map__unpin(map, NULL);
	if (pin->made_dir)
		rmdir(pin->dir);
	free(pin->dir);
	free(pin);
	return NULL;
}
