// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A source for tests. On SIGHUP it evicts all files that it has fetched, and writes a line "evict
 * ERROR" to CALLS for each. It does what the tag of each hollow file says.
 *
 *	faulty-source make DIR NAME LENGTH WORDS
 *
 * makes a hollow file, or a directory if LENGTH is "dir".
 *
 *	faulty-source LOWER VIEW CALLS [OPTION...]
 *
 * serves a view, and writes a line to the file CALLS for each call: "fetch WORDS", or for a piece
 * of a file "piece OFFSET WORDS". LENGTH is that of the piece then.
 *
 * The byte at offset N of a file is 'a' + N % 23. WORDS, separated by spaces:
 *
 *	wait=PATH	writes half, then waits until PATH exists, or the call is cancelled
 *	deaf=MS		waits so long, even if the call is cancelled
 *	error=N		returns -N after writing half of the file
 *	longer, shorter	changes the size of the file
 *	pieces		the file is fetched in pieces
 *	only=OFFSET	the words above apply only to the piece at this offset
 *	NAMES		of a directory: makes these names, see make_names()
 *
 * With the option "no-list" the source has no list(); with "nodes" the root has a file "made"
 * besides, which the program answers itself, and a lookup of "end" there ends the view. With
 * "opens=FILE", each choice of a time of a fetch opens this file.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <penstock/node.h>
#include <penstock/source.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int calls = -1;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards the files that were fetched */
static uint64_t fetched[1000];
static unsigned int n_fetched;

static int make(int dir, const char *name, const char *length, const char *words)
{
	struct pst_hollow file = {
		.size = sizeof(file),
		.stx = { .stx_mode = strcmp(length, "dir") == 0 ? S_IFDIR | 0755 : S_IFREG | 0644,
			 .stx_size = strtoull(length, NULL, 10),
			 .stx_mtime = { 1000000000, 5, 0 } },
		.tag = words,
		.tag_len = strlen(words),
	};

	return pst_hollow_make(dir, name, &file);
}

static void fill(int fd, uint64_t from, uint64_t to)
{
	char buf[23 * 1000];

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (char)('a' + (from + i) % 23);
	while (from < to) {
		size_t n = to - from < sizeof(buf) ? to - from : sizeof(buf);
		ssize_t done = pwrite(fd, buf, n, (off_t)from);

		if (done < (ssize_t)n)
			return;
		from += n;
	}
}

/* Returns the value of a word "KEY=VALUE" of a tag, or NULL. The next call overwrites it. */
static const char *word(const char *tag, const char *key)
{
	static __thread char value[200];
	const char *at = strstr(tag, key);

	if (!at)
		return NULL;
	snprintf(value, sizeof(value), "%s", at + strlen(key));
	value[strcspn(value, " ")] = '\0';
	return value;
}

/* Waits as the tag says. Returns 0, or -EINTR if the call is cancelled. */
static int wait_as_told(const struct pst_fetch *fetch, const char *tag)
{
	const char *path = word(tag, "wait=");

	while (path && access(path, F_OK) < 0) {
		if (pst_fetch_cancelled(fetch))
			return -EINTR;
		usleep(2000);
	}
	for (int ms = word(tag, "deaf=") ? atoi(word(tag, "deaf=")) : 0; ms > 0; ms--)
		usleep(1000);
	return 0;
}

static void begin(const struct pst_fetch *fetch, const char *what, char tag[1100])
{
	snprintf(tag, 1100, "%.*s", (int)fetch->tag_len, (const char *)fetch->tag);
	dprintf(calls, "%s %s\n", what, tag);
}

static enum pst_fetch_when others; /* of files that are not fetched in pieces */

static bool is_in_pieces(const struct pst_fetch *fetch)
{
	return memmem(fetch->tag, fetch->tag_len, "pieces", 6);
}

static const char *opens; /* a file that each call of when_of() opens, or NULL */

static enum pst_fetch_when when_of(void *aux, const struct pst_fetch *fetch)
{
	if (opens)
		close(open(opens, O_RDONLY));
	return is_in_pieces(fetch) ? PST_FETCH_READ : others;
}

