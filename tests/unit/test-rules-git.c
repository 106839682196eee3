// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules decide as `git check-ignore` does: random patterns and paths, in one run of git. Each file
 * of patterns is the .gitignore of a directory. git decides nothing about what is in an ignored
 * directory, so paths below one are left out.
 *
 * PENSTOCK_TEST_SEED chooses other patterns and paths.
 */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "random-rules.h"
#include "rules/decide.h"
#include "util/cleanup.h"

#define N_FILES 1400
#define N_PATHS 100 /* of each file; half of them are directories */
#define DEPTH   4

struct path {
	char text[64];
	const char *name[DEPTH];
	size_t n;
	bool is_dir;
	int parent;  /* a number in the same tree, or -1 */
	int ignored; /* by git */
};

struct tree {
	struct rules rules;
	struct path path[N_PATHS];
};

static char folder[] = "/dev/shm/penstock-rules-XXXXXX";

static void write_text(const char *path, const char *text)
{
	_cleanup_(freep) char *full = NULL;
	FILE *file;

	assert_true(asprintf(&full, "%s/%s", folder, path) > 0);
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Makes random lines, for git in the tree's .gitignore, and for the tree's rules. */
static void make_lines(struct random *random, unsigned int number, struct tree *tree)
{
	char ours[4096] = "", git[4096] = "", pattern[256], path[32];
	unsigned int n = 1 + random_below(random, 8);
	struct pst_error error;
	size_t n_ours = 0, n_git = 0;

	while (n--) {
		bool opposite = random_below(random, 3) == 0;

		random_pattern(random, pattern);
		n_git += (size_t)sprintf(git + n_git, "%s%s\n", opposite ? "!" : "", pattern);
		n_ours += (size_t)sprintf(ours + n_ours, "%s %s\n", opposite ? "allow" : "hide",
					  pattern);
	}
	snprintf(path, sizeof(path), "%u/.gitignore", number);
	write_text(path, git);
	if (rules_parse("test", ours, n_ours, &tree->rules, &error) < 0)
		fail_msg("%s in\n%s", error.text, ours);
}

/* Adds a random path below a random directory of the tree. */
static void add_path(struct random *random, unsigned int number, struct tree *tree, int i)
{
	struct path *path = &tree->path[i];
	int parent = (int)random_below(random, (unsigned int)i + 1) - 1;
	char full[128];

	while (parent >= 0 && (!tree->path[parent].is_dir || tree->path[parent].n == DEPTH))
		parent = tree->path[parent].parent;
	if (parent >= 0)
		*path = tree->path[parent];
	else
		snprintf(path->text, sizeof(path->text), "%u", number);
	path->parent = parent;
	path->name[path->n++] = random_names[random_below(random, N(random_names))];
	strcat(strcat(path->text, "/"), path->name[path->n - 1]);
	snprintf(full, sizeof(full), "%s/%s", folder, path->text);
	path->is_dir = i % 2 == 0 && (mkdir(full, 0700) == 0 || errno == EEXIST);
	/* Files need not exist: git takes a name that is absent for a file. */
}

/* Asks git about all paths. Returns its answers: "source NUL line NUL pattern NUL path NUL". */
static char *ask_git(void)
{
	_cleanup_(freep) char *command = NULL;
	char *answers = NULL, buf[65536];
	size_t len = 0, n;
	FILE *git;

	assert_true(asprintf(&command,
			     "cd %s && git -c core.excludesFile=/dev/null check-ignore --no-index "
			     "--stdin -z -v -n < paths",
			     folder) > 0);
	git = popen(command, "re");
	assert_non_null(git);
	while ((n = fread(buf, 1, sizeof(buf), git)) > 0) {
		answers = realloc(answers, len + n + 1);
		assert_non_null(answers);
		memcpy(answers + len, buf, n);
		len += n;
		answers[len] = '\0';
	}
	assert_int_not_equal(pclose(git), -1);
	return answers;
}

static void remove_folder(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	if (system(command) != 0)
		print_message("cannot remove %s\n", folder);
}

/* Compares one path. Returns whether it counts. */
static bool compare(struct tree *tree, struct path *path, const char *pattern)
{
	struct rule_path names = { path->name, path->n, path->is_dir };
	struct decided decided;
	bool below = false;
	char buf[64];

	path->ignored = *pattern && *pattern != '!';
	for (int up = path->parent; up >= 0; up = tree->path[up].parent)
		below |= tree->path[up].ignored;
	if (below)
		return false;
	rules_decide(&tree->rules, &names, &decided);
	/* A directory that only an allow re-opens is ignored by git. */
	if ((decided.hidden || decided.on_way) == path->ignored)
		return true;
	for (size_t i = 0; i < tree->rules.n; i++)
		print_message("%s %s\n", rule_verb(&tree->rules.row[i], buf, sizeof(buf)),
			      tree->rules.row[i].pattern.text);
	fail_msg("%s%s: git %s (%s), Penstock does not agree", path->text, path->is_dir ? "/" : "",
		 path->ignored ? "ignores it" : "does not ignore it", pattern);
	return true;
}

static void make_trees(struct random *random, struct tree *trees)
{
	_cleanup_(freep) char *full = NULL;
	FILE *paths;

	assert_true(asprintf(&full, "%s/paths", folder) > 0);
	paths = fopen(full, "w");
	assert_non_null(paths);
	for (unsigned int i = 0; i < N_FILES; i++) {
		char sub[64];

		snprintf(sub, sizeof(sub), "%s/%u", folder, i);
		assert_int_equal(mkdir(sub, 0700), 0);
		make_lines(random, i, &trees[i]);
		for (int k = 0; k < N_PATHS; k++) {
			add_path(random, i, &trees[i], k);
			fwrite(trees[i].path[k].text, strlen(trees[i].path[k].text) + 1, 1, paths);
		}
	}
	fclose(paths);
}

/* A path that was first added as a file may have become a directory. */
static void find_directories(struct tree *tree)
{
	for (int i = 0; i < N_PATHS; i++)
		for (int k = 0; k < N_PATHS; k++)
			if (strcmp(tree->path[i].text, tree->path[k].text) == 0)
				tree->path[i].is_dir |= tree->path[k].is_dir;
}

TEST(rules_decide_as_git_does, state)
{
	const char *seed = getenv("PENSTOCK_TEST_SEED");
	struct random random = { .state = seed ? strtoull(seed, NULL, 0) : 1 };
	_cleanup_(freep) struct tree *trees = calloc(N_FILES, sizeof(*trees));
	_cleanup_(freep) char *answers = NULL;
	unsigned int n = 0;
	const char *p;

	if (system("git --version > /dev/null 2>&1") != 0 || !mkdtemp(folder)) {
		print_message("there is no git, or no /dev/shm\n");
		skip();
	}
	atexit(remove_folder);
	write_text("make", "");
	{
		char command[128];

		snprintf(command, sizeof(command), "git init -q %s > /dev/null 2>&1", folder);
		assert_int_equal(system(command), 0);
	}
	make_trees(&random, trees);
	p = answers = ask_git();
	for (unsigned int i = 0; i < N_FILES; i++) {
		find_directories(&trees[i]);
		for (int k = 0; k < N_PATHS; k++) {
			const char *pattern = p;

			for (int field = 0; field < 2; field++)
				pattern += strlen(pattern) + 1;
			p = pattern + strlen(pattern) + 1;
			assert_string_equal(p, trees[i].path[k].text);
			p += strlen(p) + 1;
			n += compare(&trees[i], &trees[i].path[k], pattern);
		}
		rules_fini(&trees[i].rules);
	}
	print_message("%u of %u pairs compared\n", n, N_FILES * N_PATHS);
	assert_true(n >= 100000);
}

TEST_MAIN(NULL, NULL)
