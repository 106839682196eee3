// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire/msg.h"

#include <inttypes.h>
#include <stdio.h>

void wire_print(const struct wire_msg *msg, char *buf, size_t size)
{
	const struct fuse_in_header *head = msg->head;
	int n;

	n = snprintf(buf, size, "#%" PRIu64 " %s node %#" PRIx64 " uid %u gid %u pid %u",
		     head->unique, msg->op->name, head->nodeid, head->uid, head->gid, head->pid);
	for (int i = 0; i < msg->op->n_names && n >= 0 && (size_t)n < size; i++)
		n += snprintf(buf + n, size - (size_t)n, " '%s'", msg->name[i]);
	if (msg->op->data_unit && n >= 0 && (size_t)n < size)
		snprintf(buf + n, size - (size_t)n, " +%zu bytes", msg->data_len);
}
