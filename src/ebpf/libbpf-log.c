// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Captures the messages of libbpf. libbpf has one print function for the whole process, and other
 * code of the process may have set one before: outside of captures this file calls that one.
 *
 * Locking: none. Each thread has its own capture, and previous_fn is set once.
 */
#include "ebpf/explain.h"

#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Drops messages after so many bytes, because the first messages have the reason. */
#define MAX_KEPT (1024 * 1024)

static libbpf_print_fn_t previous_fn;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static __thread struct {
	bool on;
	FILE *stream; /* writes to text; NULL if libbpf has printed nothing, or out of memory */
	char *text;
	size_t len;
} kept;

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	if (!kept.on)
		return previous_fn ? previous_fn(level, format, args) : 0;
	if (level == LIBBPF_DEBUG)
		return 0;
	if (!kept.stream)
		kept.stream = open_memstream(&kept.text, &kept.len);
	return kept.stream && ftello(kept.stream) < MAX_KEPT ? vfprintf(kept.stream, format, args) :
							       0;
}

static void install(void)
{
	previous_fn = libbpf_set_print(print);
}

struct capture capture_begin(void)
{
	pthread_once(&once, install);
	kept.on = true;
	return (struct capture){ 0 };
}

char *capture_take(void)
{
	if (!kept.stream)
		return NULL;
	fclose(kept.stream);
	kept.stream = NULL;
	return kept.text;
}

void capture_end(struct capture *capture)
{
	(void)capture;
	free(capture_take());
	kept.on = false;
}
