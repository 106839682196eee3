// SPDX-License-Identifier: LGPL-2.1-or-later
/* act VERB ARG...: the table of verbs. */
#include "act.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *usage;
} verbs[] = {
	{ "escape", act_escape,
	  "DIR FILE...: every way to give a file another name, or to open it by none" },
	{ "handle", act_handle, "save PATH FILE | open MOUNT FILE: file handles" },
	{ "idmap", act_idmap, "SOURCE TARGET SEEN ON-DISK COUNT [...]: an idmapped mount" },
	{ "lock", act_lock,
	  "FILE flock|posix|ofd sh|ex [wait]: takes a lock, keeps it until end of input" },
	{ "hold", act_hold, "MODE FILE...: opens files, keeps them until end of input" },
	{ "lease", act_lease, "FILE...: takes write leases, keeps them until end of input" },
	{ "map", act_map,
	  "FILE: maps it, obeys: 's AT CHAR' store, 'm' msync, 'u' unmap, 'c' close" },
	{ "write", act_write, "N SIZE FILE [stat]: N writes at random places, fstat after each" },
	{ "listing", act_listing, "make|check|remove|begin DIR N: one directory of N names" },
	{ "load", act_load, "LIBRARY: loads it" },
	{ "many", act_many, "DIR N: makes N files in a tree of directories of 1000" },
	{ "meddle", act_meddle,
	  "DIR SEED PROCESSES STEPS HIDDEN READONLY: random operations that must not reach "
	  "these files" },
	{ "model", act_model, "FILE SEED STEPS: random operations against a model in memory" },
	{ "rate", act_rate, "FILE SECONDS: how many times it can be looked at" },
	{ "shuffle", act_shuffle, "DIR SEED PROCESSES STEPS: random operations on names" },
	{ "storm", act_storm, "SECONDS SEED DIR...: random operations, a process for each DIR" },
	{ "swap", act_swap, "DIR A B: exchanges two names until end of input" },
	{ "try", act_try, "CALL ARG...: one system call, prints 0 or the error's name" },
	{ "xattr", act_xattr, "get|set|remove|list PATH [NAME [VALUE [create|replace]]]" },
};

void wait_for_end(void)
{
	char c[64];

	while (read(0, c, sizeof(c)) > 0)
		;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 2, argv + 2);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(stderr, "act %s %s\n", verbs[i].name, verbs[i].usage);
	return 2;
}
