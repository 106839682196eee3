// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The options of a mount: one row for each, with its name, what it does, what its value looks like
 * and what the help says of it.
 *
 * Nothing is dropped in silence that a user could miss: what is passed over stands in the table
 * with the reason, and so does what is refused.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/option-table.h"
#include "util/log.h"

struct choice {
	const char *name;
	int value;
};

struct option_row {
	const char *name;		/* first: cmd_nearest() looks here */
	int (*apply)(struct mount_options *options, const struct option_row *row, const char *value,
		     struct pst_error *error);
	const char *values;		/* what its value looks like; NULL: it takes none */
	const char *help;		/* NULL: not listed; for refuse(): why */
	size_t offset;			/* of the member that is set */
	uint64_t min, max;		/* of a number; max is what a flag sets */
	unsigned int set, clear;	/* bits of mount_flags */
	const struct choice *choices;
	bool loose;			/* comes with a value or without */
};

static void *member(struct mount_options *options, const struct option_row *row)
{
	return (char *)options + row->offset;
}

static int set_flags(struct mount_options *options, const struct option_row *row, const char *value,
		     struct pst_error *error)
{
	options->view.mount_flags &= ~row->clear;
	options->view.mount_flags |= row->set;
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

/* A whole number, with K, M or G behind it if need be. */
static int set_number(struct mount_options *options, const struct option_row *row,
		      const char *value, struct pst_error *error)
{
	static const struct choice units[] = { { "", 0 }, { "K", 10 }, { "M", 20 }, { "G", 30 } };
	unsigned long long number;
	char *end = NULL;

	errno = 0;
	number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || errno)
		goto refuse;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(end, units[i].name) != 0 || number > row->max >> units[i].value)
			continue;
		number <<= units[i].value;
		if (number < row->min)
			goto refuse;
		*(unsigned int *)member(options, row) = number;
		return 0;
	}
refuse:
	return error_set(error, -EINVAL, "option %s=%s: it takes a number from %llu to %llu",
			 row->name, value, (unsigned long long)row->min,
			 (unsigned long long)row->max);
}

static int set_choice(struct mount_options *options, const struct option_row *row,
		      const char *value, struct pst_error *error)
{
	char names[128] = "";
	size_t n = 0;

	for (const struct choice *c = row->choices; c->name; c++) {
		if (strcmp(c->name, value) == 0) {
			*(int *)member(options, row) = c->value;
			return 0;
		}
		n += snprintf(names + n, sizeof(names) - n, "%s%s", n ? ", " : "", c->name);
	}
	return error_set(error, -EINVAL, "option %s=%s: it takes one of %s", row->name, value,
			 names);
}

/* Seconds with a fraction, as in "0.25", into nanoseconds; no locale has a say in it. */
static int parse_seconds(const char *text, uint64_t *ret_ns)
{
	const uint64_t max = 1000000000;
	uint64_t seconds = 0, ns = 0, unit = 100000000;
	const char *p = text;

	for (; *p >= '0' && *p <= '9'; p++) {
		seconds = seconds * 10 + (*p - '0');
		if (seconds > max)
			return -ERANGE;
	}
	if (*p == '.') {
		for (p++; *p >= '0' && *p <= '9'; p++, unit /= 10)
			ns += (*p - '0') * unit;
	}
	/* A lone "." has no digits at all. */
	if (*p || p == text || (p == text + 1 && *text == '.'))
		return -EINVAL;
	*ret_ns = seconds * 1000000000 + ns;
	return 0;
}

