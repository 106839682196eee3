// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Fuzzes the server of the control socket: a client sends the input in two pieces and reads the
 * replies. The server must survive all inputs and answer a valid request at the end.
 */
#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/server.h"
#include "ctl/socket.h"
#include "util/cleanup.h"
#include "util/fd.h"

enum {
	WAIT_MS = 4000,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static int run_echo(struct ctl_call *call)
{
	struct json_object *text = NULL;

	if (!json_object_object_get_ex(call->request, "text", &text))
		return -EINVAL;
	json_object_object_add(call->reply, "text", json_object_get(text));
	return 0;
}

static const struct ctl_verb verbs[] = { { "echo", run_echo } };

/* The one server of this process, started with the first input. */
static const char *server_path(void)
{
	static char path[CTL_PATH_MAX];
	struct ctl_server_options options = { .path = path, .verbs = verbs, .n_verbs = 1 };
	struct ctl_server *server;
	int r;

	if (path[0])
		return path;
	snprintf(path, sizeof(path), "/tmp/penstock-fuzz-%d/1.sock", getpid());
	r = ctl_server_start(&options, &server);
	assert(r == 0);
	return path;
}

/* Removes the socket, because libFuzzer ends by exit(). */
static __attribute__((destructor)) void clean_up(void)
{
	char path[CTL_PATH_MAX];

	snprintf(path, sizeof(path), "/tmp/penstock-fuzz-%d/1.sock", getpid());
	unlink(path);
	*strrchr(path, '/') = '\0';
	rmdir(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	_cleanup_(fd_closep) int fd = ctl_socket_connect(server_path());
	_cleanup_(fd_closep) int other = ctl_socket_connect(server_path());
	struct json_object *reply = NULL;
	int r;

	assert(fd >= 0 && other >= 0);
	if (send(fd, bytes, len / 2, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		send(fd, bytes + len / 2, len - len / 2, MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(fd, SHUT_WR);
	r = ctl_client_wait_end(fd, WAIT_MS);
	assert(r == 0);
	r = ctl_client_call(other, "nothing", NULL, WAIT_MS, &reply);
	assert(r == 0 && ctl_reply_error(reply));
	json_object_put(reply);
	return 0;
}
