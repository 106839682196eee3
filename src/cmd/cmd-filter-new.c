// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * penstock filter new: makes a directory with a filter to start from. The files of
 * share/filter-new/ are embedded in this program (tools/embed.sh). Three placeholders in them are
 * replaced: @NAME@, @PENSTOCK@ (this program) and @INCLUDE@ (the directory with
 * <penstock/filter.bpf.h>). Files that exist are never overwritten.
 */
#include "cmd/cmd.h"
#include "cmd/new-files.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct word {
	const char *name, *text;
};

struct words {
	char penstock[PATH_MAX];
	char include[PATH_MAX];
	struct word row[3];
};

/*
 * Finds this program and its headers: both the build directory and an installation have the program
 * in a directory beside include/.
 */
static void find_words(const char *name, struct words *words)
{
	char header[PATH_MAX + 32], path[PATH_MAX + 16];
	ssize_t n = readlink("/proc/self/exe", words->penstock, sizeof(words->penstock) - 1);
	const char *slash;

	words->penstock[n > 0 ? n : 0] = '\0';
	slash = strrchr(words->penstock, '/');
	snprintf(path, sizeof(path), "%.*s/../include", slash ? (int)(slash - words->penstock) : 0,
		 words->penstock);
	if (!realpath(path, words->include))
		words->include[0] = '\0';
	snprintf(header, sizeof(header), "%s/penstock/filter.bpf.h", words->include);
	if (access(header, R_OK) < 0)
		strcpy(words->include, "/usr/include");
	words->row[0] = (struct word){ "@NAME@", name };
	words->row[1] = (struct word){ "@PENSTOCK@", n > 0 ? words->penstock : "penstock" };
	words->row[2] = (struct word){ "@INCLUDE@", words->include };
}

/* Returns the placeholder that text begins with, or NULL. */
static const struct word *word_at(const struct words *words, const char *text)
{
	for (size_t i = 0; i < sizeof(words->row) / sizeof(words->row[0]); i++) {
		if (strncmp(text, words->row[i].name, strlen(words->row[i].name)) == 0)
			return &words->row[i];
	}
	return NULL;
}

/* Writes a file with the text, in which placeholders are replaced. Returns 0 or -errno. */
static int write_file(int dir_fd, const char *file, mode_t mode, const char *text,
		      const struct words *words)
{
	int fd = openat(dir_fd, file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	FILE *stream;
	int r;

	if (fd < 0)
		return -errno;
	stream = fdopen(fd, "w");
	if (!stream) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	while (*text) {
		const struct word *word = word_at(words, text);

		if (word) {
			fputs(word->text, stream);
			text += strlen(word->name);
		} else {
			fputc(*text++, stream);
		}
	}
	r = ferror(stream) ? -EIO : 0;
	return fclose(stream) != 0 ? -errno : r;
}

static int write_files(int dir_fd, const char *name)
{
	_cleanup_(freep) struct words *words = calloc(1, sizeof(*words));
	char source[NAME_MAX];
	int r;

	if (!words)
		return -ENOMEM;
	find_words(name, words);
	snprintf(source, sizeof(source), "%s.bpf.c", name);
	r = write_file(dir_fd, source, 0666, embed_filter_bpf_c, words);
	if (r >= 0)
		r = write_file(dir_fd, "Makefile", 0666, embed_Makefile, words);
	if (r >= 0)
		r = write_file(dir_fd, "test.sh", 0777, embed_test_sh, words);
	return r;
}

int cmd_filter_new(struct cmd_call *call)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
	_cleanup_(fd_closep) int dir_fd = -1;
	const char *name = call->words[0];
	int r = 0;

	if (!*name || *name == '-' || strlen(name) > 40 || name[strspn(name, good)])
		return cmd_usage_error(
			call->cmd,
			"\"%s\" cannot be a filter's name, which has up to 40 letters, "
			"digits, - and _",
			name);
	if (mkdir(name, 0777) < 0) {
		r = -errno;
		if (r == -EEXIST)
			cmd_error("%s exists and is not changed: choose another name, or rename it",
				  name);
		else
			cmd_error("cannot make the directory %s: %s", name, strerror(-r));
		return cmd_exit_code(r);
	}
	dir_fd = open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = dir_fd < 0 ? -errno : write_files(dir_fd, name);
	if (r < 0) {
		cmd_error("cannot make the files in the directory %s: %s", name, strerror(-r));
		return cmd_exit_code(r);
	}
	printf("%s/%s.bpf.c is a filter that refuses names; change it into yours. Then, in %s/:\n"
	       "    make          compile it\n"
	       "    make check    load it into the kernel, which verifies it, as root\n"
	       "    make test     mount a tree with it and run test.sh, as root\n",
	       name, name, name);
	return CMD_OK;
}
