// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libbpf trusts the objects that it reads: one whose parts do not fit each other can end the process,
 * which would be that of a view in use. So they are read by a child first, whose end is no loss.
 *
 * The child of a process with threads has only the one that asked for it, and the locks of the others
 * as they were: what it may do is take memory, which the C library sees to, and read files.
 */
#include "filter/trial.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_SECONDS 5

static void be_a_child(void)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

	/* What the program does when it fails is not for this: it is meant to. */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_DFL);
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	setrlimit(RLIMIT_CPU, &(struct rlimit){ MAX_SECONDS, MAX_SECONDS });
}

bool trial_survives(void (*fn)(const void *aux), const void *aux)
{
	pid_t child = fork(), ended;
	int status;

	if (child == 0) {
		be_a_child();
		fn(aux);
		_exit(0);
	}
	/* Who cannot have a child, or hear of its end, goes on as well as he can. */
	if (child < 0)
		return true;
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	return ended < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
