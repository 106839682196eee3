/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* A line of a trace: the members of a JSON object, without its end. */
#include "request/req.h"

#include <stddef.h>
#include <stdint.h>

/* Room for two paths of the greatest length, with five characters for each byte, and the rest. */
#define LINE_SIZE 65536
#define LINE_TAIL 64 /* bytes of these for the end of a line, which differs between listeners */

struct line {
	size_t len;
	char text[LINE_SIZE];
};

/* The operation that a line is about: a request, or a call of filters. */
struct subject {
	struct fs *fs;
	const struct wire_msg *msg;
	uint32_t opcode;
	struct node *node, *node2; /* may be NULL */
	const char *name[2];
	uint32_t uid, gid, pid;
};

/* Begins the line: the time, the operation, its paths, flags and caller. */
void line_put_subject(struct line *line, const struct subject *subject);

/* Adds text. If it does not fit, leaves all of it out, so that the line stays valid JSON. */
void line_put(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds a text in quotes, with the escapes of util/utf8.h for bytes that are not UTF-8. */
void line_put_text(struct line *line, const char *text);
