// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Why a filter was refused, in a line or two.
 *
 * The verifier's log is a walk through the program: register states, instructions and, in lines that
 * begin with ';', the C source they come from. The reason is the last line that is none of these, and
 * the culprit the last source line before it.
 */
#include "filter/explain.h"
#include "util/cleanup.h"
#include "util/fd.h"
#include "util/log.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LOG_BEGIN "-- BEGIN PROG LOAD LOG --"
#define LOG_END "-- END PROG LOAD LOG --"

/* What a phrase in the verifier's reason usually comes from. The first that fits is taken. */
static const struct {
	const char *phrase, *hint;
} hints[] = {
	{ "map_value_or_null", "what a lookup in a map returns may be NULL: check it first" },
	{ "At callback return",
	  "what bpf_loop() calls returns 0 to go on or 1 to stop, nothing else" },
	{ "unbounded", "an offset or length has no known bound: compare it with a constant right "
		       "before its use" },
	{ "min value is negative", "a signed number may be below zero here: make it unsigned, or "
				   "check that it is not" },
	{ "invalid access to map value",
	  "an access may reach past the end: compare the offset with "
	  "the size (call->data: pst_data_size) right before it" },
	{ "outside of the allowed memory range", "an access may reach past the end: compare the "
						 "offset with the size (call->data: pst_data_size) "
						 "right before it" },
	{ "outside of the array range", "an access may reach past the end: compare the index with "
					"the size right before it" },
	{ "write into map forbidden", "constants, options among them, cannot be written to" },
	{ "too large",
	  "the verifier walks every path through every turn of a loop: use bpf_loop(), "
	  "or split the program" },
	{ "too complex",
	  "the verifier walks every path through every turn of a loop: use bpf_loop(), "
	  "or split the program" },
	{ "back-edge", "a loop whose end the verifier does not see: use bpf_loop() or a constant "
		       "number of turns" },
	{ "infinite loop",
	  "a loop whose end the verifier does not see: use bpf_loop() or a constant "
	  "number of turns" },
	{ "stack", "the stack has 512 bytes for all functions together, and is read only where it "
		   "was written: keep large things in a map, and initialise all of a struct" },
	{ "!read_ok", "a variable is used on a path where nothing was stored in it" },
	{ "mem access 'scalar'",
	  "the verifier takes this for a number, not for a pointer: pointers "
	  "cannot be computed from integers or kept in maps" },
	{ "inv'", "the verifier takes this for a number, not for a pointer: pointers cannot be "
		  "computed from integers or kept in maps" },
	{ "unknown func", "this kernel does not have that helper for programs of this kind" },
	{ "program of this type cannot use helper",
	  "programs of this kind do not have that helper" },
	{ "pointer arithmetic",
	  "pointers can be moved by bounded amounts only, and not be combined" },
	{ "unreachable insn", "code that can never be reached, often after an endless loop" },
	{ "CAP_PERFMON", "the process lacks CAP_PERFMON" },
	{ "pointer comparison prohibited", "the process lacks CAP_PERFMON" },
};

static bool capable(int capability)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[CAP_TO_INDEX(capability)].effective & CAP_TO_MASK(capability);
}

/* BPF belongs to the machine: capabilities within a user namespace of one's own are not enough. */
static bool in_user_namespace(void)
{
	uint32_t inside, outside, count;
	char map[128];

	return fd_read_file("/proc/self/uid_map", map, sizeof(map)) > 0 &&
	       (sscanf(map, "%u %u %u", &inside, &outside, &count) != 3 || inside != 0 ||
		outside != 0 || count != UINT32_MAX);
}

