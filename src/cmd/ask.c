// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests to the process of a view. The mount point leads to the number of the view's connection,
 * and that to its control socket. A view of the kernel engine has no process: the module answers.
 * No state, no locks.
 */
#include "cmd/ask.h"
#include "cmd/cmd.h"
#include "cmd/in-kernel.h"
#include "cmd/mounts.h"
#include "ctl/client.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

int ask(const char *path, const char *verb, struct json_object *arguments, int timeout_ms,
	struct json_object **ret_reply, int *ret_fd)
{
	_cleanup_(mounts_view_fini) struct mounts_view view = { 0 };
	_cleanup_(fd_closep) int fd = -1;
	struct json_object *reply = NULL;
	char socket[CTL_PATH_MAX];
	int r, code = mounts_find(path, &view);

	if (code != CMD_OK)
		return code;
	if (view.in_kernel)
		return in_kernel_ask(&view, verb, arguments, ret_reply, ret_fd);
	fd = ctl_client_find(view.connection, view.owner, socket);
	if (fd == -EACCES || fd == -EPERM) {
		cmd_error("%s: only root and the user who mounted the view may use its socket %s",
			  path, socket);
		return CMD_USAGE;
	}
	r = fd < 0 ? fd : ctl_client_call(fd, verb, arguments, timeout_ms, &reply);
	if (r < 0 && r != -ETIMEDOUT && mounts_view_is_dead(&view)) {
		cmd_error("%s: the process of this view has died; `penstock umount %s` removes the "
			  "view",
			  path, path);
		return CMD_FAILED;
	}
	if (fd < 0) {
		cmd_error("%s: cannot connect to the process of this view at its control socket "
			  "%s: %s; a view of `penstock run` has none, and other programs can "
			  "leave it out; the log of a view says whether it could make one",
			  path, socket, strerror(-r));
		return CMD_FAILED;
	}
	if (r < 0) {
		cmd_error("%s: the process of this view does not answer: %s; try again, or end "
			  "the view by `penstock umount -l %s`",
			  path, strerror(-r), path);
		return cmd_exit_code(r);
	}
	if (ctl_reply_error(reply)) {
		cmd_error("%s: %s", path, ctl_reply_error(reply));
		json_object_put(reply);
		return CMD_FAILED;
	}
	*ret_reply = reply;
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return CMD_OK;
}
