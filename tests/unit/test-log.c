// SPDX-License-Identifier: LGPL-2.1-or-later
/* Logs: of the process, of a thread, and of the threads that this one starts. */
#include "../test.h"

#include <pthread.h>
#include <string.h>

#include "util/log.h"
#include "util/thread.h"

struct lines {
	char last[2000];
	enum pst_log_level level;
	int n;
};

static void keep(void *aux, enum pst_log_level level, const char *text)
{
	struct lines *lines = aux;

	snprintf(lines->last, sizeof(lines->last), "%s", text);
	lines->level = level;
	lines->n++;
}

static void *log_lines(void *arg)
{
	(void)arg;
	log_info("from a thread");
	log_debug("details of a thread");
	return NULL;
}

TEST(thread_uses_its_log_and_its_level, state)
{
	struct lines process = { .n = 0 }, view = { .n = 0 };
	struct log log = { PST_LOG_INFO, keep, &view };
	const struct log *before;

	(void)state;
	pst_log_set(PST_LOG_WARNING, keep, &process);
	before = log_use(&log);
	log_info("for the view");
	assert_string_equal(view.last, "for the view");
	assert_int_equal(view.level, PST_LOG_INFO);
	log_debug("too much");
	log_use(before);
	log_info("too much");
	log_warning("for the process");
	assert_int_equal(view.n, 1);
	assert_int_equal(process.n, 1);
	assert_string_equal(process.last, "for the process");
}

TEST(thread_begins_with_the_log_of_its_creator, state)
{
	struct lines process = { .n = 0 }, view = { .n = 0 };
	struct log log = { PST_LOG_INFO, keep, &view };
	const struct log *before;
	pthread_t thread;

	(void)state;
	pst_log_set(PST_LOG_DEBUG, keep, &process);
	before = log_use(&log);
	assert_int_equal(thread_create(&thread, NULL, log_lines, NULL), 0);
	pthread_join(thread, NULL);
	log_use(before);
	assert_int_equal(view.n, 1);
	assert_int_equal(process.n, 0);
	assert_int_equal(thread_create(&thread, NULL, log_lines, NULL), 0);
	pthread_join(thread, NULL);
	assert_int_equal(view.n, 1);
	assert_int_equal(process.n, 2);
}

TEST(message_is_one_line, state)
{
	struct lines process = { .n = 0 };

	(void)state;
	pst_log_set(PST_LOG_ERROR, keep, &process);
	log_error("a name\nERROR: forged\033[2J");
	assert_string_equal(process.last, "a name?ERROR: forged?[2J");
}

TEST_MAIN(NULL, NULL)
