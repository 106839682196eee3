// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The options of a mount.
 *
 * One table has one row for each option: its name, whether it takes a value, what it does and what
 * the help says of it. The two spellings (`-o name=value` and `--name=value`) go through the same
 * row. Nothing is dropped in silence that a user could miss: what is passed over stands in the table
 * with the reason, and so does what is refused.
 *
 * Commas part options from each other, since mount(8) and fstab leave no choice; a backslash before
 * a comma (or a backslash) keeps it in the value. Options with several values part them by colons.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"
#include "cmd/options.h"
#include "util/cleanup.h"

enum takes {
	TAKES_NOTHING,
	TAKES_VALUE,
	TAKES_ANYTHING,			/* a value or none, we do not look */
};

struct choice {
	const char *name;
	int value;
};

struct row {
	const char *name;		/* first: cmd_nearest() looks here */
	enum takes takes;
	int (*apply)(struct mount_options *options, const struct row *row, const char *value,
		     struct pst_error *error);
	const char *help;		/* for refuse(): why; NULL: not listed */
	size_t offset;			/* of the member that is set */
	uint64_t min, max;		/* of a number; max is what a flag sets */
	unsigned int set, clear;	/* bits of mount_flags */
	const struct choice *choices;
};

static int fail(struct pst_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(struct pst_error *error, const char *format, ...)
{
	va_list args;

	error->code = -EINVAL;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -EINVAL;
}

static void *member(struct mount_options *options, const struct row *row)
{
	return (char *)options + row->offset;
}

static int set_flags(struct mount_options *options, const struct row *row, const char *value,
		     struct pst_error *error)
{
	options->view.mount_flags &= ~row->clear;
	options->view.mount_flags |= row->set;
	return 0;
}

static int set_bool(struct mount_options *options, const struct row *row, const char *value,
		    struct pst_error *error)
{
	*(bool *)member(options, row) = true;
	return 0;
}

static int set_byte(struct mount_options *options, const struct row *row, const char *value,
		    struct pst_error *error)
{
	*(uint8_t *)member(options, row) = row->max;
	return 0;
}

static int set_string(struct mount_options *options, const struct row *row, const char *value,
		      struct pst_error *error)
{
	char **string = member(options, row);
	char *copy;

	if (!*value)
		return fail(error, "option %s: the value is empty", row->name);
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	free(*string);
	*string = copy;
	return 0;
}

/* A whole number, with K, M or G behind it if need be. */
static int set_number(struct mount_options *options, const struct row *row, const char *value,
		      struct pst_error *error)
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
	return fail(error, "option %s=%s: it takes a number from %llu to %llu", row->name, value,
		    (unsigned long long)row->min, (unsigned long long)row->max);
}

static int set_choice(struct mount_options *options, const struct row *row, const char *value,
		      struct pst_error *error)
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
	return fail(error, "option %s=%s: it takes one of %s", row->name, value, names);
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

/* How libfuse's users say it: three timeouts. A promise is worth as much as the shortest of them. */
static int set_timeout(struct mount_options *options, const struct row *row, const char *value,
		       struct pst_error *error)
{
	uint64_t ns;

	if (parse_seconds(value, &ns) < 0)
		return fail(error, "option %s=%s: it takes seconds, such as 1 or 0.25", row->name,
			    value);
	if (!options->ttl_from_timeouts || ns < options->view.ttl_ns)
		options->view.ttl_ns = ns;
	options->view.cache = PST_CACHE_TTL;
	options->ttl_from_timeouts = true;
	return 0;
}

static int set_cache(struct mount_options *options, const struct row *row, const char *value,
		     struct pst_error *error)
{
	uint64_t ns;

	options->ttl_from_timeouts = false;
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
	return fail(error, "option cache=%s: it takes none, exclusive or ttl=SECONDS", value);
}

static int set_log(struct mount_options *options, const struct row *row, const char *value,
		   struct pst_error *error)
{
	options->log_chosen = true;
	return set_choice(options, row, value, error);
}

static int set_subtype(struct mount_options *options, const struct row *row, const char *value,
		       struct pst_error *error)
{
	if (strcmp(value, "penstock") == 0)
		return 0;
	return fail(error, "option %s=%s: a view is always of type fuse.penstock", row->name, value);
}

static int ignore(struct mount_options *options, const struct row *row, const char *value,
		  struct pst_error *error)
{
	return 0;
}

