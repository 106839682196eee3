/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Messages between the processes of `penstock run`, over sockets that keep their bounds. */

enum note_kind {
	NOTE_READY = 1, /* the view is mounted */
	NOTE_FAILED,    /* value: an exit code; text: the reason */
	NOTE_MAP,       /* the first process waits for the maps of its user namespace */
	NOTE_MAPPED,    /* and has them */
	NOTE_EXITED,    /* the command has ended; value: the status of waitpid(2) */
	NOTE_STOPPED,   /* a signal stopped the command; value: the signal */
	NOTE_SIGNAL,    /* value: a signal for the command */
};

struct note {
	int kind; /* enum note_kind */
	int value;
	char text[1000];
};

/* Makes a pair of connected sockets, close-on-exec. Returns 0 or -errno. */
int note_pair(int ret_fds[2]);
/* Sends a note. text may be NULL. Returns 0 or -errno; -EPIPE if the other process has ended. */
int note_send(int fd, enum note_kind kind, int value, const char *text);
/*
 * Waits for a note. Returns 1; 0 if the other process has ended, or closed its socket; or -errno.
 */
int note_receive(int fd, struct note *ret_note);
