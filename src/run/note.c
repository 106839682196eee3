// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages between the processes of `penstock run`. No state, no locks. */
#include "run/note.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int note_pair(int ret_fds[2])
{
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) < 0 ? -errno : 0;
}

int note_send(int fd, enum note_kind kind, int value, const char *text)
{
	struct note note = { .kind = kind, .value = value };
	size_t len;

	snprintf(note.text, sizeof(note.text), "%s", text ? text : "");
	len = offsetof(struct note, text) + strlen(note.text) + 1;
	return send(fd, &note, len, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

int note_receive(int fd, struct note *ret_note)
{
	ssize_t n;

	*ret_note = (struct note){ 0 };
	do
		n = recv(fd, ret_note, sizeof(*ret_note) - 1, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	return n > 0;
}
