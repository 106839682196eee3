// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests to the process of a view. The process is found by the mount point; where it cannot be
 * asked, or does not reply, the reason is printed here. No state, no locks.
 */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/mounts.h"
#include "ctl/client.h"
#include "ctl/proto.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

static int say_died(const char *path)
{
	cmd_error("%s: the process of this view has died; `penstock umount %s` removes the view",
		  path, path);
	return CMD_FAILED;
}

/* Returns whether the process of the view has died. */
static bool is_dead(const char *path)
{
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	_cleanup_(freep) char *type = NULL;

	return mounts_find(path, &view, &type) == 0 && mounts_view_is_dead(&view);
}

int ask_open(const char *path, int *ret_fd)
{
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	_cleanup_(freep) char *type = NULL;
	char socket[CTL_PATH_MAX];
	int fd, r;

	r = mounts_find(path, &view, &type);
	if (r == -EINVAL)
		cmd_error("%s is not the mount point of a view", path);
	else if (r < 0)
		cmd_error("%s: %s", path, strerror(-r));
	if (r < 0)
		return r == -EINVAL ? CMD_FAILED : cmd_exit_code(r);

	fd = ctl_client_find(view.connection, socket);
	if (fd == -EACCES || fd == -EPERM) {
		cmd_error("%s: only root, or the user that mounted it, may ask its process", path);
		return cmd_exit_code(fd);
	}
	if (fd < 0 && mounts_view_is_dead(&view))
		return say_died(path);
	if (fd < 0) {
		cmd_error("%s: its process does not listen at %s: %s", path, socket, strerror(-fd));
		return CMD_FAILED;
	}
	*ret_fd = fd;
	return CMD_OK;
}

int ask_call(const char *path, int fd, const char *verb, struct json_object *arguments,
	     int timeout_ms, struct json_object **ret_reply)
{
	struct json_object *reply = NULL;
	int r;

	r = ctl_client_call(fd, verb, arguments, timeout_ms, &reply);
	if (r < 0 && r != -ETIMEDOUT && is_dead(path))
		return say_died(path);
	if (r < 0) {
		cmd_error("%s: its process does not answer: %s", path, strerror(-r));
		return cmd_exit_code(r);
	}
	if (ctl_reply_error(reply)) {
		cmd_error("%s: %s", path, ctl_reply_error(reply));
		json_object_put(reply);
		return CMD_FAILED;
	}
	*ret_reply = reply;
	return CMD_OK;
}

int ask(const char *path, const char *verb, struct json_object *arguments, int timeout_ms,
	struct json_object **ret_reply)
{
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = ask_open(path, &fd);
	if (r != CMD_OK)
		return r;
	return ask_call(path, fd, verb, arguments, timeout_ms, ret_reply);
}
