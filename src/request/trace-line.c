// SPDX-License-Identifier: LGPL-2.1-or-later
/* Composes the lines of a trace. A line belongs to one thread, so there are no locks. */
#include "request/trace-line.h"
#include "request/trace-words.h"
#include "util/proc.h"
#include "util/utf8.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_WORDS 16

void line_put(struct line *line, const char *format, ...)
{
	size_t left = sizeof(line->text) - LINE_TAIL - line->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(line->text + line->len, left, format, args);
	va_end(args);
	/* If the text does not fit, all of it is left out, so that the line stays valid JSON. */
	if (n >= 0 && (size_t)n < left)
		line->len += (size_t)n;
}

void line_put_text(struct line *line, const char *text)
{
	line_put(line, "\"");
	for (size_t len; *text; text += len) {
		len = utf8_char(text);
		if (utf8_must_escape(text)) {
			line_put(line, "\\\\x%02x", (unsigned char)*text);
			len = 1;
		} else if (*text == '"' || *text == '\\') {
			line_put(line, "\\%c", *text);
		} else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			line_put(line, "\\u%04x", (unsigned char)*text);
		} else {
			line_put(line, "%.*s", (int)len, text);
		}
	}
	line_put(line, "\"");
}

static void put_path(struct line *line, const char *member, struct fs *fs, struct node *node,
		     const char *name)
{
	char path[PATH_MAX + 300];
	bool is_cut = fs_node_path_cut(fs, node, path, PATH_MAX);
	size_t len = strlen(path);

	if (is_cut)
		line_put(line, ",\"%s_cut\":true", member);
	if (name)
		snprintf(path + len, sizeof(path) - len, "%s%s",
			 len && path[len - 1] == '/' ? "" : "/", name);
	line_put(line, ",\"%s\":", member);
	line_put_text(line, path);
}

#define STATUS_SIZE 256

/* Writes the name of a process: that of its first thread, as ps(1) shows it. */
static void put_comm(struct line *line, uint32_t process)
{
	char comm[64];
	int len = proc_read(process, "comm", comm, sizeof(comm));

	if (len <= 0)
		return;
	/* The name itself can have a newline. */
	comm[len - 1] = '\0';
	line_put(line, ",\"comm\":");
	line_put_text(line, comm);
}

/*
 * Writes the process, the name of its program and the cgroup of the caller, a thread, which waits
 * for this thread.
 */
static void put_process(struct line *line, uint32_t pid)
{
	char text[4200] = "\n";
	const char *below;
	/* The first lines are enough: "Name:\tcat\nUmask:...\nState:...\nTgid:\t42". */
	int len = proc_read(pid, "status", text, STATUS_SIZE);
	const char *number = len > 0 ? proc_field(text, "\nTgid:") : NULL;
	uint32_t process = number ? (uint32_t)strtoul(number, NULL, 10) : 0;

	if (process) {
		line_put(line, ",\"process\":%u", process);
		put_comm(line, process);
	}
	text[0] = '\n';
	len = proc_read(pid, "cgroup", text + 1, sizeof(text) - 1);
	/* The line of version 2, "0::/path", comes after those of version 1. */
	below = len > 0 ? proc_field(text, "\n0::") : NULL;
	if (below) {
		*strchrnul(below, '\n') = '\0';
		line_put(line, ",\"cgroup\":");
		line_put_text(line, below);
	}
}

static void put_words(struct line *line, const struct wire_msg *msg)
{
	const char *words[N_WORDS];
	size_t n = trace_words(msg, words, N_WORDS);

	for (size_t i = 0; i < n; i++)
		line_put(line, "%s\"%s\"", i ? "," : ",\"flags\":[", words[i]);
	if (n)
		line_put(line, "]");
}

void line_put_subject(struct line *line, const struct subject *subject)
{
	const struct op *op = op_find(subject->opcode);
	const char *name = op_filter_name(op_filter_opcode(subject->opcode));
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	line_put(line, "{\"time\":%ld.%06ld,\"op\":\"%s\"", (long)ts.tv_sec, ts.tv_nsec / 1000,
		 name ? name : op->name);
	if (subject->node)
		put_path(line, "path", subject->fs, subject->node,
			 op->n_entries ? subject->name[0] : NULL);
	if (subject->node2)
		put_path(line, "path2", subject->fs, subject->node2,
			 op->n_entries == 2 ? subject->name[1] : NULL);
	line_put(line, ",\"uid\":%u,\"gid\":%u,\"pid\":%u", subject->uid, subject->gid,
		 subject->pid);
	put_process(line, subject->pid);
	put_words(line, subject->msg);
}
