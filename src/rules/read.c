// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reads files of rules: lines, words, verbs. No state.
 *
 *	# a comment
 *	hide *.key .env			a verb, and patterns of .gitignore
 *	deny(unlink,rename) /data/	a verb with a list
 *	owner 1000:1000 /src		the patterns of owner and audit may be left out
 *	include common.rules		relative to the file
 */
#include "rules/read-line.h"
#include "rules/rules.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SIZE  (1 << 20) /* bytes of a file */
#define MAX_DEPTH 16        /* of files that include each other */
#define MAX_FILES 256
#define MAX_ROWS  20000

/* The files that are being read: each includes the one before it in the list. */
struct reading {
	const struct reading *outer;
	dev_t dev;
	ino_t ino;
	unsigned int depth;
	unsigned int file, line;
	struct rules *rules;
	rules_wrong_fn wrong; /* gets wrong lines; NULL: the first ends the reading */
	void *aux;
};

void rules_fini(struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		rule_pattern_fini(&rules->row[i].pattern);
	for (size_t i = 0; i < rules->n_files; i++)
		free(rules->file[i]);
	free(rules->row);
	free(rules->file);
	*rules = (struct rules){ 0 };
}

bool rules_have(const struct rules *rules, enum rule_pair pair)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->row[i].pair == pair)
			return true;
	return false;
}

/* Puts "FILE:LINE: " before the text of an error. */
static int place(const char *file, unsigned int line, const struct pst_error *why,
		 struct pst_error *error)
{
	return error_set(error, why->code, "%.200s:%u: %s", file, line, why->text);
}

int rule_error(const struct rules *rules, const struct rule *rule, struct pst_error *error,
	       int code, const char *format, ...)
{
	struct pst_error why = { .code = code };
	va_list args;

	va_start(args, format);
	vsnprintf(why.text, sizeof(why.text), format, args);
	va_end(args);
	return place(rules->file[rule->file], rule->line, &why, error);
}

