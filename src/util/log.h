/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The log of the process: messages of four levels go to the function of pst_log_set(). */
#include <penstock/penstock.h>

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
