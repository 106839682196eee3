/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The background form: a child that goes on, and a parent that waits until the child is ready. */

struct daemon {
	int report_fd;			/* to the parent; -1 in the foreground, and once reported */
};

/*
 * Forks. The child returns 0 in a session of its own, with *daemon open; the parent waits for the
 * child's report, prints the text of a failure, and does not return: it exits with what was
 * reported. Returns -errno when there is no child. To be called before there are threads.
 */
int daemon_start(struct daemon *daemon);

/*
 * Ready: the parent exits with 0. What the parent's terminal or working directory was is let go:
 * the child's is /, and its standard streams are /dev/null. Nothing to do in the foreground.
 */
int daemon_ready(struct daemon *daemon);

/* Failed: the parent prints text and exits with code. False in the foreground, where we must. */
_Bool daemon_failed(struct daemon *daemon, int code, const char *text);
