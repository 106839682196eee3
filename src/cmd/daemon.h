/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The background process: a child that mounts and serves, and a parent that waits for its report.
 */

struct daemon {
	int report_fd; /* to the parent; -1 in the foreground, and once reported */
};

/*
 * Forks. Returns 0 in the child, in a session of its own, with *daemon open. The parent waits for
 * the child's report, prints the text of a failure, and exits with the code that was reported.
 * Returns -errno when there is no child. Call it before there are threads.
 */
int daemon_start(struct daemon *daemon);

/*
 * Reports success: the parent exits with 0. The child's working directory becomes /, and its
 * standard streams /dev/null. Does nothing in the foreground. Returns 0 or -errno.
 */
int daemon_ready(struct daemon *daemon);

/*
 * Reports a failure: the parent prints text and exits with code. Returns false if no parent waits:
 * in the foreground, and after a report.
 */
_Bool daemon_failed(struct daemon *daemon, int code, const char *text);
