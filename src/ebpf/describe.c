// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Describes in plain words how a filter will use the options that were given, so that a user sees a
 * glob with another meaning than intended before files are shown that should be hidden.
 */
#include "ebpf/describe.h"
#include "ebpf/pattern.h"
#include "util/cleanup.h"
#include "util/parse.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A buffer to which text is appended. */
struct text {
	char *buf;
	size_t size, len;
	const char *separator; /* before the next item of a list */
};

static __attribute__((format(printf, 2, 3))) void add(struct text *text, const char *format, ...)
{
	va_list args;
	int n;

	if (text->len >= text->size)
		return;
	va_start(args, format);
	n = vsnprintf(text->buf + text->len, text->size - text->len, format, args);
	va_end(args);
	text->len += n > 0 ? (size_t)n : 0;
}

/*
 * Ends the line that begins at begin. Replaces newlines in it, which may come from the object or
 * the user, because they would begin lines of their own.
 */
static void end_line(struct text *text, size_t begin)
{
	for (size_t i = begin; i < text->len && i < text->size; i++)
		if (text->buf[i] == '\n')
			text->buf[i] = ' ';
	add(text, "\n");
}

static void begin_item(struct text *text)
{
	add(text, "%s", text->separator);
	text->separator = ", ";
}

static void describe_name(struct text *text, const char *name)
{
	struct pattern pattern;
	struct pst_error error;

	if (pattern_parse(name, &pattern, &error) < 0)
		return;
	begin_item(text);
	if (strcmp(name, "*") == 0)
		add(text, "every name");
	else if (pattern.begin_kind == PST_PATTERN_EXACT)
		add(text, "the name \"%s\"", name);
	else if (pattern.begin_kind == PST_PATTERN_OPEN)
		add(text, "names that begin with \"%.*s\"", (int)strlen(name) - 1, name);
	else if (pattern.end_kind == PST_PATTERN_OPEN)
		add(text, "names that end with \"%s\"", name + 1);
	else
		add(text, "names like \"%s\"", name);
}

static void add_word(void *aux, const char *word)
{
	begin_item(aux);
	add(aux, "%s", word);
}

static void describe_names(struct text *text, const struct option *option, char *rest)
{
	while (rest) {
		const char *name = parse_part(&rest, ':', false);

		if (option->takes.list_of && strcmp(name, "*") == 0)
			add_word(text, "all");
		else if (option->takes.list_of)
			takes_each_match(option->takes.list_of, name, add_word, text);
		else
			describe_name(text, name);
	}
	if (!option->takes.list_of)
		add(text, ", in every directory");
}

static void describe_paths(struct text *text, char *rest)
{
	while (rest) {
		const char *path = parse_part(&rest, ':', false);

		begin_item(text);
		if (path[strspn(path, "/")])
			add(text, "\"%s%s\" and all files inside it", *path == '/' ? "" : "/",
			    path);
		else
			add(text, "all of the view");
	}
}

static void describe_ids(struct text *text, const struct option *option)
{
	const char *what = option->takes.users ? "user" : option->takes.groups ? "group" : "number";
	const char *at = option->at;
	uint64_t range[2];
	uint32_t n;

	memcpy(&n, at, sizeof(n));
	at += offsetof(struct pst_ids, range);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(range, at + i * sizeof(range), sizeof(range));
		begin_item(text);
		if (range[1] == UINT64_MAX)
			add(text, "every %s", what);
		else if (range[0] == range[1])
			add(text, "%s %" PRIu64, what, range[0]);
		else
			add(text, "%ss %" PRIu64 " to %" PRIu64, what, range[0], range[1]);
	}
}

/* Writes the value of an option, with its help if it is a plain value and with_help is true. */
static void describe_value(struct text *text, const struct option *option, bool with_help)
{
	_cleanup_(freep) char *given = strdup(option->given ? option->given : "");
	char value[128];

	if (!given)
		return;
	text->separator = "";
	if (option->takes.of_programs && !option->given) {
		add(text, "all but read and write");
		return;
	}
	switch (option->kind) {
	case OPTION_NAMES:
		describe_names(text, option, given);
		break;
	case OPTION_PATHS:
		describe_paths(text, given);
		break;
	case OPTION_IDS:
		describe_ids(text, option);
		break;
	default:
		option_value(option, value, sizeof(value));
		add(text, "%s", value);
		if (with_help)
			add(text, " (%s)", option->help);
	}
}

static void describe_place(struct text *text, const struct load *load)
{
	add(text, ", %s%s", *load->at ? "below /" : "in all of the view", load->at);
}

/* Returns whether an option that is not given has a value that users must know. */
static bool matters(const struct options *options, const struct option *option)
{
	_cleanup_(freep) char *users = strdup(option->takes.random ? option->takes.random : "");
	char *rest = users;

	if (option->takes.of_programs)
		return true;
	while (rest && *rest) {
		const struct option *user = option_list_option(options, strsep(&rest, " "));

		if (user && user->given)
			return true;
	}
	return false;
}

void describe(const struct load *load, char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };

	if (!size)
		return;
	*buf = '\0';
	add(&text, "%s", load->object.info.summary);
	describe_place(&text, load);
	end_line(&text, 0);
	for (size_t i = 0; i < load->options.n; i++) {
		const struct option *option = &load->options.rows[i];
		size_t begin = text.len;

		if (!option->given)
			continue;
		add(&text, "%s: ", option->name);
		describe_value(&text, option, true);
		end_line(&text, begin);
	}
}

void describe_line(const struct load *load, char *buf, size_t size)
{
	struct text text = { .buf = buf, .size = size };
	const char *separator = ": ";

	add(&text, "%s", load->name);
	describe_place(&text, load);
	for (size_t i = 0; i < load->options.n; i++) {
		const struct option *option = &load->options.rows[i];

		if (!option->given && !matters(&load->options, option))
			continue;
		add(&text, "%s%s: ", separator, option->name);
		describe_value(&text, option, false);
		separator = "; ";
	}
	for (char *p = buf; *p; p++)
		if (*p == '\n')
			*p = ' ';
}
