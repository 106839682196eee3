// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Values without effect are refused before a filter is loaded. The test reads the allowed words
 * from the ready-made filters, so it covers new filters, too.
 */
#include "../test.h"
#include "typos.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ebpf/load.h"
#include "util/cleanup.h"
#include "util/suggest.h"

enum {
	SPEC_SIZE = 4300,
};

/* Returns the error for a spec; "" if there is none. */
static const char *told(const char *spec)
{
	static struct pst_error error;
	_cleanup_(load_fini) struct load load = { 0 };

	return load_open(&load, spec, &error) < 0 ? error.text : "";
}

/* Returns the directory of the ready-made filters. Skips the test if there is none. */
static const char *ready_made(void)
{
	const char *dir = getenv("READY_MADE");
	char path[4096];

	snprintf(path, sizeof(path), "%s/hide.bpf.o", dir ? dir : "");
	if (!dir || access(path, R_OK) < 0) {
		print_message("skipped: no clang that compiles eBPF\n");
		skip();
	}
	return dir;
}

/* Makes a spec that has the path of the object instead of the filter's name: "hide,names=x". */
static void make_spec(char spec[SPEC_SIZE], const char *text)
{
	size_t name = strcspn(text, ",");

	snprintf(spec, SPEC_SIZE, "%s/%.*s.bpf.o%s", ready_made(), (int)name, text, text + name);
}

/* ---- typing errors ---- */

/*
 * Returns the error of an option for a value. Opening an object takes a process and milliseconds,
 * so the test sets the option of an open object again and again.
 */
static const char *told_by(struct load *load, const struct option *option, const char *value)
{
	static struct pst_error error;
	struct option copy = *option;
	struct options one = { .object = load->options.object, .rows = &copy, .n = 1 };
	int r;

	copy.given = NULL;
	r = option_list_set(&one, option->name, value, &load->patterns, &error);
	free(copy.given);
	return r < 0 ? error.text : "";
}

struct typed {
	struct load *load;
	const struct option *option;
};

static void try_typo(void *aux, const char *typo)
{
	struct load *load = ((struct typed *)aux)->load;
	const struct option *option = ((struct typed *)aux)->option;
	const char *words = option->takes.one_of ? option->takes.one_of : option->takes.list_of;
	struct suggestion suggestion = SUGGESTION_INIT;
	const char *text = told_by(load, option, typo), *at = strstr(text, "did you mean '");
	char word[80] = "";

	/* "setattr" with one letter less may be another valid word. */
	if (takes_each_match(words, typo, NULL, NULL))
		return;
	if (!*text)
		fail_msg("%s,%s=%s is taken", load->path, option->name, typo);
	if (at)
		sscanf(at, "did you mean '%79[^']", word);
	suggest_try(&suggestion, typo, word);
	if (strlen(typo) > 3 && suggestion.distance != 1)
		fail_msg("%s=%s: the user is told \"%s\"", option->name, typo, text);
}

/*
 * Tries all words of one option: each is accepted, or refused with advice, and no mistyped word is
 * accepted. Returns the number of words.
 */
static unsigned int try_option(struct load *load, const struct option *option)
{
	const char *words = option->takes.one_of ? option->takes.one_of : option->takes.list_of;
	_cleanup_(freep) char *copy = words ? strdup(words) : NULL;
	char *rest = copy, *word;
	unsigned int n = 0;

	while (rest && (word = strsep(&rest, " "))) {
		if (!*word)
			continue;
		n++;
		if (*told_by(load, option, word) &&
		    !strstr(told_by(load, option, word), "has no effect"))
			fail_msg("%s=%s: \"%s\"", option->name, word, told_by(load, option, word));
		each_typo(word, try_typo, &(struct typed){ load, option });
	}
	return n;
}

