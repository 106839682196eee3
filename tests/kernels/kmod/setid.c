// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * setid LOWER VIEW SECONDS [UID...]: user 77 runs a program in VIEW all the time, while root
 * changes it below: it belongs to user 1000 and has the set-ID bits, or to root and has none. No
 * run may get other IDs than those of users 77 and 1000. Without arguments this is the program: it
 * ends with 1 if it has others. UID: users who look at it all the time.
 */
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { N_RUNNERS = 2, N_TASKS = 8, USER = 77, OWNER = 1000 };

static char lower[4200], view[4200];

static bool is_good(unsigned int id)
{
	return id == USER || id == OWNER;
}

/* Runs the program. Returns 0 if it had no IDs of others, and those of its owner at least once. */
static int run(time_t end)
{
	unsigned long n = 0;
	int status = 0, n_ended[4] = {};
	pid_t pid;

	if (setresgid(USER, USER, USER) < 0 || setresuid(USER, USER, USER) < 0)
		return 1;
	for (; time(NULL) < end && status != -1; n++) {
		if (posix_spawn(&pid, view, NULL, NULL, (char *[]){ view, NULL }, NULL) != 0)
			continue;
		waitpid(pid, &status, 0);
		n_ended[WEXITSTATUS(status) & 3]++;
	}
	printf("%lu runs, %d as the owner, %d as others\n", n, n_ended[2], n_ended[1]);
	fflush(stdout);
	return n_ended[1] != 0 || n_ended[2] == 0;
}

static int look(int uid, time_t end)
{
	struct stat st;

	if (setresuid(uid, uid, uid) < 0)
		return 1;
	while (time(NULL) < end)
		stat(view, &st);
	return 0;
}

static bool change(bool to_root)
{
	struct stat st;

	return chown(lower, to_root ? 0 : OWNER, to_root ? 0 : OWNER) == 0 &&
	       (to_root || chmod(lower, 06755) == 0) && stat(view, &st) == 0 &&
	       st.st_uid == (to_root ? 0 : OWNER);
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 3 ? atoi(argv[3]) : 0);
	pid_t pid[N_RUNNERS + N_TASKS];
	int n = 0, n_bad = 0, status;
	unsigned long n_changes = 0;

	if (argc == 1)
		return !is_good(geteuid()) || !is_good(getegid()) ? 1 : geteuid() == OWNER ? 2 : 0;
	if (argc < 4 || argc > 4 + N_TASKS)
		return 3;
	snprintf(lower, sizeof(lower), "%s/setid", argv[1]);
	snprintf(view, sizeof(view), "%s/setid", argv[2]);
	for (; n < N_RUNNERS; n++)
		if ((pid[n] = fork()) == 0)
			_exit(run(end));
	for (int i = 4; i < argc; i++, n++)
		if ((pid[n] = fork()) == 0)
			_exit(look(atoi(argv[i]), end));
	for (; time(NULL) < end; n_changes++)
		if (!change(n_changes % 2)) {
			perror("change");
			n_bad++;
			break;
		}
	while (n-- > 0) {
		waitpid(pid[n], &status, 0);
		n_bad += status != 0;
	}
	printf("%lu changes\n", n_changes);
	return n_bad != 0;
}
