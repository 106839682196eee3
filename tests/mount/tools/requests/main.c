// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * requests make DIR
 * requests [--served] [--markdown] PENSTOCK CACHE=VIEW...
 *
 * Counts the requests that the kernel sends for one operation, with "penstock stat" before and
 * after it, and compares them with the table in rows.c. More requests than the table allows are a
 * failure, "not ok ROW-CACHE: why". Each VIEW shows the tree of "make". CACHE names the view's
 * column, or "lean". --markdown prints the counts as a table. --served: data does not pass
 * through, so READ and WRITE requests are counted, too.
 *
 * Other processes on the machine can only add requests (they drop caches, or a ttl runs out), so
 * each operation is tried several times, each with names of its own, and the lowest count is used.
 * FORGET does not count, because the kernel sends it at any time and does not wait for it.
 */
#include "requests.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_OPS 64

static const char *const column_names[N_COLUMNS] = { "exclusive", "auto", "ttl=1", "none", "lean" };

static const char *penstock, *view;
static bool served;

static const char *expected(const struct row *row, int cache)
{
	if (cache == LEAN)
		return row->lean ? row->lean : row->requests[0];
	if (served && cache == N_CACHES - 1 && row->served)
		return row->served;
	while (cache > 0 && !row->requests[cache])
		cache--;
	return row->requests[cache];
}

/* ---- counting -------------------------------------------------------------------------------- */

struct counts {
	int n;
	struct count {
		char op[24];
		unsigned long requests;
	} at[N_OPS];
};

static unsigned long *count_of(struct counts *counts, const char *op, size_t len)
{
	struct count *new;

	for (int i = 0; i < counts->n; i++)
		if (strlen(counts->at[i].op) == len && strncmp(counts->at[i].op, op, len) == 0)
			return &counts->at[i].requests;
	if (counts->n == N_OPS)
		errx(2, "more operations than expected");
	new = &counts->at[counts->n++];
	*new = (struct count){ 0 };
	snprintf(new->op, sizeof(new->op), "%.*s", (int)len, op);
	return &new->requests;
}

static unsigned long total(const struct counts *counts)
{
	unsigned long sum = 0;

	for (int i = 0; i < counts->n; i++)
		sum += counts->at[i].requests;
	return sum;
}

static bool is_left_out(const char *op)
{
	return strstr(op, "FORGET") ||
	       (served && (strcmp(op, "READ") == 0 || strcmp(op, "WRITE") == 0));
}

/*
 * Reads the output of "penstock stat", run in a directory outside the view: a shell would look at
 * its working directory, and these requests would be counted.
 */
