// SPDX-License-Identifier: LGPL-2.1-or-later
/* Requests that a program answers: public functions of the library (<penstock/node.h>). */
#include "api/view.h"
#include "request/served.h"
#include "util/cleanup.h"
#include "util/proc.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

void pst_reply(struct pst_request *request, int64_t result)
{
	serving_reply(serving_of(request), result);
}

int pst_request_interrupted(const struct pst_request *request)
{
	const struct serving *serving = serving_of(request);

	return serving->interrupted || serving->req->host->stopping;
}

/* Bytes of /proc/PID/status of a process with 65536 groups, the most that there can be. */
#define STATUS_MAX (1 << 20)

int pst_request_groups(const struct pst_request *request, gid_t *groups, size_t n, size_t *ret_n)
{
	_cleanup_(freep) char *text = malloc(STATUS_MAX);
	int r = text ? proc_read(request->pid, "status", text, STATUS_MAX) : -ENOMEM;
	const char *at = r < 0 ? NULL : proc_field(text, "\nGroups:");
	size_t found = 0;
	char *end;

	if (!at)
		return text ? -ESRCH : -ENOMEM;
	for (;; at = end) {
		unsigned long gid;

		at += strspn(at, "\t ");
		if (!isdigit((unsigned char)*at))
			break;
		gid = strtoul(at, &end, 10);
		if (found < n)
			groups[found] = (gid_t)gid;
		found++;
	}
	*ret_n = found;
	return 0;
}

int pst_request_path(const struct pst_request *request, char *buf, size_t size)
{
	struct req *req = serving_of(request)->req;
	char path[PATH_MAX];

	if (node_is_keyed(req->node))
		return -EOPNOTSUPP;
	fs_node_path(req->fs, req->node, path, sizeof(path));
	if (strcmp(path, "?") == 0)
		return -ENOENT;
	if (strlen(path) >= size)
		return -ENAMETOOLONG;
	memcpy(buf, path, strlen(path) + 1);
	return 0;
}

void pst_file_id(const struct pst_file *file, void *ret_id)
{
	struct {
		uint32_t dev_major, dev_minor;
		uint64_t ino;
		unsigned char handle[PST_FILE_ID_SIZE - 16];
	} id = { .dev_major = file->dev_major, .dev_minor = file->dev_minor, .ino = file->ino };

	static_assert(sizeof(id) == PST_FILE_ID_SIZE, "no padding");
	if (file->handle_len)
		memcpy(id.handle, file->handle, file->handle_len);
	memcpy(ret_id, &id, sizeof(id));
}

/* -- nodes ----------------------------------------------------------------------------------- */

int pst_view_back(struct pst_view *view, uint64_t nodeid, int fd)
{
	struct node *node = view_node(view, nodeid);
	int r;

	if (!node)
		return -ENOENT;
	r = fs_keyed_back(server_fs(view->server), node, fd);
	fs_node_put(server_fs(view->server), node);
	return r;
}

uint64_t pst_view_nodeid(struct pst_view *view, const void *key, size_t len)
{
	struct fs *fs = view->server ? server_fs(view->server) : NULL;
	struct node *node = fs ? fs_keyed_node(fs, key, len) : NULL;
	uint64_t nodeid;

	if (!node)
		return 0;
	nodeid = node->id;
	fs_node_put(fs, node);
	return nodeid;
}

void pst_view_changed_data(struct pst_view *view, uint64_t nodeid, int64_t off, int64_t len)
{
	if (view->server)
		server_data_changed(view->server, nodeid, off, len);
}

static void name_changed(struct pst_view *view, uint64_t dir_id, const char *name, uint64_t nodeid)
{
	struct node *dir = view_node(view, dir_id), *removed;
	struct fs *fs;

	if (!dir)
		return;
	fs = server_fs(view->server);
	removed = nodeid ? fs_node(fs, nodeid) : NULL;
	fs_name_changed(fs, dir, name, removed);
	fs_node_put(fs, dir);
	fs_node_put(fs, removed);
}

void pst_view_changed_name(struct pst_view *view, uint64_t dir, const char *name)
{
	name_changed(view, dir, name, 0);
}

void pst_view_removed(struct pst_view *view, uint64_t dir, const char *name, uint64_t nodeid)
{
	name_changed(view, dir, name, nodeid);
}

int pst_view_dispatch_fd(struct pst_view *view)
{
	struct served *served = view->server ? server_served(view->server) : NULL;

	return served ? served->event_fd : -1;
}

void pst_view_dispatch(struct pst_view *view)
{
	struct served *served = view->server ? server_served(view->server) : NULL;

	if (served && served->ops.loop)
		served_dispatch(served);
}
