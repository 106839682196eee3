// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds in the verifier's log the reason why it has refused a program, for the author of the
 * program. No state, no locks.
 *
 * The log lists the steps of the verifier: register states, instructions and, in lines that begin
 * with ';', the C source of the instructions. The reason is the last line that is not one of these,
 * and the last source line before the reason is its place. A long log may have lost its beginning.
 */
#include "ebpf/reason.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PAST_THE_END                                                                               \
	"an access may go past the end: compare the offset with a constant right before it, "      \
	"and use pst_data() for data"
#define ENDLESS "the verifier cannot prove that this loop ends: use bpf_loop() or a constant count"
#define TOO_LONG                                                                                   \
	"the verifier checks each iteration of a loop on each path, and gives up after too many: " \
	"use bpf_loop(), or pst_data_each() for data"
#define NO_POINTER                                                                                 \
	"for the verifier this is a number, not a pointer: pointers cannot be computed from "      \
	"integers or kept in maps"
#define NO_HELPER "this kernel does not have that helper, or not for programs of this kind"

/* The usual mistake that causes a reason with this phrase. The first row that matches counts. */
static const struct {
	const char *phrase, *hint;
} hints[] = {
	{ "mem access 'map_value_or_null'",
	  "the result of a lookup in a map may be NULL: check it first" },
	{ "mem access 'mem_or_null'", "this may be NULL: check it first" },
	{ "At callback return",
	  "the function that bpf_loop() calls must return 0 to continue or 1 to stop" },
	{ "expected=fp",
	  "the argument for the function that bpf_loop() calls must be on the stack: "
	  "put pointers into a struct there" },
	{ "unbounded", "an offset or length has no known bound: compare it with a constant right "
		       "before its use, or use pst_data() for data" },
	{ "min value is negative", "a signed number may be negative here: make it unsigned, or "
				   "check it first" },
	{ "pointer be out of bounds", PAST_THE_END },
	{ "invalid access to map value", PAST_THE_END },
	{ "invalid access to memory", PAST_THE_END },
	{ "outside of the allowed memory range", PAST_THE_END },
	{ "outside of the array range", PAST_THE_END },
	{ "write into map forbidden", "constants, such as options, cannot be written to" },
	{ "stack size", "the stack has 512 bytes for all functions together: keep large things in "
			"pst_room() or in a map" },
	{ "program is too large", TOO_LONG },
	{ "too complex", TOO_LONG },
	{ "back-edge", ENDLESS },
	{ "infinite loop", ENDLESS },
	{ "stack", "the stack has 512 bytes for all functions together, and a program may read "
		   "only bytes that it has written: keep large things in a map, and "
		   "initialise each struct as a whole" },
	{ "!read_ok", "a variable is used on a path that does not set it" },
	{ "mem access 'scalar'", NO_POINTER },
	{ "mem access 'inv'", NO_POINTER },
	{ "unknown func", NO_HELPER },
	{ "invalid func", NO_HELPER },
	{ "cannot use helper", NO_HELPER },
	{ "GPL",
	  "the helper needs the licence that PST_FILTER() declares; the object has another" },
	{ "leepable", "programs of filters may sleep, so they can use only some kinds of maps, "
		      "such as arrays and hashes" },
	{ "pointer arithmetic", "only a number with known bounds can be added to a pointer" },
	{ "unreachable insn",
	  "the verifier refuses code that cannot be reached; often it follows an endless loop" },
	{ "CAP_PERFMON", "the process lacks CAP_PERFMON" },
	{ "pointer comparison prohibited", "the process lacks CAP_PERFMON" },
};

/* Returns whether a line of the log is a step, or a count of steps. */
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
		if (strncmp(line, steps[i], strlen(steps[i])) == 0)
			return true;
	/* "12: (85) call", and "12: R0=..." */
	while (isdigit((unsigned char)*p))
		p++;
	if (p > line && *p == ':')
		return true;
	/* " R0=scalar() R1=ctx" */
	return *line == ' ' || *line == '\t' || *line == '\n' || *line == ';';
}

static int length(const char *line, int max)
{
	int len = (int)strcspn(line, "\n");

	return len < max ? len : max;
}

/*
 * Appends a line of source to buf: "; call->data[i] = 0; @ hide.bpf.c:12". Older kernels end it
 * before the '@'.
 */
static void add_source(const char *line, char *buf, size_t size)
{
	size_t len = strlen(buf);
	const char *text = line + strspn(line, "; \t");
	const char *at = memmem(text, length(text, 4096), " @ ", 3);

	snprintf(buf + len, size - len, ", at `%.*s`%s%.*s%s",
		 at && at - text < 110 ? (int)(at - text) : length(text, 110), text, at ? " (" : "",
		 at ? length(at + 3, 60) : 0, at ? at + 3 : "", at ? ")" : "");
}

bool reason_find(const char *log, char *buf, size_t size)
{
	const char *reason = NULL, *source = NULL, *last_source = NULL, *hint = NULL, *next;
	size_t len;

	for (const char *line = log; *line; line = next) {
		next = strchrnul(line, '\n');
		next += *next != '\0';
		if (*line == ';')
			last_source = line;
		if (is_step(line))
			continue;
		reason = line;
		source = last_source;
	}
	if (!reason)
		return false;
	snprintf(buf, size, "%.*s", length(reason, 150), reason);
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]) && !hint; i++)
		if (strstr(buf, hints[i].phrase))
			hint = hints[i].hint;
	if (source)
		add_source(source, buf, size);
	len = strlen(buf);
	if (hint)
		snprintf(buf + len, size - len, ": %s", hint);
	return true;
}