int explain_eperm(const char *what, struct pst_error *error)
{
	bool bpf = capable(CAP_BPF), perfmon = capable(CAP_PERFMON);
	char lockdown[128] = "";

	fd_read_file("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	if (in_user_namespace())
		return error_set(
			error, -EPERM,
			"the kernel does not allow %s: this process is in a user namespace, "
			"where its capabilities do not count for BPF; run it outside",
			what);
	if (!capable(CAP_SYS_ADMIN) && !(bpf && perfmon))
		return error_set(
			error, -EPERM,
			"the kernel does not allow %s: this process lacks %s%s%s; run it as "
			"root, or with these capabilities or CAP_SYS_ADMIN",
			what, bpf ? "" : "CAP_BPF", bpf || perfmon ? "" : " and ",
			perfmon ? "" : "CAP_PERFMON");
	if (strstr(lockdown, "[integrity]") || strstr(lockdown, "[confidentiality]"))
		return error_set(error, -EPERM,
				 "the kernel does not allow %s although the process has the "
				 "capabilities: it is locked down (/sys/kernel/security/lockdown)",
				 what);
	return error_set(
		error, -EPERM,
		"the kernel does not allow %s although the process has the capabilities: a "
		"security module, a seccomp filter or the container's settings forbid bpf(2)",
		what);
}

int explain_open(const char *path, int error_number, struct pst_error *error)
{
	switch (-error_number) {
	case ENOENT:
	case EACCES:
	case ENOMEM:
		return error_set(error, error_number, "cannot open the filter %.300s: %s", path,
				 strerror(-error_number));
	default:
		return error_set(error, -EINVAL,
				 "%.300s is not an eBPF object as clang -target bpf makes it",
				 path);
	}
}

/* Whether a line of the log is a step of the walk, or says how long it was. */
static bool is_step(const char *line)
{
	static const char *const steps[] = {
		"processed ",  "verification time",
		"stack depth", "max_states_per_insn",
		"peak_states", "mark_read",
		"func#",       "arg#",
		"from ",       "last_idx",
		"regs=",       "parent ",
		"caller",      "callee",
		"frame",       "mark_precise",
		"cur state:",  "old state:",
		"libbpf: ",    "reg type unsupported",
	};
	const char *p = line;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!strncmp(line, steps[i], strlen(steps[i])))
			return true;
	/* "12: (85) call", and "12: R0=..." */
	while (isdigit((unsigned char)*p))
		p++;
	if (p > line && *p == ':')
		return true;
	/* " R0=scalar() R1=ctx" */
	return *line == ' ' || *line == '\t' || !*line || *line == ';';
}

struct reason {
	char text[160];	  /* the verifier's words */
	char source[120]; /* the line of C */
	char where[64];	  /* its file and number, which newer kernels say */
	char program[64]; /* name of the function */
};

/* "; call->data[i] = 0; @ hide.bpf.c:12", of older kernels without what begins at the '@'. */
static void copy_source(const char *line, struct reason *reason)
{
	const char *at = strstr(line, " @ ");

	line += strspn(line, "; \t");
	snprintf(reason->source, sizeof(reason->source), "%.*s",
		 at > line ? (int)(at - line) : (int)strlen(line), line);
	snprintf(reason->where, sizeof(reason->where), "%s%s%s", at ? " (" : "",
		 at ? at + strlen(" @ ") : "", at ? ")" : "");
}

/* Reads the last log of the verifier that there is. False: there is none. */
static bool find_reason(char *log, struct reason *ret_reason)
{
	struct reason reason = { 0 };
	char *source = NULL, *line, *begin = NULL, *at, *end;

	for (at = log; (at = strstr(at, LOG_BEGIN)); at++)
		begin = at;
	if (!begin)
		return false;
	/* "libbpf: prog 'NAME': -- BEGIN PROG LOAD LOG --" */
	for (at = begin; at > log && at[-1] != '\n';)
		at--;
	sscanf(at, "libbpf: prog '%63[^']'", reason.program);
	begin += strlen(LOG_BEGIN);
	end = strstr(begin, LOG_END);
	if (end)
		*end = '\0';
	while ((line = strsep(&begin, "\n"))) {
		if (*line == ';')
			source = line;
		if (is_step(line))
			continue;
		snprintf(reason.text, sizeof(reason.text), "%s", line);
		if (source)
			copy_source(source, &reason);
	}
	*ret_reason = reason;
	return true;
}

static const char *find_hint(const char *text)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strstr(text, hints[i].phrase))
			return hints[i].hint;
	return NULL;
}

/* What libbpf itself said first: the later messages only say that therefore more has failed. */
static void first_message(const char *log, char *buf, size_t size)
{
	const char *text = log && !strncmp(log, "libbpf: ", 8) ? log + 8 : log;

	snprintf(buf, size, "%.*s", text ? (int)strcspn(text, "\n") : 0, text ? text : "");
}

int explain_load(int error_number, const char *log, struct pst_error *error)
{
	_cleanup_(freep) char *copy = log ? strdup(log) : NULL;
	struct reason reason;
	const char *hint;
	char message[300];

	if (copy && find_reason(copy, &reason) && *reason.text) {
		hint = find_hint(reason.text);
		return error_set(
			error, error_number, "the verifier refuses %.60s: %.150s%s%.110s%s%s%s%s",
			*reason.program ? reason.program : "the filter", reason.text,
			*reason.source ? ", at `" : "", reason.source, *reason.source ? "`" : "",
			reason.where, hint ? ": " : "", hint ? hint : "");
	}
	if (error_number == -EPERM)
		return explain_eperm("loading a filter", error);
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, NULL) == 0)
		return error_set(error, -EOPNOTSUPP,
				 "this kernel has no programs of the kind that filters are "
				 "(BPF_PROG_TYPE_SYSCALL): filters need Linux 5.14 or newer");
	first_message(log, message, sizeof(message));
	return error_set(error, error_number, "the kernel refuses the filter: %s%s%s",
			 strerror(-error_number), *message ? ": " : "", message);
}
