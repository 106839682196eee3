// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The options of a mount: one row for each, with its name, what it does, what its value looks like
 * and what the help says of it. Words of other programs are in option-others.c.
 *
 * No name may be one that libmount takes for itself: mount(8) and fstab would lose the option, and the
 * view would be mounted without it. The mount ring tries each row that way.
 */
#include "cmd/option-table.h"
#include "cmd/cmd.h"
#include "cmd/option-others.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/suggest.h"
#include "util/utf8.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct choice {
	const char *name;
	int value;
};

struct option_row {
	const char *name;
	int (*apply)(struct mount_options *options, const struct option_row *row, const char *value,
		     struct pst_error *error);
	const char *values;		/* what its value looks like; NULL: it takes none */
	const char *help;		/* NULL: another word for one of the others */
	size_t offset;			/* of the member that is set */
	uint64_t min, max;		/* of a number; max is what a flag sets */
	unsigned int set, clear;	/* bits of mount_flags */
	const struct choice *choices;
};

static void *member(struct mount_options *options, const struct option_row *row)
{
	return (char *)options + row->offset;
}

void option_flags(struct mount_options *options, unsigned int set, unsigned int clear)
{
	options->view.mount_flags = (options->view.mount_flags & ~clear) | set;
	options->flags_set = (options->flags_set & ~clear) | set;
	options->flags_clear = ((options->flags_clear | clear) & ~set);
}

static int set_flags(struct mount_options *options, const struct option_row *row, const char *value,
		     struct pst_error *error)
{
	option_flags(options, row->set, row->clear);
	return 0;
}

static int set_bool(struct mount_options *options, const struct option_row *row, const char *value,
		    struct pst_error *error)
{
	*(bool *)member(options, row) = true;
	return 0;
}

static int set_byte(struct mount_options *options, const struct option_row *row, const char *value,
		    struct pst_error *error)
{
	*(uint8_t *)member(options, row) = row->max;
	return 0;
}

static int set_string(struct mount_options *options, const struct option_row *row,
		      const char *value, struct pst_error *error)
{
	char **string = member(options, row);
	char *copy;

	if (!*value)
		return error_set(error, -EINVAL, "option %s: the value is empty", row->name);
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*string);
	*string = copy;
	return 0;
}

/* Filters add up: each runs behind those that were named before it. */
static int add_filter(struct mount_options *options, const struct option_row *row,
		      const char *value, struct pst_error *error)
{
	char **filters, *copy;

	if (!*value)
		return error_set(error, -EINVAL,
				 "option filter: it takes a filter's name or file, such as hide");
	filters = realloc(options->filters, (options->n_filters + 2) * sizeof(*filters));
	if (!filters)
		return -ENOMEM;
	options->filters = filters;
	filters[options->n_filters] = NULL;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	filters[options->n_filters++] = copy;
	filters[options->n_filters] = NULL;
	return 0;
}

static int set_number(struct mount_options *options, const struct option_row *row,
		      const char *value, struct pst_error *error)
{
	uint64_t number;

	if (!parse_number(value, 10, &number) || number < row->min || number > row->max)
		return error_set(error, -EINVAL, "option %s=%s: it takes a number from %llu to %llu",
				 row->name, value, (unsigned long long)row->min,
				 (unsigned long long)row->max);
	*(unsigned int *)member(options, row) = number;
	return 0;
}

/* Says which words there are, and which of them was meant: of "ttl=SECONDS" the part before the '='. */
static int refuse_word(const struct option_row *row, const char *value, struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	char names[128] = "", written[64], word[64];
	const char *meant = "";
	size_t n = 0;

	snprintf(written, sizeof(written), "%.*s", (int)strcspn(value, "="), value);
	for (const struct choice *c = row->choices; c->name; c++) {
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(c->name, "="), c->name);
		suggest_try(&suggestion, written, word);
		if (strcmp(suggestion.word, word) == 0)
			meant = c->name;
		n += snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", c->name);
	}
	return error_set(error, -EINVAL, "option %s=%s: %s%s%sit takes one of %s", row->name, value,
			 *meant ? "did you mean \"" : "", meant, *meant ? "\"? " : "", names);
}

