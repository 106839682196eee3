// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * parity [--stat COMMAND] [--limits FILE] [--variant WORD]... [--only PATTERN] [--no-agree]
 *	[--no-atime] [--no-btime] [--other-lower]
 *	[--patience N] GROUP TWIN VIEW LOWER
 *
 * Runs each scenario of GROUP in new directories in TWIN and in VIEW, and prints one line for it:
 * "ok NAME", "not ok NAME: why" or "skip NAME: why"; further lines, "# ...", explain a difference.
 * VIEW is a view of LOWER. COMMAND prints the daemon's counters as JSON.
 *
 * With --patience all time limits are N times as long, for slow emulated machines.
 *
 * FILE names scenarios that the kernel itself makes differ ("GROUP.NAME: reason", "GROUP.NAME@WORD:
 * reason"). Such a scenario must differ, unless --other-lower says that this lower file system may
 * lack the operation. Exit status 0: all equal, 1: not, 2: wrong usage.
 */
#include <err.h>
#include <fnmatch.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "../compare.h"
#include "parity.h"
#include "transcript.h"

static const struct scenario_group *const groups[] = {
	&group_names, &group_kinds, &group_rename, &group_attr,  &group_suid, &group_perm,
	&group_xattr, &group_acl,   &group_dir,    &group_flags, &group_data, &group_modes,
	&group_large, &group_copy,  &group_mmap,   &group_aio,   &group_lock,
};

static struct {
	const char *stat_command;
	const char *limits;
	const char *variants[4];
	int n_variants;
	const char *only;
	bool agree;
	bool other_lower;
	unsigned int patience;
	unsigned int compare_flags;
	const char *twin, *view, *lower;
} options = { .agree = true, .patience = 1 };

/* Returns the number of READ and WRITE requests so far, -1 if unknown. */
static long data_requests(void)
{
	char text[65536];
	long sum = 0;
	FILE *f = popen(options.stat_command, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (!f || pclose(f) != 0)
		return -1;
	text[n] = '\0';
	for (const char *op = "\"READ\"\0\"WRITE\"\0"; *op; op += strlen(op) + 1) {
		const char *p = strstr(text, op);

		p = p ? strstr(p, "\"requests\"") : NULL;
		p = p ? strchr(p, ':') : NULL;
		sum += p ? strtol(p + 1, NULL, 10) : 0;
	}
	return sum;
}

/* Opens a new directory for the scenario in root. */
static void side_open(struct side *s, const char *root, const char *below, const char *name)
{
	snprintf(s->path, sizeof(s->path), "%s/%s", root, name);
	snprintf(s->below_path, sizeof(s->below_path), "%s/%s", below, name);
	if (mkdir(s->path, 0777) < 0 || chmod(s->path, 0777) < 0)
		err(2, "%s", s->path);
	s->dir = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->below = open(s->below_path, O_RDONLY | O_DIRECTORY | O_NOATIME | O_CLOEXEC);
	if (s->dir < 0 || s->below < 0)
		err(2, "%s", s->path);
}

/* Runs the scenario in a child process, which may change its identity and limits, and may die. */
static bool side_run(struct side *s, const struct scenario *scenario)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (pid == 0) {
		umask(022);
		alarm((scenario->flags & S_SLOW ? 120 : 20) * options.patience);
		if (fchdir(s->dir) < 0)
			_exit(91);
		scenario->run(s);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		err(2, "fork");
	if (WIFSIGNALED(status))
		note(s, "ended by signal %d%s", WTERMSIG(status),
		     WTERMSIG(status) == SIGALRM ? ": hangs" : "");
	else if (WEXITSTATUS(status))
		note(s, "ended with status %d", WEXITSTATUS(status));
	return status == 0;
}

/* Writes the first line that differs as one sentence. */
static bool differs(const char *twin, const char *view, char *why, size_t size)
{
	while (*twin || *view) {
		size_t n = strcspn(twin, "\n"), m = strcspn(view, "\n");

		if (n != m || memcmp(twin, view, n) != 0) {
			snprintf(why, size, "view: '%.*s', below: '%.*s'", (int)m, view, (int)n,
				 twin);
			return true;
		}
		twin += n + (twin[n] == '\n');
		view += m + (view[m] == '\n');
	}
	return false;
}

/*
 * Prints all lines that differ if both transcripts have the same number of lines, else both
 * transcripts.
 */
static void show_differences(const char *twin, const char *view)
{
	size_t n_twin = 0, n_view = 0;

	for (const char *p = twin; *p; p++)
		n_twin += *p == '\n';
	for (const char *p = view; *p; p++)
		n_view += *p == '\n';
	if (n_twin != n_view) {
		printf("# in the view:\n%s# below:\n%s", view, twin);
		return;
	}
	while (*twin) {
		size_t n = strcspn(twin, "\n"), m = strcspn(view, "\n");

		if (n != m || memcmp(twin, view, n) != 0)
			printf("# view:  %.*s\n# below: %.*s\n", (int)m, view, (int)n, twin);
		twin += n + 1;
		view += m + 1;
	}
}

static void tree_difference(void *aux, const char *path, const char *what)
{
	char *why = aux;

	if (!why[0])
		snprintf(why, 1024, "in the end %.300s differs: %.600s", path, what);
}

/*
 * Returns true for a line "GROUP.NAME: reason", or "GROUP.NAME@VARIANT: reason" with one of our
 * variants.
 */
static bool limit_fits(const char *line, const char *group, const char *name)
{
	char key[256];
	int n = snprintf(key, sizeof(key), "%s.%s", group, name);

	if (strncmp(line, key, n) != 0)
		return false;
	line += n;
	if (*line == ':')
		return true;
	for (int i = 0; *line == '@' && i < options.n_variants && i < 4; i++) {
		size_t length = strlen(options.variants[i]);

		if (strncmp(line + 1, options.variants[i], length) == 0 && line[1 + length] == ':')
			return true;
	}
	return false;
}

/* Returns the reason why this scenario cannot be equal, or NULL. */
static const char *limit_of(const char *group, const char *name)
{
	static char line[1024];
	FILE *f = options.limits ? fopen(options.limits, "r") : NULL;
	const char *found = NULL;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (!limit_fits(line, group, name))
			continue;
		line[strcspn(line, "\n")] = '\0';
		found = strchr(line, ':') + 1;
		found += strspn(found, " \t");
	}
	if (f)
		fclose(f);
	return found;
}

static bool judge(const struct scenario_group *group, const struct scenario *scenario,
		  const char *why)
{
	const char *limit = limit_of(group->name, scenario->name);

	if (limit && why[0]) {
		printf("skip %s: %s\n", scenario->name, limit);
		return true;
	}
	if (limit && !options.other_lower) {
		printf("not ok %s: is equal now: take it off the list of limits\n", scenario->name);
		return false;
	}
	if (why[0])
		printf("not ok %s: %s\n", scenario->name, why);
	else
		printf("ok %s\n", scenario->name);
	return !why[0];
}

static struct transcript *transcript_new(void)
{
	struct transcript *t =
		mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (t == MAP_FAILED)
		err(2, "mmap");
	return t;
}

static const char *skip_reason(const struct transcript *t)
{
	return strncmp(t->text, "SKIP ", 5) == 0 ? t->text + 5 : NULL;
}

static bool run(const struct scenario_group *group, const struct scenario *scenario)
{
	struct side twin = { .view = false }, view = { .view = true };
	char name[300], why[10240] = "";
	long requests = 0;

	snprintf(name, sizeof(name), "%s.%s", group->name, scenario->name);
	twin.transcript = transcript_new();
	view.transcript = transcript_new();
	view.transcript->agree = options.agree && !(scenario->flags & S_NO_AGREE);
	view.transcript->compare_flags = options.compare_flags;
	side_open(&twin, options.twin, options.twin, name);
	side_open(&view, options.view, options.lower, name);

	/* A scenario that fails in a plain directory is a wrong test. */
	if (!side_run(&twin, scenario)) {
		printf("not ok %s: fails in the twin\n%s", scenario->name, twin.transcript->text);
		return false;
	}
	if (options.stat_command && (scenario->flags & S_PASSED))
		requests = data_requests();
	side_run(&view, scenario);
	if (options.stat_command && (scenario->flags & S_PASSED))
		requests = data_requests() - requests;

	const char *skipped = skip_reason(view.transcript);
	if (skipped) {
		printf("skip %s: %.*s\n", scenario->name, (int)strcspn(skipped, "\n"), skipped);
		return true;
	}
	if (!differs(twin.transcript->text, view.transcript->text, why, sizeof(why))) {
		if (view.transcript->n_disagreements)
			snprintf(why, sizeof(why), "%s", view.transcript->disagreement);
		else if (requests)
			snprintf(why, sizeof(why), "%ld READ or WRITE requests reached the daemon",
				 requests);
		else if (!(scenario->flags & S_NO_TREE))
			compare_tree(view.dir, view.below,
				     options.compare_flags | COMPARE_DATA | COMPARE_XATTR,
				     tree_difference, why);
	}
	bool good = judge(group, scenario, why);
	if (why[0])
		show_differences(twin.transcript->text, view.transcript->text);
	close(twin.dir);
	close(twin.below);
	close(view.dir);
	close(view.below);
	munmap(twin.transcript, sizeof(*twin.transcript));
	munmap(view.transcript, sizeof(*view.transcript));
	return good;
}

static int options_parse(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
		if (strcmp(argv[i], "--stat") == 0 && i + 1 < argc)
			options.stat_command = argv[++i];
		else if (strcmp(argv[i], "--limits") == 0 && i + 1 < argc)
			options.limits = argv[++i];
		else if (strcmp(argv[i], "--variant") == 0 && i + 1 < argc)
			options.variants[options.n_variants++ % 4] = argv[++i];
		else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
			options.only = argv[++i];
		else if (strcmp(argv[i], "--no-agree") == 0)
			options.agree = false;
		else if (strcmp(argv[i], "--patience") == 0 && i + 1 < argc)
			options.patience = atoi(argv[++i]);
		else if (strcmp(argv[i], "--no-btime") == 0)
			options.compare_flags |= COMPARE_NO_BTIME;
		else if (strcmp(argv[i], "--other-lower") == 0)
			options.other_lower = true;
		else if (strcmp(argv[i], "--no-atime") == 0)
			options.compare_flags |= COMPARE_NO_ATIME;
		else
			errx(2, "unknown option %s", argv[i]);
	}
	if (argc - i != 4)
		errx(2, "usage: parity [OPTION...] GROUP TWIN VIEW LOWER");
	return i;
}

int main(int argc, char **argv)
{
	int i = options_parse(argc, argv);
	const struct scenario_group *group = NULL;
	bool good = true;

	for (size_t n = 0; n < sizeof(groups) / sizeof(groups[0]); n++)
		if (strcmp(groups[n]->name, argv[i]) == 0)
			group = groups[n];
	if (!group)
		errx(2, "no group %s", argv[i]);
	options.twin = argv[i + 1];
	options.view = argv[i + 2];
	options.lower = argv[i + 3];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (const struct scenario *scenario = group->scenarios; scenario->name; scenario++)
		if (!options.only || fnmatch(options.only, scenario->name, FNM_EXTMATCH) == 0)
			good &= run(group, scenario);
	return !good;
}