static int fetch(void *aux, struct pst_fetch *fetch)
{
	uint64_t middle = fetch->off + fetch->len / 2;
	char tag[1100], what[40];
	int r;

	snprintf(what, sizeof(what), "piece %llu", (unsigned long long)fetch->off);
	begin(fetch, is_in_pieces(fetch) ? what : "fetch", tag);
	pthread_mutex_lock(&lock);
	if (n_fetched < 1000)
		fetched[n_fetched++] = fetch->file->nodeid;
	pthread_mutex_unlock(&lock);
	if (word(tag, "only=") && fetch->off != strtoull(word(tag, "only="), NULL, 10)) {
		fill(fetch->fd, fetch->off, fetch->off + fetch->len);
		return 0;
	}
	fill(fetch->fd, fetch->off, middle);
	r = wait_as_told(fetch, tag);
	if (r == 0 && word(tag, "error="))
		return -atoi(word(tag, "error="));
	if (r == 0)
		fill(fetch->fd, middle, fetch->off + fetch->len);
	if (word(tag, "longer"))
		fill(fetch->fd, fetch->length, fetch->length + 10);
	if (word(tag, "shorter") && ftruncate(fetch->fd, 10) < 0)
		return -errno;
	return r;
}

/* Makes the names of a tag: "a" is a file of 1000 bytes, "b/" a directory with a file "c". */
static int make_names(int fd, const char *tag)
{
	char names[1100], *rest = names, *name;
	int r = 0;

	strcpy(names, tag);
	while (r == 0 && (name = strsep(&rest, " "))) {
		size_t len = strlen(name);

		if (!len || strchr(name, '='))
			continue;
		if (name[len - 1] == '/') {
			name[len - 1] = '\0';
			r = make(fd, name, "dir", "c");
		} else {
			r = make(fd, name, "1000", "");
		}
		if (r == -EEXIST)
			r = 0;
	}
	return r;
}

static int list(void *aux, struct pst_fetch *fetch)
{
	char tag[1100];
	int r;

	begin(fetch, "list", tag);
	r = wait_as_told(fetch, tag);
	if (r == 0 && word(tag, "error="))
		r = -atoi(word(tag, "error="));
	return r == 0 ? make_names(fetch->fd, tag) : r;
}

static _Atomic bool ended;

/* Thread: evicts files on SIGHUP until the view has ended. */
static void *evict(void *arg)
{
	uint64_t files[1000];
	unsigned int n;
	sigset_t hup;
	int number;

	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	while (sigwait(&hup, &number) == 0 && !ended) {
		pthread_mutex_lock(&lock);
		n = n_fetched;
		memcpy(files, fetched, sizeof(files));
		pthread_mutex_unlock(&lock);
		for (unsigned int i = 0; i < n; i++)
			dprintf(calls, "evict %d\n", -pst_view_evict(arg, files[i]));
	}
	return NULL;
}

/* -- the file "made" --------------------------------------------------------------------------- */

static struct pst_view *view;
static struct statx made = { .stx_mode = S_IFREG | 0644, .stx_nlink = 1 };
static char made_text[4096];

static uint32_t answers(void *aux, const struct pst_file *file)
{
	return file->nodeid == 1 ? PST_ANSWERS_LOOKUP : 0;
}

static int look_up(struct pst_request *req, const char *name, struct pst_entry *entry)
{
	if (strcmp(name, "end") == 0)
		pst_view_free(view);
	if (strcmp(name, "made") != 0)
		return PST_BACKING;
	pst_entry_key(entry, name, 4);
	entry->stx = made;
	return 0;
}

static int get_attributes(struct pst_request *req, struct statx *stx)
{
	*stx = made;
	return 0;
}

static int set_attributes(struct pst_request *req, const struct statx *change, struct statx *stx)
{
	if (change->stx_mask & STATX_SIZE)
		made.stx_size = change->stx_size;
	return get_attributes(req, stx);
}

static int open_made(struct pst_request *req, int flags, struct pst_opened *opened)
{
	if (flags & O_TRUNC)
		made.stx_size = 0;
	return 0;
}

static ssize_t read_made(struct pst_request *req, void *buf, size_t size, uint64_t off)
{
	size_t left = off < made.stx_size ? (size_t)(made.stx_size - off) : 0;

	memcpy(buf, made_text + off, left < size ? left : size);
	return (ssize_t)(left < size ? left : size);
}