static int set_choice(struct mount_options *options, const struct option_row *row,
		      const char *value, struct pst_error *error)
{
	for (const struct choice *c = row->choices; c->name; c++) {
		if (strcmp(c->name, value) == 0) {
			*(int *)member(options, row) = c->value;
			return 0;
		}
	}
	return refuse_word(row, value, error);
}

/* How libfuse's users say it: three timeouts. The shortest says how much a promise is worth. */
static int set_timeout(struct mount_options *options, const struct option_row *row,
		       const char *value, struct pst_error *error)
{
	uint64_t ns;

	if (!parse_seconds(value, &ns))
		return error_set(error, -EINVAL,
				 "option %s=%s: it takes seconds, such as 1 or 0.25", row->name,
				 value);
	if (!options->ttl_from_timeouts || ns < options->view.ttl_ns)
		options->view.ttl_ns = ns;
	options->view.cache = PST_CACHE_TTL;
	options->ttl_from_timeouts = true;
	return 0;
}

static int set_cache(struct mount_options *options, const struct option_row *row, const char *value,
		     struct pst_error *error)
{
	uint64_t ns;

	options->ttl_from_timeouts = false;
	if (strncmp(value, "ttl=", 4) != 0)
		return set_choice(options, row, value, error);
	if (!parse_seconds(value + 4, &ns))
		return error_set(error, -EINVAL,
				 "option cache=%s: ttl= takes seconds, such as ttl=1 or ttl=0.25",
				 value);
	options->view.cache = PST_CACHE_TTL;
	options->view.ttl_ns = ns;
	return 0;
}

static int set_log(struct mount_options *options, const struct option_row *row, const char *value,
		   struct pst_error *error)
{
	options->log_chosen = true;
	return set_choice(options, row, value, error);
}

static int set_subtype(struct mount_options *options, const struct option_row *row,
		       const char *value, struct pst_error *error)
{
	if (strcmp(value, "penstock") == 0)
		return 0;
	return error_set(error, -EINVAL, "option %s=%s: a view is always of type fuse.penstock",
			 row->name, value);
}

/* libfuse's word for it. */
static int set_uring(struct mount_options *options, const struct option_row *row, const char *value,
		     struct pst_error *error)
{
	options->view.transport = PST_TRANSPORT_URING;
	return 0;
}

static const struct choice passthrough_choices[] = {
	{ "auto", PST_PASSTHROUGH_AUTO },
	{ "on", PST_PASSTHROUGH_ON },
	{ "off", PST_PASSTHROUGH_OFF },
	{ NULL, 0 },
};

/* ttl= is looked at before; PST_CACHE_TTL as a word of its own has no time. */
static const struct choice cache_choices[] = {
	{ "auto", PST_CACHE_AUTO },
	{ "none", PST_CACHE_NONE },
	{ "exclusive", PST_CACHE_EXCLUSIVE },
	{ "ttl=SECONDS", PST_CACHE_TTL },
	{ NULL, 0 },
};

static const struct choice locks_choices[] = {
	{ "local", PST_LOCKS_LOCAL },
	{ "lower", PST_LOCKS_LOWER },
	{ NULL, 0 },
};

static const struct choice xattr_choices[] = {
	{ "on", PST_XATTR_ON },
	{ "off", PST_XATTR_OFF },
	{ NULL, 0 },
};

static const struct choice opendir_choices[] = {
	{ "on", PST_OPENDIR_ON },
	{ "off", PST_OPENDIR_OFF },
	{ NULL, 0 },
};

static const struct choice xdev_choices[] = {
	{ "cross", PST_XDEV_CROSS },
	{ "hide", PST_XDEV_HIDE },
	{ NULL, 0 },
};

static const struct choice pseudo_choices[] = {
	{ "hide", PST_PSEUDO_HIDE },
	{ "show", PST_PSEUDO_SHOW },
	{ NULL, 0 },
};

static const struct choice transport_choices[] = {
	{ "auto", PST_TRANSPORT_AUTO },
	{ "uring", PST_TRANSPORT_URING },
	{ "dev", PST_TRANSPORT_DEV },
	{ NULL, 0 },
};