static int refuse(struct mount_options *options, const struct row *row, const char *value,
		  struct pst_error *error)
{
	return fail(error, "option %s: %s", row->name, row->help);
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

static const struct choice xdev_choices[] = {
	{ "cross", PST_XDEV_CROSS },
	{ "hide", PST_XDEV_HIDE },
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
static const struct row rows[] = {
	/* data and attributes */
	{ "passthrough", TAKES_VALUE, set_choice, "=auto|on|off  reads and writes in the kernel (auto)",
	  VIEW(passthrough), .choices = passthrough_choices },
	{ "cache", TAKES_VALUE, set_cache, "=none|exclusive|ttl=SECONDS  trust in what was seen (ttl=1)" },
	{ "locks", TAKES_VALUE, set_choice, "=local|lower  where locks are kept (local)",
	  VIEW(locks), .choices = locks_choices },
	{ "xdev", TAKES_VALUE, set_choice, "=cross|hide  file systems mounted below LOWER (cross)",
	  VIEW(xdev), .choices = xdev_choices },
	{ "idmap", TAKES_NOTHING, set_byte, "  allow idmapped mounts of the view",
	  VIEW(idmap), .max = 1 },
	{ "attr_timeout", TAKES_VALUE, set_timeout, "=SECONDS  the least of the three is cache=ttl" },
	{ "entry_timeout", TAKES_VALUE, set_timeout, "=SECONDS" },
	{ "negative_timeout", TAKES_VALUE, set_timeout, "=SECONDS" },

	/* who may do what */
	{ "ro", TAKES_NOTHING, set_flags, "  nothing can be changed through the view",
	  .set = PST_MOUNT_RDONLY },
	{ "rw", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_RDONLY },
	{ "nosuid", TAKES_NOTHING, set_flags, "  as in mount(8), like suid, nodev, dev, noexec, exec",
	  .set = PST_MOUNT_NOSUID },
	{ "suid", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_NOSUID },
	{ "nodev", TAKES_NOTHING, set_flags, NULL, .set = PST_MOUNT_NODEV },
	{ "dev", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_NODEV },
	{ "noexec", TAKES_NOTHING, set_flags, NULL, .set = PST_MOUNT_NOEXEC },
	{ "exec", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_NOEXEC },
	{ "nosymfollow", TAKES_NOTHING, set_flags, "  symbolic links of the view are not followed",
	  .set = PST_MOUNT_NOSYMFOLLOW },
	{ "symfollow", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_NOSYMFOLLOW },
	{ "noatime", TAKES_NOTHING, set_flags, "  as in mount(8), like relatime, strictatime, nodiratime",
	  .set = PST_MOUNT_NOATIME, .clear = ATIME },
	{ "atime", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_NOATIME },
	{ "relatime", TAKES_NOTHING, set_flags, NULL, .set = PST_MOUNT_RELATIME, .clear = ATIME },
	{ "norelatime", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_RELATIME },
	{ "strictatime", TAKES_NOTHING, set_flags, NULL, .set = PST_MOUNT_STRICTATIME, .clear = ATIME },
	{ "nostrictatime", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_STRICTATIME },
	{ "nodiratime", TAKES_NOTHING, set_flags, NULL, .set = PST_MOUNT_NODIRATIME },
	{ "diratime", TAKES_NOTHING, set_flags, NULL, .clear = PST_MOUNT_NODIRATIME },
	{ "allow_other", TAKES_NOTHING, set_byte, "  other users may enter the view (the default)",
	  VIEW(allow_other), .max = 1 },
	{ "private", TAKES_NOTHING, set_byte, "  only the mounting user may enter the view",
	  VIEW(allow_other), .max = 0 },
	{ "default_permissions", TAKES_NOTHING, ignore, NULL },		/* always on */

	/* the process */
	{ "fsname", TAKES_VALUE, set_string, "=NAME  first field of /proc/mounts (LOWER)",
	  OWN(fsname) },
	{ "subtype", TAKES_VALUE, set_subtype, NULL },
	{ "workers", TAKES_VALUE, set_number, "=N  threads that serve (one for each CPU)",
	  VIEW(n_workers), 1, 1024 },
	{ "max_threads", TAKES_VALUE, set_number, NULL, VIEW(n_workers), 1, 1024 },
	{ "pool", TAKES_VALUE, set_number, "=N  threads for what may block",
	  VIEW(n_pool), 1, 1024 },
	{ "max_write", TAKES_VALUE, set_number, "=BYTES  data in one request (1M)",
	  VIEW(max_write), 4096, 16 << 20 },
	{ "fds", TAKES_VALUE, set_number, "=N  lower files to keep open (half of RLIMIT_NOFILE)",
	  VIEW(fd_budget), 16, 1 << 24 },
	{ "log", TAKES_VALUE, set_log, "=error|warning|info|debug  what is worth a line (warning)",
	  OWN(log_level), .choices = log_choices },
	{ "syslog", TAKES_NOTHING, set_bool, "  log to syslog in the foreground, too", OWN(syslog) },
	{ "clone_fd", TAKES_NOTHING, ignore, NULL },			/* always on */

	/* what fstab, mount(8) and systemd write for themselves */
	{ "defaults", TAKES_NOTHING, ignore, NULL },
	{ "auto", TAKES_NOTHING, ignore, NULL },
	{ "noauto", TAKES_NOTHING, ignore, NULL },
	{ "user", TAKES_ANYTHING, ignore, NULL },
	{ "nouser", TAKES_NOTHING, ignore, NULL },
	{ "users", TAKES_NOTHING, ignore, NULL },
	{ "owner", TAKES_NOTHING, ignore, NULL },
	{ "group", TAKES_NOTHING, ignore, NULL },
	{ "nofail", TAKES_NOTHING, ignore, NULL },
	{ "_netdev", TAKES_NOTHING, ignore, NULL },
	{ "comment", TAKES_VALUE, ignore, NULL },
	{ "loud", TAKES_NOTHING, ignore, NULL },
	{ "silent", TAKES_NOTHING, ignore, NULL },

	/* what the lower file system decides: writes are as synchronous as they are there */
	{ "sync", TAKES_NOTHING, ignore, NULL },
	{ "async", TAKES_NOTHING, ignore, NULL },
	{ "dirsync", TAKES_NOTHING, ignore, NULL },
	{ "lazytime", TAKES_NOTHING, ignore, NULL },
	{ "nolazytime", TAKES_NOTHING, ignore, NULL },
	{ "iversion", TAKES_NOTHING, ignore, NULL },
	{ "noiversion", TAKES_NOTHING, ignore, NULL },
	{ "mand", TAKES_NOTHING, ignore, NULL },
	{ "nomand", TAKES_NOTHING, ignore, NULL },

	/* what people may try, and why not */
	{ "allow_root", TAKES_NOTHING, refuse,
	  "the kernel knows only \"everybody\" (allow_other) and \"the mounting user\" (private)" },
	{ "remount", TAKES_NOTHING, refuse,
	  "a mounted view keeps its options; unmount it and mount it again" },
	{ "auto_unmount", TAKES_NOTHING, refuse,
	  "it takes a helper process that stays; put `umount -l` into the unit that starts the view" },
	{ "io_uring", TAKES_NOTHING, refuse, "this version serves through /dev/fuse only" },
	{ "direct_io", TAKES_NOTHING, refuse, "whether data is cached is decided file by file" },
	{ "kernel_cache", TAKES_NOTHING, refuse, "say cache=exclusive" },
	{ "auto_cache", TAKES_NOTHING, refuse, "say cache=ttl=SECONDS" },
};
/* clang-format on */

#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *find_row(const char *name)
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
		return fail(error, "there is no option \"%s\"; did you mean \"%s\"?", name, near);
	return fail(error, "there is no option \"%s\"; `penstock mount --help` lists them", name);
}

/* Applies one option. next is what stands after it, for `--name value`; *ret_used says if it was. */
static int apply(struct mount_options *options, char *text, const char *next, bool *ret_used,
		 struct pst_error *error)
{
	char *value = strchr(text, '=');
	const struct row *row;