static void ask_penstock(char *text, size_t size)
{
	int ends[2], status = 0;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	must(pipe2(ends, O_CLOEXEC), "pipe");
	pid = fork();
	if (pid == 0) {
		must(chdir("/"), "/");
		dup2(ends[1], 1);
		execl(penstock, penstock, "stat", "--json", view, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	while (len < size - 1 && (n = read(ends[0], text + len, size - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(ends[0]);
	if (waitpid(pid, &status, 0) != pid || status != 0 || !strstr(text, "\"ops\":"))
		errx(2, "penstock stat failed: %s", text);
}

/* Parses "OP":{"requests":N,... for each operation that was requested. */
static struct counts ask(void)
{
	static char text[65536];
	struct counts counts = { 0 };

	ask_penstock(text, sizeof(text));
	for (char *p = text; (p = strstr(p, "\":{\"requests\":")); p++) {
		char *op = p;

		while (op[-1] != '"')
			op--;
		*count_of(&counts, op, (size_t)(p - op)) = strtoul(p + 14, NULL, 10);
	}
	for (int i = 0; i < counts.n; i++)
		if (is_left_out(counts.at[i].op))
			counts.at[i].requests = 0;
	return counts;
}

/*
 * RELEASE arrives at any time, so the counts are read until they no longer change. If they never
 * stop the wrong count shows: reading them itself causes FLUSH, if files are open and close() sends
 * a request.
 */
static struct counts settled(void)
{
	struct counts last = ask(), before;

	for (int i = 0; i < 50; i++) {
		before = last;
		usleep(5000);
		last = ask();
		if (total(&last) == total(&before))
			break;
	}
	return last;
}

static struct counts one_round(const struct row *row)
{
	struct counts before, counts;

	if (row->before)
		row->before();
	/* cache=auto caches a file that changed lately from the second look on (fs/attr.c). */
	for (int i = 0; i < (row->known ? 2 : 0); i++) {
		row->act();
		usleep(25000);
	}
	before = settled();
	row->act();
	counts = settled();
	if (row->after)
		row->after();
	for (int i = 0; i < before.n; i++)
		*count_of(&counts, before.at[i].op, strlen(before.at[i].op)) -=
			before.at[i].requests;
	return counts;
}

/* How many requests of an operation the text of a table allows: "LOOKUP 2*GETATTR". */
static unsigned long allowed(const char *text, const char *op)
{
	char copy[256], *save, *word;

	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *star = strchr(word, '*');

		if (strcmp(star ? star + 1 : word, op) == 0)
			return star ? strtoul(word, NULL, 10) : 1;
	}
	return 0;
}

/* Returns the first operation with more requests than allowed, NULL if there is none. */
static const struct count *too_many(const struct counts *counts, const char *text)
{
	for (int i = 0; i < counts->n; i++)
		if (counts->at[i].requests > allowed(text, counts->at[i].op))
			return &counts->at[i];
	return NULL;
}

static struct counts least(const struct row *row, const char *text)
{
	struct counts best = { 0 }, counts;

	for (int i = 0; i < ROUNDS; i++) {
		now.round++;
		now.try = i + 1;
		counts = one_round(row);
		if (i == 0 || total(&counts) < total(&best))
			best = counts;
		if (!too_many(&best, text))
			break;
	}
	return best;
}

static const char *print_count(const char *space, const struct count *count)
{
	if (!count->requests)
		return space;
	if (count->requests > 1)
		printf("%s%lu*%s", space, count->requests, count->op);
	else
		printf("%s%s", space, count->op);
	return " ";
}

/* Prints counts in the order in which most requests arrive; then all others. */
static void print_counts(const struct counts *of)
{
	static const char *const order[] = { "LOOKUP",      "GETATTR", "SETATTR",    "OPENDIR",
					     "READDIRPLUS", "READDIR", "RELEASEDIR", "CREATE",
					     "OPEN",        "GETXATTR" };
	struct counts counts = *of;
	const char *space = "";

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (int k = 0; k < counts.n; k++) {
			if (strcmp(counts.at[k].op, order[i]))
				continue;
			space = print_count(space, &counts.at[k]);
			counts.at[k].requests = 0;
		}
	for (int k = 0; k < counts.n; k++)
		space = print_count(space, &counts.at[k]);
	if (!*space)
		printf("-");
}

/* ---- one view after the other ---------------------------------------------------------------- */

static struct counts results[MAX_ROWS][N_COLUMNS];
static bool measured[N_COLUMNS];

static bool measure(int cache)
{
	bool all_ok = true;

	measured[cache] = true;
	must(chdir(view), view);
	for (size_t i = 0; i < n_rows; i++) {
		const char *text = expected(&rows[i], cache);
		struct counts *counts = &results[i][cache];
		const struct count *bad;

		*counts = least(&rows[i], text);
		bad = too_many(counts, text);
		if (!bad) {
			printf("ok %s-%s\n", rows[i].name, column_names[cache]);
			continue;
		}
		printf("not ok %s-%s: %lu %s where '%s' is expected, in all: ", rows[i].name,
		       column_names[cache], bad->requests, bad->op, text);
		print_counts(counts);
		printf("\n");
		all_ok = false;
	}
	must(chdir("/"), "/");
	return all_ok;
}

static bool same_counts(const struct counts *a, struct counts *b)
{
	for (int i = 0; i < a->n; i++) {
		const struct count *c = &a->at[i];

		if (*count_of(b, c->op, strlen(c->op)) != c->requests)
			return false;
	}
	return total(a) == total(b);
}

static void markdown(void)
{
	printf("| one operation |");
	for (int c = 0; c < N_CACHES; c++)
		if (measured[c])
			printf(" %s |", column_names[c]);
	printf("\n|---|");
	for (int c = 0; c < N_CACHES; c++)
		if (measured[c])
			printf("---|");
	for (size_t i = 0; i < n_rows; i++) {
		printf("\n| %s |", rows[i].title);
		for (int c = 0; c < N_CACHES; c++) {
			if (!measured[c])
				continue;
			printf(" ");
			if (c > 0 && measured[c - 1] &&
			    same_counts(&results[i][c], &results[i][c - 1]))
				printf("same");
			else
				print_counts(&results[i][c]);
			printf(" |");
		}
	}
	printf("\n");
}

/* Prints the rows that xattr=off and opendir=off change. */
static void markdown_lean(void)
{
	printf("\n| one operation | exclusive | with xattr=off,opendir=off |\n|---|---|---|\n");
	for (size_t i = 0; i < n_rows; i++) {
		if (same_counts(&results[i][0], &results[i][LEAN]))
			continue;
		printf("| %s | ", rows[i].title);
		print_counts(&results[i][0]);
		printf(" | ");
		print_counts(&results[i][LEAN]);
		printf(" |\n");
	}
}

int main(int argc, char **argv)
{
	bool print = false, all_ok = true;
	int i = 1;

	umask(022);
	if (argc == 3 && strcmp(argv[1], "make") == 0) {
		rows_make_tree(argv[2]);
		return 0;
	}
	for (; i < argc && argv[i][0] == '-'; i++) {
		served |= strcmp(argv[i], "--served") == 0;
		print |= strcmp(argv[i], "--markdown") == 0;
	}
	if (i + 1 >= argc)
		errx(2, "usage: requests [--served] [--markdown] PENSTOCK CACHE=VIEW...");
	penstock = argv[i++];
	for (; i < argc; i++) {
		char *slash = strchr(argv[i], '/');
		int cache;

		for (cache = 0; cache < N_COLUMNS; cache++)
			if (slash &&
			    strncmp(argv[i], column_names[cache], strlen(column_names[cache])) == 0)
				break;
		if (cache == N_COLUMNS)
			errx(2, "%s: not CACHE=VIEW", argv[i]);
		view = slash;
		now.round = 0;
		all_ok &= measure(cache);
	}
	if (print)
		markdown();
	if (print && measured[0] && measured[LEAN])
		markdown_lean();
	return !all_ok;
}
