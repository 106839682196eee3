// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The verifier's log, made short for who wrote the program.
 *
 * The log is a walk through the program: register states, instructions and, in lines that begin
 * with ';', the C source they come from. The reason is the last line that is none of these, and the
 * culprit the last source line before it. Of a long walk only the end may be there.
 */
#include "ebpf/reason.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PAST_THE_END                                                                               \
	"an access may reach past the end: compare the offset with a constant right before it, "   \
	"and use pst_data() for data"
#define ENDLESS                                                                                    \
	"a loop whose end the verifier does not see: use bpf_loop() or a constant number of turns"
#define TOO_LONG                                                                                   \
	"the verifier walks every turn of a loop, on every path: use bpf_loop(), or "              \
	"pst_data_each() for data"
#define NO_POINTER                                                                                 \
	"the verifier takes this for a number, not for a pointer: pointers cannot be computed "    \
	"from integers or kept in maps"
#define NO_HELPER "programs of this kind do not have that helper, or not with this kernel"

/* What a phrase in the verifier's reason usually comes from. The first that fits is taken. */
static const struct {
	const char *phrase, *hint;
} hints[] = {
	{ "mem access 'map_value_or_null'",
	  "what a lookup in a map returns may be NULL: check it first" },
	{ "mem access 'mem_or_null'", "this may be NULL: check it first" },
	{ "At callback return",
	  "what bpf_loop() calls returns 0 to go on or 1 to stop, nothing else" },
	{ "expected=fp",
	  "what is handed on to the function that bpf_loop() calls lies on the stack: "
	  "a struct of pointers, say" },
	{ "unbounded", "an offset or length has no known bound: compare it with a constant right "
		       "before its use, or take pst_data() for data" },
	{ "min value is negative", "a signed number may be below zero here: make it unsigned, or "
				   "check that it is not" },
	{ "pointer be out of bounds", PAST_THE_END },
	{ "invalid access to map value", PAST_THE_END },
	{ "invalid access to memory", PAST_THE_END },
	{ "outside of the allowed memory range", PAST_THE_END },
	{ "outside of the array range", PAST_THE_END },
	{ "write into map forbidden", "constants, options among them, cannot be written to" },
	{ "stack size", "the stack has 512 bytes for all functions together: keep what is large in "
			"pst_room(), or in a map" },
	{ "program is too large", TOO_LONG },
	{ "too complex", TOO_LONG },
	{ "back-edge", ENDLESS },
	{ "infinite loop", ENDLESS },
	{ "stack", "the stack has 512 bytes for all functions together, and is read only where it "
		   "was written: keep large things in a map, and initialise all of a struct" },
	{ "!read_ok", "a variable is used on a path where nothing was stored in it" },
	{ "mem access 'scalar'", NO_POINTER },
	{ "mem access 'inv'", NO_POINTER },
	{ "unknown func", NO_HELPER },
	{ "invalid func", NO_HELPER },
	{ "cannot use helper", NO_HELPER },
	{ "GPL", "the object's licence is not the one that PST_FILTER() declares" },
	{ "leepable", "programs of filters may sleep, and then not all kinds of maps can be used: "
		      "arrays and hashes can" },
	{ "pointer arithmetic",
	  "pointers can be moved by bounded amounts only, and not be combined" },
	{ "unreachable insn", "code that can never be reached, often after an endless loop" },
	{ "CAP_PERFMON", "the process lacks CAP_PERFMON" },
	{ "pointer comparison prohibited", "the process lacks CAP_PERFMON" },
};

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

/* "; call->data[i] = 0; @ hide.bpf.c:12", of older kernels without what begins at the '@'. */
static void copy_source(const char *line, size_t len, struct reason *reason)
{
	const char *at = memmem(line, len, " @ ", 3), *end = line + len;
	size_t blank = strspn(line, "; \t");

	snprintf(reason->source, sizeof(reason->source), "%.*s",
		 (int)((at ? at : end) - line - blank), line + blank);
	snprintf(reason->where, sizeof(reason->where), "%s%.*s%s", at ? " (" : "",
		 at ? (int)(end - at - 3) : 0, at ? at + 3 : "", at ? ")" : "");
}

bool reason_find(const char *log, struct reason *ret_reason)
{
	struct reason reason = { 0 };
	const char *source = NULL, *next;

	for (const char *line = log; *line; line = next) {
		size_t len = strcspn(line, "\n");

		next = line + len + (line[len] != '\0');
		if (*line == ';')
			source = line;
		if (is_step(line))
			continue;
		snprintf(reason.text, sizeof(reason.text), "%.*s", (int)len, line);
		if (source)
			copy_source(source, strcspn(source, "\n"), &reason);
	}
	*ret_reason = reason;
	return *reason.text;
}

const char *reason_hint(const struct reason *reason)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
		if (strstr(reason->text, hints[i].phrase))
			return hints[i].hint;
	return NULL;
}
