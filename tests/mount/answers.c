// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * answers LOWER VIEW LINES [loop] [-o OPTION,...]
 *
 * A program that answers operations, for tests. The files of its root have keys, and their names,
 * texts and modes change by lines in the FIFO LINES; the program says nothing to the kernel unless
 * a line tells it to. All answers may be cached without limit. With `loop`, the callbacks run in
 * the main thread, beside the lines.
 *
 *	set NAME TEXT	makes NAME a file with this text, or changes the text
 *	chmod NAME MODE
 *	move NAME NEW	makes NEW a name of the file of NAME, instead of NAME
 *	drop NAME	removes the name
 *	attr|data|name|removed NAME	the pst_view_changed() of that kind
 *	back NAME FILE	pst_view_back(), prints "back R"
 *	keep NAME	from now on, read() of NAME answers PST_LATER and prints "kept NAME"
 *	hold NAME	the same for open() of NAME
 *	interrupted	prints "interrupted N" for the oldest request that is kept
 *	reply N		ends that request, with the first N bytes of the text or -errno
 *	again N		ends it again, which is wrong
 *	replies N	ends all requests that are kept, from another thread
 *	free		frees the view, and ends
 *
 * copy_file_range(2) prints "copied N"; the ioctl(2) _IOWR('p', 1, uint32_t) adds 1 to the number.
 * SIGUSR1 prints "signal". SIGTERM unmounts the view. At the end of the view the program prints
 * "ended", and goes on to read lines.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <penstock/node.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define N_FILES 16

struct file {
	char name[64];
	char text[8192];
	uint32_t mode;
	uint64_t key; /* 0: no file */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct file files[N_FILES];
static uint64_t last_key;
static char kept_name[64], held_name[64];
static struct pst_request *kept[200], *replied; /* oldest first; the last that was replied to */
static unsigned int n_kept;
static struct pst_view *view;
static volatile sig_atomic_t n_signals, terminate;
static pthread_t main_thread;
static int loop;

static struct file *by_name(const char *name)
{
	for (int i = 0; i < N_FILES; i++)
		if (files[i].key && strcmp(files[i].name, name) == 0)
			return &files[i];
	return NULL;
}

static struct file *by_key(const struct pst_file *file)
{
	for (int i = 0; i < N_FILES; i++)
		if (file->key_len && memcmp(&files[i].key, file->key, sizeof(files[i].key)) == 0)
			return &files[i];
	return NULL;
}

static struct file *new_file(const char *name)
{
	for (int i = 0; i < N_FILES; i++)
		if (!files[i].key) {
			files[i] = (struct file){ .mode = 0644, .key = ++last_key };
			snprintf(files[i].name, sizeof(files[i].name), "%s", name);
			return &files[i];
		}
	errx(1, "too many files");
}

/* -- callbacks --------------------------------------------------------------------------------- */

static void fill(const struct file *file, struct statx *stx)
{
	stx->stx_mode = (uint16_t)(S_IFREG | file->mode);
	stx->stx_nlink = 1;
	stx->stx_size = strlen(file->text);
}

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	const struct file *file;