static const struct choice log_choices[] = {
	{ "error", PST_LOG_ERROR },
	{ "warning", PST_LOG_WARNING },
	{ "info", PST_LOG_INFO },
	{ "debug", PST_LOG_DEBUG },
	{ NULL, 0 },
};

#define VIEW(member) .offset = offsetof(struct mount_options, view.member)
#define OWN(member) .offset = offsetof(struct mount_options, member)
#define ATIME (PST_MOUNT_NOATIME | PST_MOUNT_STRICTATIME | PST_MOUNT_RELATIME)

/* clang-format off */
static const struct option_row rows[] = {
	/* data and attributes */
	{ "passthrough", set_choice, "auto|on|off", "reads and writes in the kernel (auto)",
	  VIEW(passthrough), .choices = passthrough_choices },
	{ "cache", set_cache, "auto|none|exclusive|ttl=SECONDS", "how long the kernel caches (auto)",
	  VIEW(cache), .choices = cache_choices },
	{ "locks", set_choice, "local|lower", "where locks are kept (local)",
	  VIEW(locks), .choices = locks_choices },
	{ "xattr", set_choice, "on|off", "extended attributes and ACLs (on)",
	  VIEW(xattr), .choices = xattr_choices },
	{ "opendir", set_choice, "on|off", "telling of opened directories (on)",
	  VIEW(opendir), .choices = opendir_choices },
	{ "handles", set_string, "FILE", "file handles outlive the mount, with the key in FILE",
	  OWN(handles) },
	{ "xdev", set_choice, "cross|hide", "file systems mounted below LOWER (cross)",
	  VIEW(xdev), .choices = xdev_choices },
	{ "pseudo", set_choice, "hide|show", "proc, sysfs, cgroup and their like (hide)",
	  VIEW(pseudo), .choices = pseudo_choices },
	{ "idmap", set_byte, NULL, "allow idmapped mounts of the view",
	  VIEW(idmap), .max = 1 },
	{ "attr_timeout", set_timeout, "SECONDS", "the least of the three is cache=ttl" },
	{ "entry_timeout", set_timeout, "SECONDS", "likewise" },
	{ "negative_timeout", set_timeout, "SECONDS", "likewise" },

	/* what runs before and after operations */
	{ "filter", add_filter, "SPEC", "NAME|FILE[,option=value...]; several run in order" },

	/* who may do what */
	{ "ro", set_flags, NULL, "nothing can be changed through the view",
	  .set = PST_MOUNT_RDONLY },
	{ "rw", set_flags, NULL, NULL, .clear = PST_MOUNT_RDONLY },
	{ "nosuid", set_flags, NULL, "as in mount(8), like suid, nodev, dev, noexec, exec",
	  .set = PST_MOUNT_NOSUID },
	{ "suid", set_flags, NULL, NULL, .clear = PST_MOUNT_NOSUID },
	{ "nodev", set_flags, NULL, NULL, .set = PST_MOUNT_NODEV },
	{ "dev", set_flags, NULL, NULL, .clear = PST_MOUNT_NODEV },
	{ "noexec", set_flags, NULL, NULL, .set = PST_MOUNT_NOEXEC },
	{ "exec", set_flags, NULL, NULL, .clear = PST_MOUNT_NOEXEC },
	{ "nosymfollow", set_flags, NULL, "symbolic links of the view are not followed",
	  .set = PST_MOUNT_NOSYMFOLLOW },
	{ "symfollow", set_flags, NULL, NULL, .clear = PST_MOUNT_NOSYMFOLLOW },
	{ "sync", set_flags, NULL, "changes are on the disk before they return; no passthrough",
	  .set = PST_MOUNT_SYNC },
	{ "async", set_flags, NULL, NULL, .clear = PST_MOUNT_SYNC },
	{ "dirsync", set_flags, NULL, "likewise those of names alone", .set = PST_MOUNT_DIRSYNC },
	{ "noatime", set_flags, NULL, "as in mount(8), like relatime, strictatime, nodiratime",
	  .set = PST_MOUNT_NOATIME, .clear = ATIME },
	{ "atime", set_flags, NULL, NULL, .clear = PST_MOUNT_NOATIME },
	{ "relatime", set_flags, NULL, NULL, .set = PST_MOUNT_RELATIME, .clear = ATIME },
	{ "norelatime", set_flags, NULL, NULL, .clear = PST_MOUNT_RELATIME },
	{ "strictatime", set_flags, NULL, NULL, .set = PST_MOUNT_STRICTATIME, .clear = ATIME },
	{ "nostrictatime", set_flags, NULL, NULL, .clear = PST_MOUNT_STRICTATIME },
	{ "nodiratime", set_flags, NULL, NULL, .set = PST_MOUNT_NODIRATIME },
	{ "diratime", set_flags, NULL, NULL, .clear = PST_MOUNT_NODIRATIME },
	{ "allow_other", set_byte, NULL, "other users may enter the view (the default)",
	  VIEW(allow_other), .max = 1 },
	{ "noallow_other", set_byte, NULL, "only the mounting user may enter the view",
	  VIEW(allow_other), .max = 0 },

	/* the process */
	{ "fsname", set_string, "NAME", "first field of /proc/mounts (LOWER)",
	  OWN(fsname) },
	{ "subtype", set_subtype, "VALUE", NULL },
	{ "workers", set_number, "N", "threads that serve (one for each CPU)",
	  VIEW(n_workers), 1, 256 },
	{ "max_threads", set_number, "VALUE", NULL, VIEW(n_workers), 1, 256 },
	{ "pool", set_number, "N", "threads for what may block",
	  VIEW(n_pool), 1, 256 },
	{ "max_write", set_number, "BYTES", "data in one request (1M)",
	  VIEW(max_write), 4096, 16 << 20 },
	{ "fds", set_number, "N", "lower files to keep open (a quarter of RLIMIT_NOFILE)",
	  VIEW(fd_budget), 16, 1 << 24 },
	{ "log", set_log, "error|warning|info|debug", "what is worth a line (warning)",
	  OWN(log_level), .choices = log_choices },
	{ "transport", set_choice, "auto|uring|dev", "how requests come from the kernel (auto)",
	  VIEW(transport), .choices = transport_choices },
	{ "enable_uring", set_byte, NULL, "switch io_uring on for all FUSE mounts to come",
	  VIEW(enable_uring), .max = 1 },
	{ "enable-uring", set_byte, NULL, NULL, VIEW(enable_uring), .max = 1 },
	{ "uring_depth", set_number, "N", "io_uring: requests at a time for each CPU (2)",
	  VIEW(uring_depth), 1, 1024 },
	{ "io_uring", set_uring, NULL, NULL },
	{ "io_uring_q_depth", set_number, "VALUE", NULL, VIEW(uring_depth), 1, 1024 },
	{ "syslog", set_bool, NULL, "log to syslog in the foreground, too", OWN(syslog) },
};
/* clang-format on */

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct option_row *find(const char *name)
{
	for (size_t i = 0; i < N_ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

static int unknown(const struct mount_options *options, const char *name, struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;

	if (options->sloppy)
		return 0;
	for (size_t i = 0; i < N_ROWS; i++)
		suggest_try(&suggestion, name, rows[i].name);
	others_suggest(&suggestion, name);
	if (*suggestion.word)
		return error_set(error, -EINVAL, "there is no option \"%s\"; did you mean \"%s\"?",
				 name, suggestion.word);
	return error_set(error, -EINVAL,
			 "there is no option \"%s\"; `penstock mount --help` lists them", name);
}

/*
 * An option in a remount that is no flag of the mount. mount(8) hands on what stands in the list of
 * mounts, which is the kernel's, and in fstab, which is noted.
 */
static int keep(struct mount_options *options, const char *name)
{
	char *all;

	if (strcmp(name, "allow_other") == 0)
		return 0;
	if (asprintf(&all, "%s%s%s", options->kept ? options->kept : "", options->kept ? ", " : "", name) < 0)
		return -ENOMEM;
	free(options->kept);
	options->kept = all;
	return 0;
}

static int apply_in_remount(struct mount_options *options, const char *name, struct pst_error *error)
{
	static const char *const of_kernel[] = { "user_id", "group_id", "fd", "rootmode", "max_read", "blksize",
						 "subtype", "fsname", "default_permissions" };
	const struct option_row *row = find(name);

	for (size_t i = 0; i < sizeof(of_kernel) / sizeof(of_kernel[0]); i++)
		if (strcmp(name, of_kernel[i]) == 0)
			return 0;
	if (row && row->apply == set_flags && !((row->set | row->clear) & (PST_MOUNT_SYNC | PST_MOUNT_DIRSYNC)))
		return set_flags(options, row, NULL, error);
	return row ? keep(options, name) : others_apply(options, name, NULL, error);
}

int option_apply(struct mount_options *options, char *text, const char *next, bool *ret_used,
		 struct pst_error *error)
{
	char *value = strchr(text, '=');
	const struct option_row *row;

	if (value)
		*value++ = '\0';
	if (options->remount) {
		int r = apply_in_remount(options, text, error);

		return r > 0 ? unknown(options, text, error) : r;
	}
	row = find(text);
	if (!row) {
		int r = others_apply(options, text, value, error);

		return r > 0 ? unknown(options, text, error) : r;
	}
	if (!row->values && value)
		return error_set(error, -EINVAL, "option %s takes no value, but got \"%s\"", text,
				 value);
	if (row->values && !value) {
		if (!next)
			return error_set(error, -EINVAL, "option %s wants a value: %s=%s", text,
					 text, row->values);
		*ret_used = true;
	}
	return row->apply(options, row, value ? value : next, error);
}

void option_print_help(bool all)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct option_row *row = &rows[i];
		char left[64];

		if (!row->help && !all)
			continue;
		snprintf(left, sizeof(left), "%s%s%s", row->name, row->values ? "=" : "",
			 row->values ? row->values : "");
		printf("  %-32s %s\n", left, row->help ? row->help : "as others have it");
	}
	if (all)
		others_print_help();
}