static int add_file(struct rules *rules, const char *name)
{
	char **file = reallocarray(rules->file, rules->n_files + 1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	rules->file = file;
	file[rules->n_files] = strdup(name);
	return file[rules->n_files] ? (int)rules->n_files++ : -ENOMEM;
}

/* -- lines ------------------------------------------------------------------------------------- */

static int read_file(const char *path, struct reading *reading, struct pst_error *error);

/* Adds a rule. Takes its pattern in any case. */
static int add_rule(struct reading *reading, struct rule *rule, struct pst_error *error)
{
	struct rules *rules = reading->rules;
	struct rule *row = NULL;

	if (rules->n < MAX_ROWS)
		row = reallocarray(rules->row, rules->n + 1, sizeof(*row));
	if (!row) {
		rule_pattern_fini(&rule->pattern);
		return rules->n < MAX_ROWS ?
			       error_set(error, -ENOMEM, "out of memory") :
			       error_set(error, -E2BIG,
					 "there are more than %d patterns: write one pattern for "
					 "several files, or use several views",
					 MAX_ROWS);
	}
	rules->row = row;
	rule->file = reading->file;
	rule->line = reading->line;
	row[rules->n++] = *rule;
	return 0;
}

/* Returns the path of an included file, which is relative to the file that includes it. */
static char *included_path(const char *from, const char *path)
{
	const char *slash = strrchr(from, '/');
	char *joined;

	if (*path == '/' || !slash)
		return strdup(path);
	if (asprintf(&joined, "%.*s/%s", (int)(slash - from), from, path) < 0)
		return NULL;
	return joined;
}

static int include(struct reading *reading, char *words, struct pst_error *error)
{
	char *word = read_word(&words);
	_cleanup_(freep) char *path = NULL;
	struct reading inner = *reading;

	if (!word || read_word(&words))
		return error_set(error, -EINVAL,
				 "include takes one file: write a line for each, and '\\ ' for a "
				 "blank in its name");
	if (!reading->depth)
		return error_set(error, -EINVAL, "include has no meaning here: there is no file");
	if (reading->depth == MAX_DEPTH)
		return error_set(error, -ELOOP, "files include each other %d deep: include fewer",
				 MAX_DEPTH);
	path = included_path(reading->rules->file[reading->file], read_unquote(word));
	if (!path)
		return error_set(error, -ENOMEM, "out of memory");
	inner.outer = reading;
	inner.depth++;
	inner.line = 0;
	return read_file(path, &inner, error);
}

/* Adds a rule for each pattern of a line. */
static int read_patterns(struct reading *reading, const struct rule *model, char *words,
			 const char *without, struct pst_error *error)
{
	const char *word = read_word(&words);
	int r = 0;

	if (!word)
		word = without;
	if (!word)
		return error_set(error, -EINVAL,
				 "the line has no pattern: write names or paths behind the verb, "
				 "as in: hide *.key /etc/ssl");
	for (; word && r == 0; word = read_word(&words)) {
		struct rule rule = *model;

		if (*word == '!') {
			rule.opposite = !rule.opposite;
			word++;
		}
		if (rule.opposite && rule.pair != RULE_DENY)
			rule.value = 0;
		else if (!rule.value)
			rule.value = 1;
		r = rule_pattern_parse(word, &rule.pattern, error);
		if (r == 0)
			r = add_rule(reading, &rule, error);
	}
	return r;
}

static int read_line(struct reading *reading, char *line, struct pst_error *error)
{
	struct rule rule = { 0 };
	const char *without = NULL;
	char *words = line, *verb = read_verb_word(&words);
	int r;

	if (!verb)
		return 0;
	if (strcmp(verb, "include") == 0)
		return include(reading, words, error);
	r = read_verb(verb, &words, &rule, &without, error);
	return r < 0 ? r : read_patterns(reading, &rule, words, without, error);
}

/* Finds bytes that no line can have. line ends with a NUL at end. */
static int check_bytes(const char *line, const char *end, struct pst_error *error)
{
	if (strlen(line) < (size_t)(end - line))
		return error_set(error, -EINVAL, "the line has a NUL byte: the file is no text");
	if (end > line && end[-1] == '\r')
		return error_set(error, -EINVAL,
				 "the line ends in CR LF, as on Windows: remove the CRs, for "
				 "example with: sed -i 's/\\r$//' FILE");
	if (strncmp(line, "\xef\xbb\xbf", 3) == 0)
		return error_set(error, -EINVAL,
				 "the file begins with a byte order mark: save it as UTF-8 without "
				 "one");
	while (*line) {
		size_t n = utf8_char(line);

		if (!n)
			return error_set(error, -EINVAL,
					 "the line has a byte (0x%02x) that is not UTF-8: save the "
					 "file as UTF-8, or write '?' for a byte of a name that is "
					 "not",
					 (unsigned char)*line);
		line += n;
	}
	return 0;
}

/* Reads the lines of text, which has a NUL at text[size] and is changed. */
static int read_lines(struct reading *reading, char *text, size_t size, struct pst_error *error)
{
	char *end = text + size;

	for (char *line = text, *next; line < end; line = next) {
		char *newline = memchr(line, '\n', (size_t)(end - line));
		struct pst_error why;
		int r;

		next = newline ? newline + 1 : end;
		if (newline)
			*newline = '\0';
		reading->line++;
		r = check_bytes(line, newline ? newline : end, &why);
		if (r == 0)
			r = read_line(reading, line, &why);
		if (r < 0 && (!reading->wrong || r == -ENOMEM))
			return place(reading->rules->file[reading->file], reading->line, &why,
				     error);
		if (r < 0)
			reading->wrong(reading->aux, reading->rules->file[reading->file],
				       reading->line, why.text);
	}
	return 0;
}

/* -- files ------------------------------------------------------------------------------------- */

static int read_whole(int fd, char *text, size_t size, size_t *ret_size)
{
	size_t n = 0;

	while (n < size) {
		ssize_t r = read(fd, text + n, size - n);

		if (r < 0 && errno != EINTR)
			return -errno;
		if (r == 0)
			break;
		n += r > 0 ? (size_t)r : 0;
	}
	*ret_size = n;
	return 0;
}

static int check_file(const struct stat *st, const struct reading *outer, const char *path,
		      struct pst_error *error)
{
	if (!S_ISREG(st->st_mode))
		return error_set(error, -EINVAL, "%.200s is not a regular file: rules are a text",
				 path);
	if (st->st_size > MAX_SIZE)
		return error_set(error, -EFBIG,
				 "%.200s has %lld bytes, and rules at most %d: write patterns for "
				 "several files at once, such as *.key",
				 path, (long long)st->st_size, MAX_SIZE);
	for (; outer; outer = outer->outer)
		if (outer->dev == st->st_dev && outer->ino == st->st_ino)
			return error_set(error, -ELOOP,
					 "%.200s is included by itself, maybe through other files: "
					 "remove one of the include lines",
					 path);
	return 0;
}

static int read_file(const char *path, struct reading *reading, struct pst_error *error)
{
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *text = malloc(MAX_SIZE + 2);
	struct stat st;
	size_t size = 0;
	int r;

	if (!text)
		return error_set(error, -ENOMEM, "out of memory");
	/* Before the file is open: opening a device may have effects, a FIFO waits for a writer. */
	if (stat(path, &st) == 0 && check_file(&st, reading->outer, path, error) < 0)
		return error->code;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set(error, -errno, "cannot read the rules in %.200s: %s", path,
				 strerror(errno));
	r = check_file(&st, reading->outer, path, error);
	if (r < 0)
		return r;
	if (reading->rules->n_files == MAX_FILES)
		return error_set(error, -E2BIG, "there are more than %d files of rules", MAX_FILES);
	r = read_whole(fd, text, MAX_SIZE + 1, &size);
	if (r < 0 || size > MAX_SIZE)
		return error_set(error, r < 0 ? r : -EFBIG, "cannot read the rules in %.200s: %s",
				 path, r < 0 ? strerror(-r) : "the file grows");
	text[size] = '\0';
	r = add_file(reading->rules, path);
	if (r < 0)
		return error_set(error, r, "out of memory");
	reading->file = (unsigned int)r;
	reading->dev = st.st_dev;
	reading->ino = st.st_ino;
	return read_lines(reading, text, size, error);
}

int rules_read(const char *path, struct rules *ret_rules, struct pst_error *error)
{
	return rules_read_all(path, ret_rules, NULL, NULL, error);
}

int rules_read_all(const char *path, struct rules *ret_rules, rules_wrong_fn wrong, void *aux,
		   struct pst_error *error)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	struct reading reading = { .depth = 1, .rules = &rules, .wrong = wrong, .aux = aux };
	int r = read_file(path, &reading, error);

	if (r < 0)
		return r;
	*ret_rules = rules;
	rules = (struct rules){ 0 };
	return 0;
}

int rules_parse(const char *name, const char *text, size_t size, struct rules *ret_rules,
		struct pst_error *error)
{
	_cleanup_(rules_fini) struct rules rules = { 0 };
	_cleanup_(freep) char *copy = malloc(size + 1);
	struct reading reading = { .rules = &rules };
	int r;

	if (!copy || add_file(&rules, name) < 0)
		return error_set(error, -ENOMEM, "out of memory");
	memcpy(copy, text, size);
	copy[size] = '\0';
	r = read_lines(&reading, copy, size, error);
	if (r < 0)
		return r;
	*ret_rules = rules;
	rules = (struct rules){ 0 };
	return 0;
}
