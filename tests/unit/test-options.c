// SPDX-License-Identifier: LGPL-2.1-or-later
/* The command line of a mount: accepted options, and errors for all others. */
#include "../test.h"
#include "typos.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "option/table.h"
#include "cmd/options.h"
#include "util/cleanup.h"
#include "util/suggest.h"

#define MAX_WORDS 12

/* Parses the words before the NULL. */
static int parse(struct mount_options *options, enum options_dialect dialect,
		 struct pst_error *error, const char *const words[])
{
	char *argv[MAX_WORDS + 2] = { "mount" };
	int argc = 1;

	for (; words[argc - 1]; argc++)
		argv[argc] = (char *)words[argc - 1];
	*options = (struct mount_options)MOUNT_OPTIONS_INIT;
	return options_parse(options, dialect, argc, argv, error);
}

/* Each row: an option list, and the resulting members of the view's options. */
TEST(option_list_sets_members_of_view_options, state)
{
	static const struct {
		const char *list;
		struct pst_view_options view;
	} rows[] = {
		{ "ro", { .mount_flags = PST_MOUNT_RDONLY } },
		{ "ro,rw", { 0 } },
		{ "nosuid,nodev,noexec",
		  { .mount_flags = PST_MOUNT_NOSUID | PST_MOUNT_NODEV | PST_MOUNT_NOEXEC } },
		{ "nosuid,suid,nodev,dev,noexec,exec", { 0 } },
		{ "noatime", { .mount_flags = PST_MOUNT_NOATIME } },
		{ "noatime,relatime", { .mount_flags = PST_MOUNT_RELATIME } },
		{ "relatime,strictatime", { .mount_flags = PST_MOUNT_STRICTATIME } },
		{ "noatime,atime", { 0 } },
		{ "noatime,nodiratime",
		  { .mount_flags = PST_MOUNT_NOATIME | PST_MOUNT_NODIRATIME } },
		{ "sync,dirsync", { .mount_flags = PST_MOUNT_SYNC | PST_MOUNT_DIRSYNC } },
		{ "sync,async", { 0 } },
		{ "nosymfollow", { .mount_flags = PST_MOUNT_NOSYMFOLLOW } },
		{ "passthrough=off", { .passthrough = PST_PASSTHROUGH_OFF } },
		{ "passthrough=on,passthrough=auto", { 0 } },
		{ "locks=lower,xdev=hide,idmap",
		  { .locks = PST_LOCKS_LOWER, .xdev = PST_XDEV_HIDE, .idmap = 1 } },
		{ "pseudo=show", { .pseudo = PST_PSEUDO_SHOW } },
		{ "pseudo=show,pseudo=hide", { 0 } },
		{ "filters=process", { .run_filters = PST_RUN_FILTERS_PROCESS } },
		{ "filters=kernel", { .run_filters = PST_RUN_FILTERS_KERNEL } },
		{ "xattr=off", { .xattr = PST_XATTR_OFF } },
		{ "opendir=off", { .opendir = PST_OPENDIR_OFF } },
		{ "cache=none", { .cache = PST_CACHE_NONE } },
		{ "cache=exclusive", { .cache = PST_CACHE_EXCLUSIVE } },
		{ "cache=auto", { 0 } },
		{ "cache=ttl=0.25", { .cache = PST_CACHE_TTL, .ttl_ns = 250000000 } },
		{ "cache=ttl=0", { .cache = PST_CACHE_TTL, .ttl_ns = 0 } },
		{ "cache=ttl=1000000000",
		  { .cache = PST_CACHE_TTL, .ttl_ns = 1000000000000000000 } },
		{ "attr_timeout=5,entry_timeout=0.000000001,negative_timeout=9",
		  { .cache = PST_CACHE_TTL, .ttl_ns = 1 } },
		{ "attr_timeout=5", { .cache = PST_CACHE_TTL, .ttl_ns = 5000000000 } },
		{ "attr_timeout=1,cache=ttl=3", { .cache = PST_CACHE_TTL, .ttl_ns = 3000000000 } },
		{ "cache=none,attr_timeout=2", { .cache = PST_CACHE_TTL, .ttl_ns = 2000000000 } },
		{ "workers=3,pool=4,fds=1024,max_write=128K",
		  { .n_workers = 3, .n_pool = 4, .fd_budget = 1024, .max_write = 131072 } },
		{ "max_threads=7,max_write=1m", { .n_workers = 7, .max_write = 1 << 20 } },
		{ "transport=dev,uring_depth=16",
		  { .transport = PST_TRANSPORT_DEV, .uring_depth = 16 } },
		{ "io_uring,io_uring_q_depth=8,enable_uring",
		  { .transport = PST_TRANSPORT_URING, .uring_depth = 8, .enable_uring = 1 } },
		{ "io_uring,transport=auto", { .transport = PST_TRANSPORT_AUTO } },
		{ "subtype=penstock,default_permissions,clone_fd,allow_other", { 0 } },
		{ "nofail,_netdev,defaults,user,users,noauto,comment=x,x-a=b,X-c", { 0 } },
		{ "nonempty,use_ino,readdir_ino,big_writes,hard_remove,splice_read,auto_cache,intr",
		  { 0 } },
		{ "noallow_other,allow_other", { 0 } },
		{ ",,ro,,", { .mount_flags = PST_MOUNT_RDONLY } },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(options_fini) struct mount_options options;
		struct pst_view_options want = rows[i].view;
		struct pst_error error;

		want.size = sizeof(want);
		want.allow_other = 1;
		want.log_level = PST_LOG_WARNING;
		if (!want.ttl_ns && !strstr(rows[i].list, "ttl=0"))
			want.ttl_ns = 1000000000;
		if (parse(&options, OPTIONS_COMMAND, &error,
			  (const char *[]){ "a", "b", "-o", rows[i].list, NULL }) != 0)
			fail_msg("%s: %s", rows[i].list, error.text);
		want.lower = options.view.lower;
		want.mountpoint = options.view.mountpoint;
		if (want.cache != PST_CACHE_TTL)
			want.ttl_ns = options.view.ttl_ns;
		if (memcmp(&want, &options.view, sizeof(want)) != 0)
			fail_msg("%s: not as it should be", rows[i].list);
	}
}