TEST(mistyped_word_is_refused_with_the_right_one, state)
{
	const char *dir = ready_made();
	DIR *stream = opendir(dir);
	struct dirent *entry;
	unsigned int n = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		_cleanup_(load_fini) struct load load = { 0 };
		size_t len = strlen(entry->d_name);
		struct pst_error error;
		char path[4096];

		if (len < 6 || strcmp(entry->d_name + len - 6, ".bpf.o"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		/*
		 * A missing required option does not matter, because the options were parsed
		 * before.
		 */
		load_open(&load, path, &error);
		for (size_t i = 0; i < load.options.n; i++)
			n += try_option(&load, &load.options.rows[i]);
	}
	closedir(stream);
	assert_true(n > 100);
}

/* ---- rows ---- */

/* Each row: options of a ready-made filter that have no effect, and a part of the error. */
TEST(spec_without_effect_is_refused_with_advice, state)
{
	static const char *const rows[][2] = {
		{ "hide", "names=, paths=" },
		{ "hide,name=other", "names=, paths=" },
		{ "hide,names=", "empty" },
		{ "hide,paths=", "empty" },
		{ "hide-for", "names=, paths=" },
		{ "hide-for,uid=5", "names=, paths=" },
		{ "hide-for,names=a", "uid=, gid=, cgroup=" },
		{ "hide-for,names=a,uid=", "numbers" },
		{ "hide-for,names=a,uid=no-such-user", "no user 'no-such-user'" },
		{ "hide-for,names=a,gid=no-such-group", "no group 'no-such-group'" },
		{ "hide-for,names=a,uid=4294967295", "4294967294" },
		{ "hide-for,names=a,uid=/sys/fs/cgroup", "no user" },
		{ "readonly-for", "uid=, gid=, cgroup=" },
		{ "quota", "bytes=, files=" },
		{ "quota,per=uid", "bytes=, files=" },
		{ "quota,bytes=0", "from 1" },
		{ "quota,files=0", "from 1" },
		{ "quota,bytes=9223372036854775807", "from 1" },
		{ "owner", "uid=, gid=, create_uid=" },
		{ "owner,uid=-2", "from -1" },
		{ "owner,uid=4294967295", "4294967294" },
		{ "owner,uid=no-such-user", "no user" },
		{ "owner,uid=-root", "from -1" },
		{ "perms", "show=, create=, chmod=" },
		{ "perms,show=0644,a+X", "':' separates the parts" },
		{ "map,users=1/2,3/4", "':' separates the parts" },
		{ "map,users=1000", "no pair" },
		{ "mirror,only", "users=" },
		{ "mirror,users=no-such-user", "no user" },
		{ "mirror,users=@no-such-group", "no group" },
		{ "changes,chmod_x", "chmod=, chown=" },
		{ "changes,delete=ignore", "pass, deny" },
		{ "attr", "ctime_from_mtime=, hide_hard_links=" },
		{ "fault,percent=0", "up to 100" },
		{ "fault,percent=0.00001", "up to 100" },
		{ "fault,percent=100.1", "up to 100" },
		{ "fault,percent=150", "up to 100" },
		{ "fault,percent=-1", "up to 100" },
		{ "fault,percent=.", "up to 100" },
		{ "fault,percent=many", "up to 100" },
		{ "fault,error=enospace", "such as ENOSPC" },
		{ "fault,every=0", "from 1" },
		{ "fault,delay_us=0", "from 1" },
		{ "fault,ops=read,shorten=0", "from 1" },
		{ "fault,shorten=5", "unless ops= lists one of: read write" },
		{ "fault,shorten=5,ops=mkdir", "unless ops= lists one of: read write" },
		{ "fault,torn=5,ops=read", "unless ops= lists one of: write" },
		{ "fault,after_bytes=5", "unless ops= lists one of: write" },
		{ "fault,ops=write,part=random", "without torn=" },
		{ "fault,ops=write,result=short", "without torn=" },
		{ "fault,ops=write,torn=-1", "from 0" },
		{ "fault,ops=write,torn=1,part=any", "'any'" },
		{ "mask,fill=", "empty" },
		{ "mask,fill=xy", "at most 1" },
		{ "mask,write=alow", "'allow'" },
		{ "fault,ops=", "empty" },
		{ "fault,ops=mkdir:", "empty" },
		{ "fault,ops=zz*", "'zz*'" },
		{ "fault,ops=release", "flush" },
		{ "fault,ops=mkdir:rel*", "flush" },
		{ "audit,ops=mkdir:unlnk", "'unlink'" },
		{ "audit,uid=no-such-user", "no user" },
	};
	char spec[SPEC_SIZE];

	for (size_t i = 0; i < N(rows); i++) {
		const char *text;

		make_spec(spec, rows[i][0]);
		text = told(spec);
		if (!strstr(text, rows[i][1]))
			fail_msg("%s: the user is told \"%s\"", rows[i][0], text);
	}
}

TEST(spec_with_effect_is_accepted, state)
{
	static const char *const rows[] = {
		"hide,names=a\\ b:\\!c",
		"hide,paths=/",
		"hide-for,names=a,uid=root",
		"hide-for,names=a,uid=0:root",
		"hide-for,names=a,gid=root:5-7",
		"hide-for,names=a,uid=*",
		"quota,bytes=1",
		"quota,files=1,per=uid",
		"owner,uid=-1",
		"owner,uid=root,gid=root",
		"owner,chown=ignore",
		"owner,uid=4294967294",
		"fault,percent=100",
		"fault,ops=*xattr:mkdir",
		"fault,ops=re*:*",
		"fault,percent=0.1",
		"fault,percent=0.0001",
		"fault,percent=12.5",
		"fault,error=enospc",
		"fault,ops=read:write",
		"fault,ops=r*d,shorten=1",
		"fault,ops=*,torn=0",
		"fault,ops=wr*,torn=512,part=random,result=short",
		"fault",
		"audit",
		"readonly",
		"mask,how=empty",
	};
	char spec[SPEC_SIZE];

	for (size_t i = 0; i < N(rows); i++) {
		make_spec(spec, rows[i]);
		if (*told(spec))
			fail_msg("%s: the user is told \"%s\"", rows[i], told(spec));
	}
}

TEST_MAIN(NULL, NULL)