	pthread_mutex_lock(&lock);
	file = by_name(name);
	if (file) {
		pst_entry_key(entry, &file->key, sizeof(file->key));
		fill(file, &entry->stx);
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int get(struct pst_request *req, struct statx *stx)
{
	const struct file *file;

	pthread_mutex_lock(&lock);
	file = by_key(req->file);
	if (file)
		fill(file, stx);
	pthread_mutex_unlock(&lock);
	return file ? 0 : PST_BACKING;
}

static int list(struct pst_request *req, uint64_t at, struct pst_listing *listing)
{
	pthread_mutex_lock(&lock);
	for (; at < N_FILES; at++) {
		struct pst_entry entry = { 0 };

		if (!files[at].key)
			continue;
		pst_entry_key(&entry, &files[at].key, sizeof(files[at].key));
		fill(&files[at], &entry.stx);
		if (pst_listing_add(listing, files[at].name, at + 1, &entry) == 1)
			break;
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

static int open_it(struct pst_request *req, int flags, struct pst_opened *opened)
{
	const struct file *file;
	bool hold;

	pthread_mutex_lock(&lock);
	file = by_key(req->file);
	hold = file && strcmp(file->name, held_name) == 0;
	if (hold)
		kept[n_kept++] = req;
	pthread_mutex_unlock(&lock);
	if (hold)
		printf("kept %s\n", file->name);
	return hold ? PST_LATER : 0;
}

static ssize_t read_it(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	const struct file *file;
	size_t len, n = 0;
	bool keep;

	if (loop && !pthread_equal(pthread_self(), main_thread))
		printf("wrong thread\n");
	pthread_mutex_lock(&lock);
	file = by_key(req->file);
	len = file ? strlen(file->text) : 0;
	if (off < len)
		n = len - off < size ? len - off : size;
	memcpy(buf, file ? file->text + off : "", n);
	keep = file && strcmp(file->name, kept_name) == 0;
	if (keep)
		kept[n_kept++] = req;
	pthread_mutex_unlock(&lock);
	if (keep)
		printf("kept %s\n", file->name);
	return keep ? PST_LATER : (ssize_t)n;
}

static ssize_t write_it(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	struct file *file;

	pthread_mutex_lock(&lock);
	file = by_key(req->file);
	if (file && off + size < sizeof(file->text))
		memcpy(file->text + off, buf, size);
	pthread_mutex_unlock(&lock);
	return (ssize_t)size;
}

static ssize_t copy(struct pst_request *req, uint64_t off, uint64_t off2, size_t len)
{
	const struct file *from;
	struct file *to;
	size_t n = 0;

	pthread_mutex_lock(&lock);
	from = by_key(req->file);
	to = by_key(req->file2);
	if (from && to && off < strlen(from->text))
		n = strlen(from->text) - off < len ? strlen(from->text) - off : len;
	if (n && off2 + n < sizeof(to->text))
		memmove(to->text + off2, from->text + off, n);
	pthread_mutex_unlock(&lock);
	printf("copied %zu\n", n);
	return (ssize_t)n;
}

static int command(struct pst_request *req, uint32_t cmd, const void *in, size_t in_size, void *out,
		   size_t out_size)
{
	uint32_t number;

	if (cmd != _IOWR('p', 1, uint32_t))
		return PST_BACKING;
	memcpy(&number, in, sizeof(number));
	number++;
	memcpy(out, &number, sizeof(number));
	return 7;
}

/* -- lines ------------------------------------------------------------------------------------- */

static void reply(int result)
{
	pthread_mutex_lock(&lock);
	replied = kept[0];
	memmove(kept, kept + 1, --n_kept * sizeof(kept[0]));
	pthread_mutex_unlock(&lock);
	pst_reply(replied, result);
}

static void *reply_there(void *result)
{
	while (n_kept)
		reply((int)(intptr_t)result);
	return NULL;
}

/* Carries a line out that changes the files. Returns false for another line. */
static bool change(const char *word, const char *name, const char *rest)
{
	struct file *file = by_name(name);

	if (strcmp(word, "set") == 0)
		snprintf((file ? file : new_file(name))->text, sizeof(file->text), "%s\n", rest);
	else if (strcmp(word, "chmod") == 0)
		file->mode = (uint32_t)strtoul(rest, NULL, 8);
	else if (strcmp(word, "move") == 0)
		snprintf(file->name, sizeof(file->name), "%s", rest);
	else if (strcmp(word, "keep") == 0)
		snprintf(kept_name, sizeof(kept_name), "%s", name);
	else if (strcmp(word, "hold") == 0)
		snprintf(held_name, sizeof(held_name), "%s", name);
	else
		return false;
	return true;
}

static void tell(const char *word, const char *name, const char *rest)
{
	struct file *file = by_name(name);
	uint64_t nodeid = file ? pst_view_nodeid(view, &file->key, sizeof(file->key)) : 0;
	pthread_t thread;

	if (strcmp(word, "attr") == 0)
		pst_view_changed(view, nodeid);
	else if (strcmp(word, "data") == 0)
		pst_view_changed_data(view, nodeid, 0, 0);
	else if (strcmp(word, "name") == 0)
		pst_view_changed_name(view, 1, name);
	else if (strcmp(word, "drop") == 0)
		file->key = 0;
	else if (strcmp(word, "removed") == 0) {
		file->key = 0;
		pst_view_removed(view, 1, name, nodeid);
	} else if (strcmp(word, "back") == 0) {
		int fd = open(rest, O_RDWR | O_CLOEXEC);

		if (fd < 0) /* a directory */
			fd = open(rest, O_RDONLY | O_CLOEXEC);
		printf("back %d\n", pst_view_back(view, nodeid, fd));
		close(fd);
	} else if (strcmp(word, "interrupted") == 0) {
		printf("interrupted %d\n", pst_request_interrupted(kept[0]));
	} else if (strcmp(word, "reply") == 0) {
		reply(atoi(name));
	} else if (strcmp(word, "again") == 0) {
		pst_reply(replied, atoi(name));
	} else if (strcmp(word, "replies") == 0) {
		pthread_create(&thread, NULL, reply_there, (void *)(intptr_t)atoi(name));
		pthread_join(thread, NULL);
	}
}

/* Returns false if the program has to end. */
static bool do_line(void)
{
	char line[8400], word[32] = "", name[64] = "", rest[8192] = "";
	bool done;

	if (!fgets(line, sizeof(line), stdin))
		return false;
	sscanf(line, "%31s %63s %8191s", word, name, rest);
	if (strcmp(word, "free") == 0)
		return false;
	pthread_mutex_lock(&lock);
	done = change(word, name, rest);
	pthread_mutex_unlock(&lock);
	if (!done)
		tell(word, name, rest);
	printf("done\n");
	return true;
}

static void *wait_for_end(void *aux)
{
	printf("ended %d\n", pst_view_wait(view));
	return NULL;
}

static void note_signal(int number)
{
	if (number == SIGTERM)
		terminate = 1;
	else
		n_signals++;
}

static void handle_signals(void)
{
	if (n_signals) {
		n_signals = 0;
		printf("signal\n");
	}
	if (terminate) {
		terminate = 0;
		printf("unmount %d\n", pst_view_unmount(view, 0));
	}
}

int main(int argc, char **argv)
{
	struct pst_node_ops ops = {
		.size = sizeof(ops),
		.timeout_ns = UINT64_MAX,
		.lookup = look_up,
		.getattr = get,
		.readdir = list,
		.open = open_it,
		.read = read_it,
		.write = write_it,
		.copy_file_range = copy,
		.ioctl = command,
	};
	const struct sigaction action = { .sa_handler = note_signal };
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_error error;
	pthread_t thread;

	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.node_ops = &ops;
	if (dup2(open(argv[3], O_RDWR | O_CLOEXEC), STDIN_FILENO) < 0)
		err(1, "%s", argv[3]);
	for (int i = 4; i < argc; i++)
		if (strcmp(argv[i], "loop") == 0)
			loop = ops.loop = 1;
		else if (strcmp(argv[i], "-o") != 0 &&
			 pst_view_options_parse(&options, argv[i], NULL, NULL, &error) < 0)
			errx(1, "%s", error.text);
	setvbuf(stdin, NULL, _IONBF, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	main_thread = pthread_self();
	if (pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", error.text);
	pthread_create(&thread, NULL, wait_for_end, NULL);
	for (;;) {
		struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 },
					{ pst_view_dispatch_fd(view), POLLIN, 0 } };
		int n = poll(fds, 2, -1);

		handle_signals();
		if (n > 0 && fds[1].revents)
			pst_view_dispatch(view);
		if (n > 0 && fds[0].revents && !do_line())
			break;
	}
	pst_view_unmount(view, 1);
	pthread_join(thread, NULL);
	pst_view_free(view);
	pst_view_options_free(&options);
	return 0;
}
