// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What libbpf prints, kept. libbpf has one print function for a process, which may have others that
 * use it: what they cause goes where it went before.
 *
 * Locking: what is kept is the thread's own. previous_fn is set once.
 */
#include "ebpf/explain.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than anybody reads. */
#define KEEP (1024 * 1024)

static libbpf_print_fn_t previous_fn;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static __thread struct {
	bool on;
	char *text;
	size_t len;
} capture;

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	char *message, *text;
	size_t len, skip = 0;
	int n;

	if (!capture.on)
		return previous_fn ? previous_fn(level, format, args) : 0;
	if (level == LIBBPF_DEBUG)
		return 0;
	n = vasprintf(&message, format, args);
	if (n < 0)
		return 0;
	len = capture.len + n;
	text = realloc(capture.text, len + 1);
	if (text) {
		memcpy(text + capture.len, message, n + 1);
		if (len > KEEP)
			skip = len - KEEP;
		memmove(text, text + skip, len - skip + 1);
		capture.text = text;
		capture.len = len - skip;
	}
	free(message);
	return n;
}

static void install(void)
{
	previous_fn = libbpf_set_print(print);
}

void capture_begin(void)
{
	pthread_once(&once, install);
	capture.on = true;
}

char *capture_end(void)
{
	char *text = capture.text;

	capture.on = false;
	capture.text = NULL;
	capture.len = 0;
	return text;
}
