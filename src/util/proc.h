/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Reads files of /proc about a process or thread. */
#include <stddef.h>
#include <stdint.h>

/*
 * Reads /proc/PID/FILE as text, cut off at size. Returns its length or -errno; -ESRCH for pid 0, by
 * which the kernel names a process of another pid namespace.
 */
int proc_read(uint32_t pid, const char *file, char *buf, size_t size);
/* Returns what follows key, which begins with a newline; NULL: the text has no such line. */
const char *proc_field(const char *text, const char *key);
/* Returns a hexadecimal number: a set of signals or capabilities. 0: there is no such line. */
uint64_t proc_mask(const char *text, const char *key);