static ssize_t write_made(struct pst_request *req, const void *buf, size_t size, uint64_t off)
{
	if (off + size > sizeof(made_text))
		return -EFBIG;
	memcpy(made_text + off, buf, size);
	if (off + size > made.stx_size)
		made.stx_size = off + size;
	return (ssize_t)size;
}

/* user.groups: the number of the caller's groups, and the last one. */
static ssize_t get_groups(struct pst_request *req, const char *name, void *buf, size_t size)
{
	static gid_t groups[65536];
	char text[64];
	size_t n = 0;
	int r = pst_request_groups(req, groups, 65536, &n), len;

	if (r < 0 || strcmp(name, "user.groups") != 0)
		return r < 0 ? r : -ENODATA;
	len = snprintf(text, sizeof(text), "%zu %u", n, n ? groups[n - 1] : 0);
	if (size && size < (size_t)len)
		return -ERANGE;
	memcpy(buf, text, size ? (size_t)len : 0);
	return len;
}

static const struct pst_node_ops node_ops = {
	.size = sizeof(node_ops),
	.ops = answers,
	.lookup = look_up,
	.getattr = get_attributes,
	.setattr = set_attributes,
	.open = open_made,
	.read = read_made,
	.write = write_made,
	.getxattr = get_groups,
};

static void choose(struct pst_view_options *options, struct pst_source *source, const char *word)
{
	if (strcmp(word, "guard") == 0)
		source->guard = 1;
	else if (strncmp(word, "max_bytes=", 10) == 0)
		source->max_bytes = strtoull(word + 10, NULL, 10);
	else if (strcmp(word, "when=ahead") == 0)
		others = PST_FETCH_AHEAD;
	else if (strcmp(word, "passthrough=on") == 0)
		options->passthrough = PST_PASSTHROUGH_ON;
	else if (strcmp(word, "passthrough=off") == 0)
		options->passthrough = PST_PASSTHROUGH_OFF;
	else if (strcmp(word, "transport=dev") == 0)
		options->transport = PST_TRANSPORT_DEV;
	else if (strcmp(word, "transport=uring") == 0)
		options->transport = PST_TRANSPORT_URING;
	else if (strcmp(word, "ro") == 0)
		options->mount_flags = PST_MOUNT_RDONLY;
	else if (strcmp(word, "nodes") == 0)
		options->node_ops = &node_ops;
	else if (strncmp(word, "opens=", 6) == 0)
		opens = word + 6;
	else if (strcmp(word, "no-list") == 0)
		source->list = NULL;
	else if (strncmp(word, "retry_ms=", 9) == 0)
		source->retry_ms = (uint32_t)atoi(word + 9);
	else if (strncmp(word, "n_fetches=", 10) == 0)
		source->n_fetches = (uint32_t)atoi(word + 10);
	else if (strncmp(word, "piece=", 6) == 0)
		source->piece = (uint32_t)atoi(word + 6);
	else
		errx(2, "no such option: %s", word);
}

int main(int argc, char **argv)
{
	struct pst_source source = {
		.size = sizeof(source), .list = list, .fetch = fetch, .when_of = when_of
	};
	struct pst_view_options options = PST_VIEW_OPTIONS_INIT;
	struct pst_error error;
	pthread_t thread;
	sigset_t hup;
	int r;

	if (argc == 6 && strcmp(argv[1], "make") == 0) {
		r = make(open(argv[2], O_RDONLY | O_DIRECTORY), argv[3], argv[4], argv[5]);
		if (r < 0)
			errx(1, "%s: %s", argv[3], strerror(-r));
		return 0;
	}
	if (argc < 4)
		errx(2, "see the source");
	options.lower = argv[1];
	options.mountpoint = argv[2];
	options.source = &source;
	calls = open(argv[3], O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	for (int i = 4; i < argc; i++)
		for (char *word; (word = strsep(&argv[i], ","));)
			if (strcmp(word, "-o") != 0)
				choose(&options, &source, word);
	sigemptyset(&hup);
	sigaddset(&hup, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &hup, NULL);
	if (calls < 0 || pst_view_mount(&options, &view, &error) < 0)
		errx(1, "%s", calls < 0 ? argv[3] : error.text);
	if (pthread_create(&thread, NULL, evict, view) != 0)
		errx(1, "no thread");
	r = pst_view_wait(view);
	ended = true;
	pthread_kill(thread, SIGHUP);
	pthread_join(thread, NULL);
	pst_view_free(view);
	return r < 0;
}
