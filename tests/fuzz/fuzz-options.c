// SPDX-License-Identifier: LGPL-2.1-or-later
/* Fuzzes the command line of a mount: NULs in the input separate the words. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/options.h"
#include "util/cleanup.h"

enum {
	MAX_WORDS = 16,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	_cleanup_(options_fini) struct mount_options options;
	_cleanup_(freep) char *words = malloc(len + 1);
	char *argv[MAX_WORDS + 2] = { "mount" };
	struct pst_error error;
	int argc = 1, r;

	memcpy(words, bytes, len);
	words[len] = '\0';
	for (char *p = words; p < words + len && argc <= MAX_WORDS; p += strlen(p) + 1)
		argv[argc++] = p;

	options = (struct mount_options)MOUNT_OPTIONS_INIT;
	r = options_parse(&options, len % 2 ? OPTIONS_HELPER : OPTIONS_COMMAND, argc, argv, &error);
	assert(r == 0 || (r == -EINVAL && error.text[0]));
	/* A remount needs only one word, the mount point. */
	assert(r != 0 || options.help ||
	       (options.view.lower && (options.view.mountpoint || options.remount)));
	return 0;
}