/* How libfuse's users say it: three timeouts. The shortest says how much a promise is worth. */
static int set_timeout(struct mount_options *options, const struct option_row *row,
		       const char *value, struct pst_error *error)
{
	uint64_t ns;

	if (parse_seconds(value, &ns) < 0)
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
	if (strcmp(value, "auto") == 0) {
		options->view.cache = PST_CACHE_AUTO;
		return 0;
	}
	if (strcmp(value, "none") == 0) {
		options->view.cache = PST_CACHE_NONE;
		return 0;
	}
	if (strcmp(value, "exclusive") == 0) {
		options->view.cache = PST_CACHE_EXCLUSIVE;
		return 0;
	}
	if (strncmp(value, "ttl=", 4) == 0 && parse_seconds(value + 4, &ns) == 0) {
		options->view.cache = PST_CACHE_TTL;
		options->view.ttl_ns = ns;
		return 0;
	}
	return error_set(error, -EINVAL, "option cache=%s: it takes auto, none, exclusive or ttl=SECONDS",
			 value);
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

static int ignore(struct mount_options *options, const struct option_row *row, const char *value,
		  struct pst_error *error)
{
	return 0;
}

static int refuse(struct mount_options *options, const struct option_row *row, const char *value,
		  struct pst_error *error)
{
	return error_set(error, -EINVAL, "option %s: %s", row->name, row->help);
}

static const struct choice passthrough_choices[] = {
	{ "auto", PST_PASSTHROUGH_AUTO },
	{ "on", PST_PASSTHROUGH_ON },
	{ "off", PST_PASSTHROUGH_OFF },
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
	{ "cache", set_cache, "auto|none|exclusive|ttl=SECONDS", "trust in what was seen (auto)" },
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
	{ "private", set_byte, NULL, "only the mounting user may enter the view",
	  VIEW(allow_other), .max = 0 },
	{ "default_permissions", ignore, NULL, NULL },		/* always on */

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
	{ "uring_depth", set_number, "N", "io_uring: requests at a time for each CPU (4)",
	  VIEW(uring_depth), 1, 1024 },
	{ "io_uring", set_uring, NULL, NULL },
	{ "io_uring_q_depth", set_number, "VALUE", NULL, VIEW(uring_depth), 1, 1024 },
	{ "syslog", set_bool, NULL, "log to syslog in the foreground, too", OWN(syslog) },
	{ "clone_fd", ignore, NULL, NULL },	/* always on */

	/* what fstab, mount(8) and systemd write for themselves */
	{ "defaults", ignore, NULL, NULL },
	{ "auto", ignore, NULL, NULL },
	{ "noauto", ignore, NULL, NULL },
	{ "user", ignore, NULL, NULL, .loose = true },
	{ "nouser", ignore, NULL, NULL },
	{ "users", ignore, NULL, NULL },
	{ "owner", ignore, NULL, NULL },
	{ "group", ignore, NULL, NULL },
	{ "nofail", ignore, NULL, NULL },
	{ "_netdev", ignore, NULL, NULL },
	{ "comment", ignore, "VALUE", NULL },
	{ "loud", ignore, NULL, NULL },
	{ "silent", ignore, NULL, NULL },

	/* what the lower file system decides: writes are as synchronous as they are there */
	{ "sync", ignore, NULL, NULL },
	{ "async", ignore, NULL, NULL },
	{ "dirsync", ignore, NULL, NULL },
	{ "lazytime", ignore, NULL, NULL },
	{ "nolazytime", ignore, NULL, NULL },
	{ "iversion", ignore, NULL, NULL },
	{ "noiversion", ignore, NULL, NULL },
	{ "mand", ignore, NULL, NULL },
	{ "nomand", ignore, NULL, NULL },

	/* what people may try, and why not */
	{ "allow_root", refuse, NULL,
	  "the kernel knows only \"everybody\" (allow_other) and \"the mounting user\" (private)" },
	{ "remount", refuse, NULL,
	  "a mounted view keeps its options; unmount it and mount it again" },
	{ "auto_unmount", refuse, NULL,
	  "it takes a helper process; put `umount -l` into the unit that starts the view" },
	{ "direct_io", refuse, NULL, "whether data is cached is decided file by file" },
	{ "kernel_cache", refuse, NULL, "say cache=exclusive" },
	{ "auto_cache", refuse, NULL, "say cache=auto, which is the default" },
};
/* clang-format on */

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct option_row *find(const char *name)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

static int unknown(const struct mount_options *options, const char *name, struct pst_error *error)
{
	const char *near;

	if (options->sloppy)
		return 0;
	near = cmd_nearest(name, rows, N_ROWS, sizeof(rows[0]));
	if (near)
		return error_set(error, -EINVAL, "there is no option \"%s\"; did you mean \"%s\"?",
				 name, near);
	return error_set(error, -EINVAL,
			 "there is no option \"%s\"; `penstock mount --help` lists them", name);
}

int option_apply(struct mount_options *options, char *text, const char *next, bool *ret_used,
		 struct pst_error *error)
{
	char *value = strchr(text, '=');
	const struct option_row *row;

	if (value)
		*value++ = '\0';
	/* Options for other programs, by the convention of fstab(5). */
	if (strncmp(text, "x-", 2) == 0 || strncmp(text, "X-", 2) == 0)
		return 0;
	row = find(text);
	if (!row)
		return unknown(options, text, error);

	if (!row->values && value && !row->loose)
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

void option_print_help(void)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		const struct option_row *row = &rows[i];
		char left[64];

		if (!row->help || row->apply == refuse)
			continue;
		snprintf(left, sizeof(left), "%s%s%s", row->name, row->values ? "=" : "",
			 row->values ? row->values : "");
		printf("  %-32s %s\n", left, row->help);
	}
}