	if (value)
		*value++ = '\0';
	/* Options for other programs, by the convention of fstab(5). */
	if (strncmp(text, "x-", 2) == 0 || strncmp(text, "X-", 2) == 0)
		return 0;
	row = find_row(text);
	if (!row)
		return unknown(options, text, error);

	if (row->takes == TAKES_NOTHING && value)
		return fail(error, "option %s takes no value, but got \"%s\"", text, value);
	if (row->takes == TAKES_VALUE && !value) {
		if (!next)
			return fail(error, "option %s wants a value: %s=...", text, text);
		value = (char *)next;
		*ret_used = true;
	}
	return row->apply(options, row, value, error);
}

/* Takes the first option off a list in place: NULL at the end. */
static char *next_option(char **list)
{
	char *start = *list, *in = start, *out = start;

	if (!start)
		return NULL;
	for (; *in && *in != ','; in++) {
		if (*in == '\\' && (in[1] == ',' || in[1] == '\\'))
			in++;
		*out++ = *in;
	}
	*list = *in ? in + 1 : NULL;
	*out = '\0';
	return start;
}

static int parse_list(struct mount_options *options, const char *text, struct pst_error *error)
{
	_cleanup_(freep) char *copy = strdup(text);
	char *rest = copy, *option;
	int r;

	if (!copy)
		return -ENOMEM;
	while ((option = next_option(&rest))) {
		if (!*option)
			continue;
		r = apply(options, option, NULL, NULL, error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_long(struct mount_options *options, const char *text, const char *next,
		      bool *ret_used, struct pst_error *error)
{
	_cleanup_(freep) char *copy = NULL;

	if (strcmp(text, "help") == 0) {
		options->help = true;
		return 0;
	}
	if (strcmp(text, "foreground") == 0) {
		options->foreground = true;
		return 0;
	}
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	return apply(options, copy, next, ret_used, error);
}

static int parse_type(const char *type, struct pst_error *error)
{
	if (strcmp(type, "penstock") == 0 || strcmp(type, "fuse.penstock") == 0)
		return 0;
	return fail(error, "type %s: this is the helper for penstock and fuse.penstock", type);
}

/* A word that needs no value; 1 when it is not one of these. */
static int parse_flag(struct mount_options *options, enum options_dialect dialect, char flag)
{
	switch (flag) {
	case 'f':
		if (dialect == OPTIONS_HELPER)
			options->fake = true;
		else
			options->foreground = true;
		return 0;
	case 'd':
		options->foreground = true;
		if (!options->log_chosen)
			options->log_level = PST_LOG_DEBUG;
		return 0;
	case 'v':
		options->verbose = true;
		if (!options->log_chosen && options->log_level < PST_LOG_INFO)
			options->log_level = PST_LOG_INFO;
		return 0;
	case 's':
		options->sloppy = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'n':			/* there is no /etc/mtab of ours to leave alone */
		return 0;
	case 'r':
		options->view.mount_flags |= PST_MOUNT_RDONLY;
		return 0;
	case 'w':
		options->view.mount_flags &= ~PST_MOUNT_RDONLY;
		return 0;
	default:
		return 1;
	}
}

/* A bundle of short flags, `-sfn` or `-oro`; the last may take a value from here or from next. */
static int parse_short(struct mount_options *options, enum options_dialect dialect, const char *text,
		       const char *next, bool *ret_used, struct pst_error *error)
{
	static const struct row namespace = { "-N", .offset = offsetof(struct mount_options,
								       namespace) };

	for (const char *p = text; *p; p++) {
		const char *value = p[1] ? p + 1 : next;

		if (parse_flag(options, dialect, *p) == 0)
			continue;
		if (*p != 'o' && *p != 'N' && *p != 't')
			return fail(error, "there is no option \"-%c\"", *p);
		if (!value)
			return fail(error, "option -%c wants a value", *p);
		*ret_used = value == next;
		if (*p == 'o')
			return parse_list(options, value, error);
		if (*p == 't')
			return parse_type(value, error);
		return set_string(options, &namespace, value, error);
	}
	return 0;
}

static int parse_word(struct mount_options *options, const char *word, struct pst_error *error)
{
	char **target = !options->lower ? &options->lower : &options->mountpoint;

	if (options->mountpoint)
		return fail(error, "\"%s\" is one argument too many", word);
	*target = strdup(word);
	return *target ? 0 : -ENOMEM;
}

void options_init(struct mount_options *options)
{
	*options = (struct mount_options) {
		.view = PST_VIEW_OPTIONS_INIT,
		.log_level = PST_LOG_WARNING,
	};
}

void options_fini(struct mount_options *options)
{
	free(options->lower);
	free(options->mountpoint);
	free(options->fsname);
	free(options->namespace);
	options_init(options);
}

/* -s holds for all options, also for those before it: mount(8) puts it behind the paths. */
static bool has_sloppy(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (argv[i][0] == '-' && argv[i][1] != '-' && argv[i][1] != 'o' &&
		    argv[i][1] != 'N' && argv[i][1] != 't' && strchr(argv[i], 's'))
			return true;
		if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "-N") == 0 ||
		    strcmp(argv[i], "-t") == 0)
			i++;
	}
	return false;
}

int options_parse(struct mount_options *options, enum options_dialect dialect, int argc, char **argv,
		  struct pst_error *error)
{
	bool words_only = false;
	int r;

	*error = (struct pst_error) { 0 };
	options->sloppy = has_sloppy(argc, argv);

	for (int i = 1; i < argc; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		bool used = false;

		if (words_only || argv[i][0] != '-' || !argv[i][1])
			r = parse_word(options, argv[i], error);
		else if (strcmp(argv[i], "--") == 0)
			r = (words_only = true, 0);
		else if (argv[i][1] == '-')
			r = parse_long(options, argv[i] + 2, next, &used, error);
		else
			r = parse_short(options, dialect, argv[i] + 1, next, &used, error);
		if (r < 0)
			return r;
		i += used;
	}

	if (!options->help && !options->lower)
		return fail(error, "LOWER and MOUNTPOINT are missing");
	if (!options->help && !options->mountpoint)
		return fail(error, "MOUNTPOINT is missing");
	options->view.lower = options->lower;
	options->view.mountpoint = options->mountpoint;
	options->view.fsname = options->fsname;
	return 0;
}

void options_print_help(void)
{
	for (size_t i = 0; i < N_ROWS; i++) {
		if (rows[i].help && rows[i].apply != refuse)
			printf("  %s%s\n", rows[i].name, rows[i].help);
	}
}
