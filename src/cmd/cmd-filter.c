// SPDX-License-Identifier: LGPL-2.1-or-later
/* penstock filter: all that is done with filters; each of its words is a subcommand of its own. */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "util/nearest.h"

static const char prefix[] = "filter ";

static const struct cmd *const verbs[] = {
	&cmd_filter_list,
	&cmd_filter_stat,
	&cmd_filter_add,
	&cmd_filter_remove,
	&cmd_filter_replace,
	&cmd_filter_check,
	&cmd_filter_new,
};

#define N_VERBS (sizeof(verbs) / sizeof(verbs[0]))

/* The word that stands for a subcommand: its name without "filter ". */
static const char *word_of(const struct cmd *verb)
{
	return verb->name + strlen(prefix);
}

static void print_help(const struct cmd *cmd)
{
	cmd_print_help(cmd);
	for (size_t i = 0; i < N_VERBS; i++)
		printf("  %-8s %s\n", word_of(verbs[i]), verbs[i]->summary);
	printf("\nA SPEC is NAME|FILE[,option=value...]: a filter that is installed, or the object of\n"
	       "one, and its options. `penstock filter check NAME` says which options there are.\n"
	       "`penstock filter WORD --help` says more about one of these; penstock-filters(7) says\n"
	       "all.\n");
}

static int unknown(const struct cmd *cmd, const char *word)
{
	struct nearest nearest = NEAREST_INIT;

	for (size_t i = 0; i < N_VERBS; i++)
		nearest_try(&nearest, word, word_of(verbs[i]));
	if (*nearest.word)
		return cmd_usage_error(cmd, "there is no \"filter %s\"; did you mean \"%s\"?", word,
				       nearest.word);
	return cmd_usage_error(
		cmd, "there is no \"filter %s\"; `penstock filter` lists what there is", word);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		print_help(cmd);
		return CMD_OK;
	}
	for (size_t i = 0; i < N_VERBS; i++) {
		if (strcmp(word_of(verbs[i]), argv[1]) == 0)
			return verbs[i]->run(verbs[i], argc - 1, argv + 1);
	}
	return unknown(cmd, argv[1]);
}

const struct cmd cmd_filter = {
	.name = "filter",
	.arguments = "list|stat|add|remove|replace|check|new ...",
	.summary = "programs that run before and after operations",
	.help = "Filters are eBPF programs that the kernel runs before and after the operations of a\n"
		"view: they refuse, change, hide, and watch. `penstock mount --filter SPEC` mounts a\n"
		"view with one.\n"
		"\n",
	.run = run,
};
