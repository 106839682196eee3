// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds the programs of an object. The name of a program's section determines when it runs:
 * "penstock/name", "penstock/pre/OP" or "penstock/post/OP", where OP is an operation or a group of
 * operations. If several programs match an operation, the program of the smallest group runs. No
 * state, no locks.
 */
#include "ebpf/program.h"
#include "util/log.h"
#include "util/suggest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PREFIX                      "penstock/"
#define BIT(opcode)                 (1ULL << (opcode))
#define OP_BIT(name, opcode, facts) | BIT(opcode)
#define OP_ROW(name, opcode, facts) { #name, BIT(opcode) },

#define READ_WRITE (BIT(FUSE_READ) | BIT(FUSE_WRITE))

/* From the largest group to single operations: a later row has precedence over an earlier one. */
static const struct group {
	const char *name;
	uint64_t ops;
} groups[] = {
	/* clang-format off */
	{ "any", (0 PST_OPS(OP_BIT)) & ~READ_WRITE },
	{ "changes", PST_OPS_THAT_CHANGE & ~READ_WRITE },
	PST_OPS(OP_ROW)
	{ "forget", BIT(FUSE_FORGET) },
	/* clang-format on */
};
#define N_GROUPS (sizeof(groups) / sizeof(groups[0]))

static const char *const kind_prefix[_FILTER_KINDS] = {
	[FILTER_PRE] = PREFIX "pre/",
	[FILTER_POST] = PREFIX "post/",
	[FILTER_NAME] = PREFIX "name",
};

/* The kind and operations of a program. */
struct place {
	enum filter_kind kind;
	unsigned int rank; /* the number of the row in groups[] */
	uint64_t ops;
};

static bool find_place(const char *section, struct place *ret_place)
{
	for (int kind = 0; kind < _FILTER_KINDS; kind++) {
		size_t len = strlen(kind_prefix[kind]);

		if (strncmp(section, kind_prefix[kind], len) != 0)
			continue;
		if (kind == FILTER_NAME) {
			*ret_place = (struct place){ .kind = kind, .ops = BIT(0) };
			return !section[len];
		}
		for (unsigned int i = 0; i < N_GROUPS; i++)
			/* No program can run before FORGET, because nothing can refuse it. */
			if (strcmp(section + len, groups[i].name) == 0 &&
			    (kind == FILTER_POST || groups[i].ops != BIT(FUSE_FORGET))) {
				*ret_place = (struct place){ kind, i, groups[i].ops };
				return true;
			}
	}
	return false;
}

/* Other names for operations, and the operation that each is part of. */
static const struct {
	const char *word, *op;
} synonyms[] = {
	{ "chmod", "setattr" },  { "chown", "setattr" }, { "truncate", "setattr" },
	{ "utimes", "setattr" }, { "stat", "getattr" },  { "exec", "open" },
	{ "close", "release" },  { "remove", "unlink" }, { "readdirplus", "readdir" },
	{ "rename2", "rename" }, { "setlkw", "setlk" },  { "copy_file_range", "copy" },
};

/* Finds the operation that the author probably meant by a word; "" if none is similar. */
static void find_op(const char *word, struct suggestion *op)
{
	for (size_t i = 0; i < sizeof(synonyms) / sizeof(synonyms[0]); i++)
		if (strcmp(word, synonyms[i].word) == 0) {
			snprintf(op->word, sizeof(op->word), "%s", synonyms[i].op);
			return;
		}
	for (unsigned int i = 0; i < N_GROUPS; i++)
		suggest_try(op, word, groups[i].name);
}

/*
 * Finds the section that the author probably meant. If the given section begins with the prefix of
 * a kind, only the operation after it is wrong.
 */
static void find_suggestion(const char *section, struct suggestion *suggestion)
{
	for (int kind = 0; kind < FILTER_NAME; kind++) {
		size_t len = strlen(kind_prefix[kind]);
		struct suggestion op = SUGGESTION_INIT;

		if (strncmp(section, kind_prefix[kind], len) != 0) {
			for (unsigned int i = 0; i < N_GROUPS; i++) {
				char candidate[64];

				snprintf(candidate, sizeof(candidate), "%s%s", kind_prefix[kind],
					 groups[i].name);
				suggest_try(suggestion, section, candidate);
			}
			continue;
		}
		find_op(section + len, &op);
		*suggestion = (struct suggestion)SUGGESTION_INIT;
		if (*op.word)
			snprintf(suggestion->word, sizeof(suggestion->word), "%s%.40s",
				 kind_prefix[kind], op.word);
		return;
	}
	suggest_try(suggestion, section, kind_prefix[FILTER_NAME]);
}

static int refuse(const struct bpf_program *program, const char *section, struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;

	find_suggestion(section, &suggestion);
	return error_set(error, -EINVAL,
			 "the program %.60s is in section \"%.100s\"%s%s%s; valid are only "
			 "\"penstock/pre/OPERATION\", \"penstock/post/OPERATION\" and "
			 "\"penstock/name\"",
			 bpf_program__name(program), section,
			 *suggestion.word ? ", perhaps for \"" : "", suggestion.word,
			 *suggestion.word ? "\"" : "");
}

int programs_find(const struct object *object, uint64_t ops, struct programs *ret_programs,
		  struct pst_error *error)
{
	unsigned int rank[_FILTER_KINDS][OP_MAX];
	struct programs programs = { 0 };
	struct bpf_program *program;
	unsigned int n = 0;

	bpf_object__for_each_program(program, object->bpf) {
		const char *section = bpf_program__section_name(program);
		struct place place;

		if (!find_place(section, &place))
			return refuse(program, section, error);
		n++;
		if (place.kind != FILTER_NAME)
			place.ops &= ops | BIT(FUSE_FORGET);
		if (!place.ops)
			bpf_program__set_autoload(program, false);
		/* bpf(2) runs only programs of this type, and they must be allowed to sleep. */
		bpf_program__set_type(program, BPF_PROG_TYPE_SYSCALL);
		bpf_program__set_flags(program, BPF_F_SLEEPABLE);
		for (unsigned int op = 0; op < OP_MAX; op++) {
			struct bpf_program **other = &programs.program[place.kind][op];

			if (!(place.ops & BIT(op)))
				continue;
			if (*other && rank[place.kind][op] == place.rank)
				return error_set(
					error, -EINVAL,
					"the object has two programs in section \"%.100s\", %.60s "
					"and %.60s: only one can run",
					section, bpf_program__name(*other),
					bpf_program__name(program));
			if (*other && rank[place.kind][op] > place.rank)
				continue;
			*other = program;
			rank[place.kind][op] = place.rank;
		}
	}
	if (!n)
		return error_set(error, -EINVAL,
				 "the object has no programs, so the filter "
				 "would do nothing: define one with PST_PRE(), "
				 "PST_POST() or PST_NAME()");
	*ret_programs = programs;
	return 0;
}

const char *program_name(const struct bpf_program *program)
{
	return bpf_program__section_name(program) + strlen(PREFIX);
}
