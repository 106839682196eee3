// SPDX-License-Identifier: LGPL-2.1-or-later
/* Errors and log lines that several threads print at once are each one whole line. */
#include "cmd/cmd.h"

#include "../test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_THREADS 8
#define N_LINES   500

static void *print_lines(void *arg)
{
	for (int i = 0; i < N_LINES; i++)
		cmd_error("thread %d says line %d of many", *(int *)arg, i);
	return NULL;
}

TEST(lines_of_threads_stay_whole, state)
{
	int numbers[N_THREADS], fd = memfd_create("errors", MFD_CLOEXEC), before = dup(2), n = 0;
	pthread_t threads[N_THREADS];
	char line[200];
	FILE *file;

	(void)state;
	assert_true(fd >= 0 && before >= 0 && dup2(fd, 2) == 2);
	for (int i = 0; i < N_THREADS; i++) {
		numbers[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, print_lines, &numbers[i]), 0);
	}
	for (int i = 0; i < N_THREADS; i++)
		pthread_join(threads[i], NULL);
	dup2(before, 2);
	close(before);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	file = fdopen(fd, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		int thread, number, end = 0;

		assert_int_equal(sscanf(line, "penstock: thread %d says line %d of many%n", &thread,
					&number, &end),
				 2);
		assert_string_equal(line + end, "\n");
		n++;
	}
	fclose(file);
	assert_int_equal(n, N_THREADS * N_LINES);
}

TEST_MAIN(NULL, NULL)