/* Each row: an option, and a part of the error. */
TEST(wrong_option_is_refused_with_advice, state)
{
	static const struct {
		const char *list, *text;
	} rows[] = {
		{ "cach=none", "did you mean \"cache\"" },
		{ "passthru=on", "\"passthru\"" },
		{ "allow_others", "\"allow_other\"" },
		{ "no_such_thing_at_all", "--help" },
		{ "cache=never", "auto, ttl=SECONDS, none, exclusive" },
		{ "cache=ttl=", "takes seconds" },
		{ "cache=ttl=-1", "takes seconds" },
		{ "cache=ttl=1e3", "takes seconds" },
		{ "cache=ttl=.", "takes seconds" },
		{ "cache=ttl=99999999999999999999", "takes seconds" },
		{ "attr_timeout=x", "seconds" },
		{ "passthrough=maybe", "auto, on, off" },
		{ "locks=none", "local, lower" },
		{ "locks=lowr", "did you mean \"lower\"" },
		{ "passthrough=of", "did you mean \"off\"" },
		{ "cache=nnoe", "did you mean \"none\"" },
		{ "cache=tll=5", "did you mean \"ttl=SECONDS\"" },
		{ "xdev=1", "cross, hide" },
		{ "pseudo=yes", "hide, show" },
		{ "log=loud", "error, warning, info, debug" },
		{ "workers=0", "1 to 256" },
		{ "workers=257", "1 to 256" },
		{ "workers=", "1 to 256" },
		{ "workers=-1", "1 to 256" },
		{ "transport=usb", "auto, uring, dev" },
		{ "uring_depth=0", "1 to 1024" },
		{ "workers= 1", "1 to 256" },
		{ "workers=18446744073709551617", "1 to 256" },
		{ "workers=18014398509481984K", "1 to 256" },
		{ "max_write=100", "4096" },
		{ "max_write=1T", "4096" },
		{ "workers", "workers=N" },
		{ "ro=1", "takes no value" },
		{ "fsname=", "empty" },
		{ "filter", "filter=SPEC" },
		{ "filter=", "such as hide" },
		{ "filtre=hide", "\"filter\"" },
		{ "subtype=other", "penstock" },
		/* Options of other programs for which Penstock has another one. */
		{ "private", "noallow_other" },
		{ "allow_root", "noallow_other" },
		{ "rprivate", "--make-rprivate" },
		{ "slave", "--make-slave" },
		{ "bind", "mount --bind" },
		{ "loop=/dev/loop0", "LOWER is a directory" },
		{ "kernel_cache", "cache=exclusive" },
		{ "max_read=131072", "max_write=BYTES" },
		{ "max_background=9", "workers= and pool=" },
		{ "umask=022", "penstock-filters(7)" },
		{ "uid=1000", "--filter owner,uid=" },
		{ "gid=1000", "--filter owner,gid=" },
		{ "noxattr", "xattr=off" },
		{ "no_flock", "locks=" },
		{ "timeout=5", "cache=ttl=SECONDS" },
		{ "fd=3", "kernel" },
		{ "context=system_u:object_r:x:s0", "labels" },
		{ "user=nobody-at-all", "--filter owner,uid=nobody-at-all" },
		{ "owner=www", "--filter owner,uid=www" },
		{ "group=www", "--filter owner,gid=www" },
		{ "X-mount.idmap=b:1:2:3", "option idmap" },
		{ "X-mount.mkdir", "mount(8) itself" },
		{ "use_inoo", "\"use_ino\"" },
		/* Options of bindfs: the filter has the value that was given. */
		{ "force-user=www", "--filter 'owner,uid=www'" },
		{ "force-user=www", "filter=owner;uid=www)" },
		{ "force-user", "'owner,uid=...'" },
		{ "perms=0000:u+rD", "'perms,show=0000:u+rD'" },
		{ "mirror-only=ann:@staff", "filter=mirror;users=ann:@staff;only)" },
		{ "map=1/2:@3/4", "'map,users=LOWER/SHOWN,groups=LOWER/SHOWN'" },
		{ "uid-offset=7", "'map,users=+7'" },
		{ "uid-offset=-7", "'map,users=-7'" },
		{ "chmod-ignore,chmod-allow-x", "'changes,chmod=ignore,chmod_x'" },
		{ "read-rate=10M,write-rate=1M", "'rate,read=10M,write=1M'" },
		{ "delete-deny", "'changes,delete=deny'" },
		{ "xattr-none", "xattr=off" },
		{ "resolve-symlinks", "mount --bind" },
		{ "no-allow-other", "noallow_other" },
		{ "force-user=ann,perms=0640:a+X,create-with-perms=0600,force-group=staff,"
		  "rename-deny",
		  "--filter 'owner,uid=ann,gid=staff' --filter 'perms,show=0640:a+X,create=0600' "
		  "--filter 'changes,rename=deny' (in -o and fstab: filter=owner;uid=ann;gid=staff,"
		  "filter=perms;show=0640:a+X;create=0600,filter=changes;rename=deny)" },
		{ "chmod-deny,chmod-allow-x", "'changes,chmod=deny,chmod_x'" },
		{ "map-passwd-rev=a,map-group-rev=b", "'map,users=a,reverse,groups=b'" },
		/* Parts of a filter or list that commas have cut off. */
		{ "filter=hide,names=.env", "--filter hide,names=.env (in -o and fstab: "
					    "filter=hide;names=.env)" },
		{ "filter=perms;show=0640,a+X", "filter=perms;show=0640:a+X" },
		{ "hide=.env,*.key", "hide=.env:*.key" },
		{ "filter=hide;names=x,nosiud", "\"nosuid\"" },
		/* Lists with the syntax of other programs would match nothing. */
		{ "hide=.env\\,*.key", "has a ','" },
		{ "hide=.env;*.key", "has a ';'" },
		{ "hide=a::b", "a name is empty" },
		{ "hide=src/a", "write '/src/a', or 'a'" },
		{ "readonly=./a", "write '/a', or 'a'" },
		{ "mask=~/a", "write '/a', or 'a'" },
		{ "hide=**/a", "write '/a', or 'a'" },
		{ "hide=../b/a", "write '/a', or 'a'" },
		{ "hide=a/", "leave out the '/'" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(options_fini) struct mount_options options;
		struct pst_error error;
		int r;

		r = parse(&options, OPTIONS_COMMAND, &error,
			  (const char *[]){ "-o", rows[i].list, "a", "b", NULL });
		if (r != -EINVAL)
			fail_msg("%s: accepted", rows[i].list);
		if (!strstr(error.text, rows[i].text))
			fail_msg("%s: the user is told \"%s\"", rows[i].list, error.text);
	}
}

/* Each row: an option of bindfs with dashes, and a part of the error. */
TEST(dashed_option_of_bindfs_is_refused_with_the_filter, state)
{
	static const struct {
		const char *words[MAX_WORDS], *text;
	} rows[] = {
		{ { "-u", "www", "a", "b", NULL }, "'owner,uid=www'" },
		{ { "-gwww", "a", "b", NULL }, "'owner,gid=www'" },
		{ { "-p", "0600,u+D", "a", "b", NULL }, "'perms,show=0600:u+D'" },
		{ { "-mann,bob", "a", "b", NULL }, "'mirror,users=ann:bob'" },
		{ { "-M", "ann", "a", "b", NULL }, "'mirror,users=ann,only'" },
		{ { "-M", NULL }, "'mirror,users=...,only'" },
		{ { "--create-with-perms=g+rD", "a", "b", NULL }, "'perms,create=g+rD'" },
		{ { "--rename-deny", "a", "b", NULL }, "'changes,rename=deny'" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(options_fini) struct mount_options options;
		struct pst_error error;

		if (parse(&options, OPTIONS_COMMAND, &error, rows[i].words) != -EINVAL)
			fail_msg("%s: accepted", rows[i].words[0]);
		if (!strstr(error.text, rows[i].text))
			fail_msg("%s: the user is told \"%s\"", rows[i].words[0], error.text);
	}
}

/* Paths of the machine where paths of the view are meant; %s is LOWER or MOUNTPOINT. */
TEST(paths_of_the_machine_are_refused, state)
{
	static const struct {
		const char *option, *text; /* NULL: accepted */
	} rows[] = {
		{ "--hide=%s/a", "write '/a'" },
		{ "--hide=x:%s", "write '/'" },
		{ "--readonly=/x:%s/a/b", "'/a/b'" },
		{ "--filter=hide,paths=%s/a", "write '/a'" },
		{ "--filter=hide,paths=/x:%s/a", "'/a'" },
		{ "--hide=%sx/a", NULL },
		{ "--filter=hide,names=%s", NULL },
	};
	char top[] = "/tmp/test-options.XXXXXX", path[300], lower[100], mountpoint[100];

	assert_non_null(mkdtemp(top));
	snprintf(lower, sizeof(lower), "%s/lower", top);
	snprintf(mountpoint, sizeof(mountpoint), "%s/view", top);
	assert_int_equal(mkdir(lower, 0700) | mkdir(mountpoint, 0700), 0);
	for (size_t i = 0; i < 2 * N(rows); i++) {
		_cleanup_(options_fini) struct mount_options options;
		struct pst_error error;
		char option[200];
		int r;

		snprintf(option, sizeof(option), rows[i / 2].option, i % 2 ? lower : mountpoint);
		r = parse(&options, OPTIONS_COMMAND, &error,
			  (const char *[]){ option, lower, mountpoint, NULL });
		if (r != (rows[i / 2].text ? -EINVAL : 0))
			fail_msg("%s: %d", option, r);
		if (r < 0 && !strstr(error.text, rows[i / 2].text))
			fail_msg("%s: the user is told \"%s\"", option, error.text);
	}
	/* A tree may have a file at such a path. */
	snprintf(path, sizeof(path), "mkdir -p %s%s", lower, lower);
	assert_int_equal(system(path), 0);
	{
		_cleanup_(options_fini) struct mount_options options;
		struct pst_error error;

		snprintf(path, sizeof(path), "--hide=%s", lower);
		assert_int_equal(parse(&options, OPTIONS_COMMAND, &error,
				       (const char *[]){ path, lower, mountpoint, NULL }),
				 0);
	}
	snprintf(path, sizeof(path), "rm -r %s", top);
	assert_int_equal(system(path), 0);
}

/* Options with dashes and in lists, and words in any order. */
TEST(dashed_and_comma_separated_options_agree, state)
{
	static const char *const lines[][MAX_WORDS] = {
		{ "a", "b", "-o", "cache=none,ro", NULL },
		{ "-o", "cache=none", "-o", "ro", "a", "b", NULL },
		{ "-ocache=none,ro", "a", "b", NULL },
		{ "--cache=none", "a", "--ro", "b", NULL },
		{ "--cache", "none", "--ro", "a", "b", NULL },
		{ "-ro", "cache=none", "--", "a", "b", NULL },
	};

	for (size_t i = 0; i < N(lines); i++) {
		_cleanup_(options_fini) struct mount_options options;
		struct pst_error error;

		if (parse(&options, OPTIONS_COMMAND, &error, lines[i]) != 0)
			fail_msg("line %zu: %s", i, error.text);
		assert_string_equal(options.view.lower, "a");
		assert_string_equal(options.view.mountpoint, "b");
		assert_int_equal(options.view.cache, PST_CACHE_NONE);
		assert_int_equal(options.view.mount_flags, PST_MOUNT_RDONLY);
	}
}

/*
 * A comma separates options. A backslash before a comma makes it part of the value, which never
 * becomes an option.
 */
TEST(escaped_comma_stays_in_value, state)
{
	_cleanup_(options_fini) struct mount_options options;
	struct pst_error error;

	assert_int_equal(parse(&options, OPTIONS_COMMAND, &error,
			       (const char *[]){ "-o", "fsname=a\\,ro\\\\,nodev", "-x", NULL }),
			 -EINVAL);
	options_fini(&options);
	assert_int_equal(
		parse(&options, OPTIONS_COMMAND, &error,
		      (const char *[]){ "-o", "fsname=a\\,ro\\\\,nodev", "--", "-x", "y", NULL }),
		0);
	assert_string_equal(options.view.fsname, "a,ro\\");
	assert_int_equal(options.view.mount_flags, PST_MOUNT_NODEV);
	assert_string_equal(options.view.lower, "-x");
}

/* Each row: words, and the resulting filters. In a list the commas of a filter are semicolons. */
TEST(filter_specs_keep_their_order_and_commas, state)
{
	static const struct {
		const char *words[MAX_WORDS];
		const char *filters[4];
	} rows[] = {
		{ { "--filter", "hide", NULL }, { "hide" } },
		{ { "--filter=hide,names=*.key:.env", NULL }, { "hide,names=*.key:.env" } },
		{ { "--filter", "hide,names=a;b\\;c\\,d", NULL }, { "hide,names=a;b\\;c\\,d" } },
		{ { "--filter", "audit", "--filter", "./x.bpf.o,a=1", "--filter=hide", NULL },
		  { "audit", "./x.bpf.o,a=1", "hide" } },
		{ { "-o", "filter=hide", NULL }, { "hide" } },
		{ { "-o", "ro,filter=hide;names=*.key:.env,nodev,filter=audit", NULL },
		  { "hide,names=*.key:.env", "audit" } },
		{ { "-o", "filter=hide\\,names=*.key,nodev", NULL }, { "hide,names=*.key" } },
		{ { "-o", "filter=mask;text=a\\;b", NULL }, { "mask,text=a;b" } },
		{ { "-o", "filter=mask;text=a\\\\\\,b", NULL }, { "mask,text=a\\,b" } },
		{ { "-o", "fsname=a;b,filter=hide", NULL }, { "hide" } },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(options_fini) struct mount_options options;
		const char *words[MAX_WORDS] = { "a", "b" };
		struct pst_error error;
		size_t n = 0;

		for (size_t j = 0; rows[i].words[j]; j++)
			words[j + 2] = rows[i].words[j];
		if (parse(&options, OPTIONS_COMMAND, &error, words) != 0)
			fail_msg("row %zu: %s", i, error.text);
		for (; rows[i].filters[n]; n++) {
			assert_non_null(options.view.filters[n]);
			assert_string_equal(options.view.filters[n], rows[i].filters[n]);
		}
		assert_null(options.view.filters[n]);
		if (options.view.fsname)
			assert_string_equal(options.view.fsname, "a;b");
	}
}

TEST(incomplete_or_unknown_words_are_refused, state)
{
	static const char *const lines[][MAX_WORDS] = {
		{ NULL },
		{ "a", NULL },
		{ "a", "b", "c", NULL },
		{ "a", "b", "-o", NULL },
		{ "a", "b", "-z", NULL },
		{ "a", "b", "--cache", NULL },
		{ "a", "b", "-t", "ext4", NULL },
	};

	for (size_t i = 0; i < N(lines); i++) {
		_cleanup_(options_fini) struct mount_options options;
		struct pst_error error;

		assert_int_equal(parse(&options, OPTIONS_COMMAND, &error, lines[i]), -EINVAL);
		assert_true(error.text[0]);
	}
}

/* -s ignores unknown options, and still refuses wrong values of known ones. */
TEST(sloppy_helper_ignores_only_unknown_options, state)
{
	_cleanup_(options_fini) struct mount_options options;
	struct pst_error error;

	assert_int_equal(parse(&options, OPTIONS_HELPER, &error,
			       (const char *[]){ "a", "b", "-o", "frobnicate,ro", "-s", NULL }),
			 0);
	assert_int_equal(options.view.mount_flags, PST_MOUNT_RDONLY);
	options_fini(&options);
	assert_int_equal(parse(&options, OPTIONS_HELPER, &error,
			       (const char *[]){ "a", "b", "-s", "-o", "workers=many", NULL }),
			 -EINVAL);
	options_fini(&options);
	/* The s in a value is not the flag -s. */
	assert_int_equal(parse(&options, OPTIONS_HELPER, &error,
			       (const char *[]){ "a", "b", "-o", "sloppys", NULL }),
			 -EINVAL);
}

TEST(last_log_option_sets_level_and_debug_the_foreground, state)
{
	static const struct {
		const char *words[MAX_WORDS];
		enum pst_log_level level;
		bool foreground;
	} rows[] = {
		{ { "a", "b", NULL }, PST_LOG_WARNING, false },
		{ { "a", "b", "-v", NULL }, PST_LOG_INFO, false },
		{ { "a", "b", "-d", NULL }, PST_LOG_DEBUG, true },
		{ { "a", "b", "-f", NULL }, PST_LOG_WARNING, true },
		{ { "a", "b", "-dv", NULL }, PST_LOG_DEBUG, true },
		{ { "a", "b", "-d", "-o", "log=error", NULL }, PST_LOG_ERROR, true },
		{ { "a", "b", "-o", "log=error", "-d", NULL }, PST_LOG_ERROR, true },
	};

	for (size_t i = 0; i < N(rows); i++) {
		_cleanup_(options_fini) struct mount_options options;
		struct pst_error error;

		assert_int_equal(parse(&options, OPTIONS_COMMAND, &error, rows[i].words), 0);
		assert_int_equal(options.log_level, rows[i].level);
		assert_int_equal(options.foreground, rows[i].foreground);
	}
}

TEST(nearest_name_is_suggested, state)
{
	static const char *const names[] = { "mount", "umount", "probe", "stat", "on", "off" };
	static const struct {
		const char *word, *suggestion;
	} rows[] = {
		{ "mout", "mount" },
		{ "unmount", "umount" },
		{ "prob", "probe" },
		{ "state", "stat" },
		{ "destroy everything", "" },
		{ "", "" },
		{ "zzzzzzz", "" },
		{ "of", "off" },
		{ "no", "on" },
		{ "x", "" },
		{ "tsat", "stat" },
	};

	for (size_t i = 0; i < N(rows); i++) {
		struct suggestion suggestion = SUGGESTION_INIT;

		for (size_t k = 0; k < N(names); k++)
			suggest_try(&suggestion, rows[i].word, names[k]);
		if (strcmp(suggestion.word, rows[i].suggestion) != 0)
			fail_msg("%s: suggestion is \"%s\"", rows[i].word, suggestion.word);
	}
}

/* ---- typing errors ---- */

/* Parses one option. Returns the error, "" if the option is accepted. */
static const char *told(const char *option)
{
	static struct pst_error error;
	_cleanup_(options_fini) struct mount_options options;
	int r = parse(&options, OPTIONS_COMMAND, &error,
		      (const char *[]){ "-o", option, "a", "b", NULL });

	return r == 0 ? "" : error.text;
}

/* Returns true if the text suggests a word that differs from the typed one by one typing error. */
static bool offers(const char *text, const char *typo)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	char word[80] = "";
	const char *at = strstr(text, "did you mean \"");

	if (!at || sscanf(at, "did you mean \"%79[^\"]", word) != 1)
		return false;
	suggest_try(&suggestion, typo, word);
	return suggestion.distance == 1;
}

/*
 * Takes NAME=WORD as context: the error for a mistyped WORD must suggest WORD, or another word that
 * is as near.
 */
static void refused_with_the_word(void *aux, const char *typo)
{
	const char *context = aux;
	const char *word = strchr(context, '=') + 1, *text;
	char option[160];

	snprintf(option, sizeof(option), "%.*s%s", (int)(word - context), context, typo);
	/* "ttl=SECONDS" is a word and a number; wrong_option_is_refused_with_advice() tests it. */
	if (strchr(word, '='))
		return;
	text = told(option);
	if (!*text)
		fail_msg("%s is accepted", option);
	if (strlen(word) > 2 && !offers(text, typo))
		fail_msg("%s: the user is told \"%s\"", option, text);
	if (!strstr(text, word))
		fail_msg("%s: the user is not told of \"%s\": \"%s\"", option, word, text);
}

/* Tries every word of every option whose values are words, from the program's own table. */
TEST(mistyped_value_is_refused_with_the_right_one, state)
{
	char name[64], word[64], context[160];
	unsigned int n = 0;

	for (size_t i = 0; i < option_n_rows; i++) {
		const char *names = option_rows[i].names, *words = option_rows[i].values;

		option_next_word(&names, ' ', name, sizeof(name));
		if (!words || !strchr(words, '|'))
			continue;
		for (; option_next_word(&words, '|', word, sizeof(word)); n++) {
			snprintf(context, sizeof(context), "%s=%s", name, word);
			each_typo(word, refused_with_the_word, context);
		}
	}
	assert_true(n > 20);
}

static void refused_with_the_name(void *aux, const char *typo)
{
	const char *name = aux, *text;
	char option[100];

	/* "filters" with one letter less is another option, which takes any text. */
	if (strcmp(typo, "filter") == 0)
		return;
	snprintf(option, sizeof(option), "%s=1", typo);
	text = told(option);
	if (!*text)
		fail_msg("%s is accepted", option);
	/* "suid" with one letter less is another option. */
	if (strncmp(text, "there is no option", strlen("there is no option")) != 0)
		return;
	/* A word of two letters of which one is wrong is too short for a suggestion. */
	if (strlen(name) > 3 && !offers(text, typo))
		fail_msg("%s: the user is told \"%s\"", option, text);
}

TEST(mistyped_name_is_refused_with_the_right_one, state)
{
	char name[64];

	for (size_t i = 0; i < option_n_rows && option_is_own(&option_rows[i]); i++)
		for (const char *names = option_rows[i].names;
		     option_next_word(&names, ' ', name, sizeof(name));)
			each_typo(name, refused_with_the_name, name);
}

TEST_MAIN(NULL, NULL)
