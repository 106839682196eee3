/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads files of /proc about a process or thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads at most size - 1 bytes of /proc/PID/FILE into buf, and ends the text with a NUL. Returns
 * the length or -errno; -ESRCH for pid 0, which the kernel sends for a process that is not in this
 * PID namespace.
 */
int proc_read(uint32_t pid, const char *file, char *buf, size_t size);
/*
 * Returns whether a process is in this process's user namespace, by their maps; false if the
 * process has ended. A namespace in which each user has the number that it has outside is taken for
 * the same, but those of `penstock run` are not (src/run/namespaces.c).
 */
bool proc_in_our_user_namespace(uint32_t pid);
/*
 * Returns true if a client's thread has ended or a SIGKILL is pending for it; the kernel turns
 * other fatal signals into SIGKILL.
 */
bool proc_is_dying(uint32_t pid);
/*
 * Returns the text after key, which must begin with a newline ("\nUid:"); NULL if the text has no
 * such line.
 */
const char *proc_field(const char *text, const char *key);
/*
 * Returns the hexadecimal number after key: a set of signals or capabilities. Returns 0 if the text
 * has no such line.
 */
uint64_t proc_mask(const char *text, const char *key);