bool option_words(size_t i, const char **ret_name, size_t word, const char **ret_word)
{
	if (i >= N_ROWS)
		return false;
	*ret_name = rows[i].name;
	*ret_word = NULL;
	for (size_t k = 0; rows[i].choices && rows[i].choices[k].name && k <= word; k++)
		*ret_word = k == word ? rows[i].choices[k].name : NULL;
	return true;
}

/* ---- what holds ---- */

/* The value of a choice or cache in words; false where it is the default. */
static bool show_choice(struct mount_options *options, struct mount_options *defaults,
			const struct option_row *row, char *buf, size_t size)
{
	int value = *(int *)member(options, row);

	if (row->apply == set_cache && value == PST_CACHE_TTL) {
		snprintf(buf, size, "ttl=%.9g", (double)options->view.ttl_ns / 1000000000);
		return true;
	}
	for (const struct choice *c = row->choices; c->name; c++)
		if (c->value == value)
			snprintf(buf, size, "%s", c->name);
	return value != *(int *)member(defaults, row);
}

/* "" for an option without a value; false where the option does not hold, or by default. */
static bool show(struct mount_options *options, struct mount_options *defaults,
		 const struct option_row *row, char *buf, size_t size)
{
	buf[0] = '\0';
	if (row->apply == set_flags)
		return row->set && (options->view.mount_flags & row->set) == row->set;
	if (row->apply == set_bool)
		return *(bool *)member(options, row);
	if (row->apply == set_byte)
		return *(uint8_t *)member(options, row) == row->max &&
		       *(uint8_t *)member(defaults, row) != row->max;
	if (row->choices)
		return show_choice(options, defaults, row, buf, size);
	if (row->apply == set_number) {
		snprintf(buf, size, "%u", *(unsigned int *)member(options, row));
		return *(unsigned int *)member(options, row);
	}
	if (row->apply == set_string && *(char **)member(options, row)) {
		snprintf(buf, size, "%s", *(char **)member(options, row));
		return true;
	}
	return false;
}

static void print_option(const char *name, const char *value)
{
	printf("%s%s", name, *value ? "=" : "");
	utf8_print(stdout, value);
	printf("\n");
}

void option_print(struct mount_options *options)
{
	_cleanup_(options_fini) struct mount_options defaults;
	char value[4096];

	options_init(&defaults);
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].help && show(options, &defaults, &rows[i], value, sizeof(value)))
			print_option(rows[i].name, value);
	for (size_t i = 0; i < options->n_filters; i++)
		print_option("filter", options->filters[i]);
}
