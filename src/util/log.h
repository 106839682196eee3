/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Messages of four levels. They go to the log that the thread uses: that of a view, or else that of
 * the process (pst_log_set()).
 */
#include <penstock/penstock.h>

struct log {
	enum pst_log_level level;
	pst_log_fn fn; /* NULL: standard error */
	void *aux;
};

/* Returns the log that this thread uses. Threads of thread_create() begin with their creator's. */
const struct log *log_used(void);
/*
 * Makes this thread use *log, which the caller keeps until the thread uses another; NULL for the
 * log of the process. Returns the log that the thread has used before.
 */
const struct log *log_use(const struct log *log);

static inline void log_usep(const struct log **before)
{
	log_use(*before);
}

void log_print(enum pst_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
enum pst_log_level log_level(void);

#define log_at(level, ...)                                                                         \
	do {                                                                                       \
		if ((level) <= log_level())                                                        \
			log_print(level, __VA_ARGS__);                                             \
	} while (0)
#define log_error(...)   log_at(PST_LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(PST_LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_at(PST_LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(PST_LOG_DEBUG, __VA_ARGS__)

/* Fills *error (may be NULL) with code (a negative errno) and a formatted line. Returns code. */
int error_set(struct pst_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
