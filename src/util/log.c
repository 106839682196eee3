// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The log of the process, and of threads that work for a view with a log of its own. Locks nothing:
 * a program calls pst_log_set() before it starts threads. If it calls pst_log_set() later, a thread
 * may call the old function with the new aux.
 */
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>

static struct log process_log = { .level = PST_LOG_WARNING };
static __thread const struct log *thread_log;

void pst_log_set(enum pst_log_level level, pst_log_fn fn, void *aux)
{
	process_log.fn = NULL;
	process_log.aux = aux;
	process_log.level = level;
	process_log.fn = fn;
}

const struct log *log_used(void)
{
	return thread_log ? thread_log : &process_log;
}

const struct log *log_use(const struct log *log)
{
	const struct log *before = log_used();

	thread_log = log;
	return before;
}

enum pst_log_level log_level(void)
{
	return log_used()->level;
}

/*
 * Replaces control characters. Messages quote file names and texts of eBPF objects: without this, a
 * file name could forge a line of the log or send commands to a terminal.
 */
static void make_one_line(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

void log_print(enum pst_log_level level, const char *format, ...)
{
	static const char *const names[] = { "ERROR", "WARNING", "INFO", "DEBUG" };
	const struct log *log = log_used();
	pst_log_fn fn = log->fn;
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	make_one_line(text);
	if (fn)
		fn(log->aux, level, text);
	else
		fprintf(stderr, "penstock: %s: %s\n", names[level], text);
}

int error_set(struct pst_error *error, int code, const char *format, ...)
{
	va_list args;

	if (!error)
		return code;
	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	make_one_line(error->text);
	return code;
}
