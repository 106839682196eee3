/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef PENSTOCK_FILTER_BPF_H
#define PENSTOCK_FILTER_BPF_H
/*
 * The header of filters: eBPF programs that run before and after the operations of a view, and for
 * names.
 *
 *	#include <penstock/filter.bpf.h>
 *
 *	PST_FILTER(0, "nobody makes files executable");
 *
 *	PST_PRE(setattr, call)
 *	{
 *		if (call->in.setattr.valid & FATTR_MODE)
 *			call->in.setattr.mode &= ~0111;
 *		return PST_PASS;
 *	}
 *
 * Compile with: clang -O2 -g -target bpf -I/usr/include/$(uname -m)-linux-gnu -c X.bpf.c -o X.bpf.o
 *
 * It includes helpers for names (filter-names.bpf.h), for paths (filter-paths.bpf.h), for data and
 * listings (filter-data.bpf.h), and for owners and permissions (filter-attr.bpf.h).
 */
#include <asm/fcntl.h>
#include <linux/bpf.h>
#include <linux/stat.h>
#include <bpf/bpf_helpers.h>
#include <penstock/filter.h>

#ifndef ENOENT
#include <asm-generic/errno.h>
#endif

/* In in.open.flags: the caller executes the file. */
#define PST_OPEN_EXEC 0x20

/*
 * Declares the filter: flags (enum pst_filter_flag, or 0) and its purpose in one line. Each object
 * has exactly one.
 */
#define PST_FILTER(FLAGS, SUMMARY)                                                                 \
	const volatile struct pst_filter_info pst_filter = {                                       \
		.abi = PST_FILTER_ABI,                                                             \
		.flags = (FLAGS),                                                                  \
		.summary = SUMMARY,                                                                \
	};                                                                                         \
	char pst_license[] SEC("license") = "Dual BSD/GPL"

/*
 * Declares an option, which users set by its name: `--filter hide,names=*.key`. The initial value
 * is the default:
 *
 *	PST_OPTION(__u32, percent, "how many of a hundred calls fail") = 100;
 *	PST_OPTION(struct pst_names, names, "names and globs to hide");
 *
 * TYPE is an integer, _Bool, an array of char, struct pst_names, struct pst_ids, struct pst_paths,
 * struct pst_errno, struct pst_perms or struct pst_id_map; with <penstock/filter-rules.bpf.h> also
 * struct pst_rules.
 */
#define PST_OPTION(TYPE, NAME, HELP)                                                               \
	const volatile TYPE NAME __attribute__((btf_decl_tag("option: " HELP)))

/*
 * Options with fewer valid values than their type has. The engine refuses other values when it
 * loads the filter, and suggests the right word, so programs need not check them:
 *
 *	PST_ONE_OF(how, "blank values empty", "how text is hidden") = "blank";
 *	PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations (default: all)");
 *	PST_RANGE(__u32, depth, 1, 100, "the most directories above a file") = 100;
 *	PST_PERCENT(percent, "chance of a fault, in percent") = PST_PERCENT_ALL;
 *	PST_OPTION(struct pst_ids, uid, "users to report (default: all)") PST_TAKES("users");
 *	PST_OPTION(__s64, gid, "the group to show") PST_TAKES("groups") = -1;
 *
 * Blanks separate WORDS. A PST_ONE_OF() is an array of PST_WORD_SIZE chars. A PST_LIST_OF() is a
 * struct pst_names; each of its names must be one of the words, and each glob must match one. The
 * default need not be in the range. A PST_PERCENT() is above 0 and at most 100, with up to four
 * decimals, "0.1"; its unit is PST_PERCENT_ALL / 100. Several notes may follow one option:
 *
 *	PST_TAKES("users"), PST_TAKES("groups")	names of users or groups besides numbers
 *	PST_TAKES("not empty")			refuses an empty text
 *	PST_TAKES("random for percent part")	an integer; a random one unless the option is
 *						given; for these other options
 *	PST_TAKES("with ops read write")	refuses the option unless the list ops has one of
 *						these words
 *	PST_TAKES("with torn")			refuses the option unless the option torn is given
 *	PST_TAKES("elsewhere release : closing a file cannot fail")
 *						refuses these words of a PST_LIST_OF(), with this
 *						advice, because they have no effect
 *	PST_TAKES("verbs hide deny")		the verbs of a struct pst_rules that the filter
 *						handles, the first of each pair; lines with other
 *						verbs have no effect in it
 */
#define PST_WORD_SIZE   32
#define PST_TAKES(NOTE) __attribute__((btf_decl_tag("takes: " NOTE)))
#define PST_ONE_OF(NAME, WORDS, HELP)                                                              \
	PST_OPTION(char, NAME[PST_WORD_SIZE], HELP) PST_TAKES("one of " WORDS)
#define PST_LIST_OF(NAME, WORDS, HELP)                                                             \
	PST_OPTION(struct pst_names, NAME, HELP) PST_TAKES("list of " WORDS)
#define PST_RANGE(TYPE, NAME, MIN, MAX, HELP)                                                      \
	PST_OPTION(TYPE, NAME, HELP) PST_TAKES("range " #MIN " " #MAX)
#define PST_PERCENT(NAME, HELP) PST_OPTION(__u32, NAME, HELP) PST_TAKES("percent")
#define PST_PERCENT_ALL         1000000

/* The names of all operations, for PST_LIST_OF(). */
#define PST_OP_WORDS                     PST_OPS(PST_OP_WORD)
#define PST_OP_WORD(NAME, OPCODE, FACTS) #NAME " "

/*
 * Follows a PST_LIST_OF(..., PST_OP_WORDS, ...) that lists the operations on which the filter acts:
 * its programs before and after operations run for these operations only. A program that runs for
 * none of them is not loaded. If the option is not given, the programs run for all operations but
 * READ and WRITE. So data passes through unless the user lists read or write. Programs for names
 * and after FORGET always run.
 *
 *	PST_LIST_OF(ops, PST_OP_WORDS, "operations that fail") PST_OF_PROGRAMS;
 */
#define PST_OF_PROGRAMS PST_TAKES("programs")
/*
 * Follows a switch. If the user sets it, the programs before and after operations run only for
 * operations that change something (PST_OP_CHANGES) and for OPEN, which may be for writing.
 */
#define PST_OF_CHANGES PST_TAKES("programs for changes")

/*
 * Makes the engine refuse the filter unless the user gives one of these options, without which the
 * filter would do nothing: PST_AT_LEAST_ONE_OF("names paths"). A filter may have several of these
 * conditions, each on a line of its own; all must be met.
 */
#define PST_AT_LEAST_ONE_OF(OPTIONS) PST_NEEDS(__LINE__, OPTIONS)
#define PST_NEEDS(LINE, OPTIONS)     PST_NEEDS_(LINE, OPTIONS)
#define PST_NEEDS_(LINE, OPTIONS)                                                                  \
	const volatile char pst_needs_##LINE                                                       \
		__attribute__((btf_decl_tag("at least one of: " OPTIONS))) = 0

/*
 * Follows an option to declare that the meaning of the filter's maps depends on its value. So the
 * filter does not adopt maps that were pinned (pin=) with another value.
 *
 *	PST_ONE_OF(per, "uid tree", "the unit of the limits") PST_OF_MAPS = "tree";
 */
#define PST_OF_MAPS __attribute__((btf_decl_tag("of maps")))

/*
 * Define the program that runs before (PST_PRE) or after (PST_POST) an operation of PST_OPS or a
 * group of operations (any, changes). CALL names the program's parameter, a struct pst_call *. The
 * program returns an enum pst_verdict or -errno.
 */
#define PST_PRE(OP, CALL)                                                                          \
	PST_CHOOSE(PST_MANY_##OP, PST_PROGRAM_MANY, PST_PROGRAM)("pre/" #OP, pst_pre_##OP, CALL)
#define PST_POST(OP, CALL) PST_PROGRAM("post/" #OP, pst_post_##OP, CALL)

/*
 * Defines the program for names. It runs for a name (call->name[0]) of a directory (call->node) to
 * which the filter applies: before each operation on the name, and for each entry of a listing. The
 * program returns PST_PASS; -ENOENT to hide the name, which is then absent in every operation; or
 * another -errno to refuse operations on the name. It may set child.cell and child.held.
 */
#define PST_NAME(CALL)                                                                             \
	static __always_inline int pst_name_body(struct pst_call *CALL);                           \
	PST_NAME_LOOP                                                                              \
	SEC("penstock/name") int pst_name_program(struct pst_ctx *pst_ctx)                         \
	{                                                                                          \
		__u32 pst_slot = pst_ctx->slot, pst_n = pst_ctx->n_listed;                         \
		struct pst_call *pst_call = bpf_map_lookup_elem(&pst_slots, &pst_slot);            \
                                                                                                   \
		if (!pst_call)                                                                     \
			return -EFAULT;                                                            \
		if (!pst_n)                                                                        \
			return pst_name_body(pst_call);                                            \
		bpf_loop(pst_n, pst_name_listed, &pst_call, 0);                                    \
		return PST_PASS;                                                                   \
	}                                                                                          \
	static __always_inline int pst_name_body(struct pst_call *CALL)

/* Returns whether an operation changes data, attributes or names (PST_OP_CHANGES). */
static __always_inline _Bool pst_op_changes(uint32_t opcode)
{
	return opcode < 64 && (PST_OPS_THAT_CHANGE >> opcode & 1);
}

/* Returns whether an operation is for the file call->child, found by name[0] (PST_OP_ENTRY). */
static __always_inline _Bool pst_op_on_entry(uint32_t opcode)
{
	return opcode < 64 && (PST_OPS_ON_ENTRIES >> opcode & 1);
}

/* -- implementation -------------------------------------------------------------------------- */

/* The calls. The engine replaces this map by its own memory. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct pst_call));
} pst_slots SEC(".maps");

/* The size of the data of a slot, a multiple of 4096. The engine sets it before loading. */
const volatile __u32 pst_data_size = 4096;

/*
 * A number that differs for each mount. An element of a pinned map that describes an open file, or
 * that contains a nodeid, is valid only in the mount that created it.
 */
const volatile __u64 pst_view = 1;

/* Runs the program for names on each name of a listing, copied to name[0]. */
#define PST_NAME_LOOP                                                                              \
	PST_LOOP(pst_name_listed, i, aux)                                                          \
	{                                                                                          \
		struct pst_call *call = *(struct pst_call **)aux;                                  \
		struct pst_listed *listed;                                                         \
                                                                                                   \
		if (i >= PST_N_LISTED)                                                             \
			return 1;                                                                  \
		listed = &call->listed[i];                                                         \
		call->name[0].len = listed->len;                                                   \
		__builtin_memcpy(call->name[0].text, listed->text, PST_LISTED_SIZE);               \
		call->child.cell = call->cell;                                                     \
		call->child.held = 1;                                                              \
		call->child.attr.ino = listed->ino;                                                \
		call->child.attr.mode = listed->mode;                                              \
		listed->verdict = pst_name_body(call);                                             \
		return 0;                                                                          \
	}

#define PST_PROGRAM(SECTION, FUNCTION, CALL)                                                       \
	static __always_inline int FUNCTION##_body(struct pst_call *CALL);                         \
	SEC("penstock/" SECTION) int FUNCTION(struct pst_ctx *pst_ctx)                             \
	{                                                                                          \
		__u32 pst_slot = pst_ctx->slot;                                                    \
		struct pst_call *pst_call = bpf_map_lookup_elem(&pst_slots, &pst_slot);            \
                                                                                                   \
		return pst_call ? FUNCTION##_body(pst_call) : -EFAULT;                             \
	}                                                                                          \
	static __always_inline int FUNCTION##_body(struct pst_call *CALL)

/*
 * One run of a program before LOOKUP handles the names of a listing one after the other, each
 * copied to name[0]. The run ends after the first name that the program has refused, changed or
 * answered, because the engine must handle that name by itself.
 */
#define PST_MANY_lookup                 ,
#define PST_MANY_any                    ,
#define PST_CHOOSE(PROBE, MANY, ONE)    PST_SECOND(PROBE MANY, ONE, )
#define PST_SECOND(...)                 PST_SECOND_(__VA_ARGS__)
#define PST_SECOND_(FIRST, SECOND, ...) SECOND

struct pst_many {
	struct pst_call *call;
	uint64_t caller;
	uint32_t first;
};

/* Returns whether the program has passed the name and changed nothing. */
static __always_inline _Bool pst_only_passed(const struct pst_call *call,
					     const struct pst_listed *listed,
					     const struct pst_many *many)
{
	const uint64_t *now = (const uint64_t *)call->name[0].text;
	const uint64_t *came = (const uint64_t *)listed->text;
	uint64_t differs = *(const uint64_t *)&call->caller ^ many->caller;

#pragma unroll
	for (unsigned int i = 0; i < PST_LISTED_SIZE / 8; i++)
		differs |= now[i] ^ came[i];
	differs |= (uint64_t)call->n_events | call->delay_us | (uint64_t)listed->verdict;
	return !differs && call->child.held == 1;
}

#define PST_PROGRAM_MANY(SECTION, FUNCTION, CALL)                                                  \
	static __always_inline int FUNCTION##_body(struct pst_call *CALL);                         \
	PST_LOOP(FUNCTION##_listed, i, aux)                                                        \
	{                                                                                          \
		struct pst_many *many = aux;                                                       \
		struct pst_call *call = many->call;                                                \
		struct pst_listed *listed;                                                         \
                                                                                                   \
		i += many->first;                                                                  \
		if (i >= PST_N_LISTED)                                                             \
			return 1;                                                                  \
		listed = &call->listed[i];                                                         \
		call->n_asked = i + 1;                                                             \
		call->name[0].len = listed->len;                                                   \
		__builtin_memcpy(call->name[0].text, listed->text, PST_LISTED_SIZE);               \
		listed->verdict = FUNCTION##_body(call);                                           \
		return !pst_only_passed(call, listed, many);                                       \
	}                                                                                          \
	SEC("penstock/" SECTION) int FUNCTION(struct pst_ctx *pst_ctx)                             \
	{                                                                                          \
		__u32 pst_slot = pst_ctx->slot, pst_n = pst_ctx->n_listed;                         \
		struct pst_many pst_many = { .first = pst_ctx->first };                            \
                                                                                                   \
		pst_many.call = bpf_map_lookup_elem(&pst_slots, &pst_slot);                        \
		if (!pst_many.call)                                                                \
			return -EFAULT;                                                            \
		if (!pst_n)                                                                        \
			return FUNCTION##_body(pst_many.call);                                     \
		pst_many.caller = *(__u64 *)&pst_many.call->caller;                                \
		bpf_loop(pst_n, FUNCTION##_listed, &pst_many, 0);                                  \
		return PST_PASS;                                                                   \
	}                                                                                          \
	static __always_inline int FUNCTION##_body(struct pst_call *CALL)

/* A helper that is a function of the object, not inlined; the verifier checks each call of it. */
#define PST_HELPER static __attribute__((noinline, unused))

/* Defines a function that bpf_loop() calls. */
#define PST_LOOP(NAME, I, CTX)                                                                     \
	static __attribute__((unused)) long NAME(__u64 I __attribute__((unused)), void *CTX)

/*
 * The variables that helpers change in loops. They are not on the stack, because the verifier would
 * follow each value that a counter on the stack can have. They are not in a map, because programs
 * that run at the same time on other calls would overwrite them.
 */
#define PST_ROOM 256
struct pst_scratch {
	uint64_t key[PST_KEY_WORDS]; /* of the name, for comparing it with rows */
	char text[512];              /* a word to match that is not a name */
	uint64_t bits, cell; /* of a path: components that may come next; the cell of the file */
	uint32_t found;
	uint32_t pattern_at, text_at;   /* of a glob: the current position in pattern and text */
	uint32_t star_at, star_text_at; /* of a glob: the position after the last star */
	uint32_t in_set, negated, hit;
	uint32_t row, row_first, row_end; /* of patterns */
	uint64_t file, dir, way;          /* of rules: ranks */
	uint32_t node;                    /* of rules */
	uint32_t from, to, begin;         /* positions in data that is moved */
	uint64_t room[PST_ROOM / 8];
};

/*
 * Returns a pointer to PST_ROOM bytes of the call that a program can use while it runs. The content
 * is undefined at first. A function that is called for each block or entry keeps its sums here, not
 * on the stack, for the same reason.
 */
#define pst_room(CALL) ((void *)pst_scratch(CALL)->room)

static __always_inline struct pst_scratch *pst_scratch(struct pst_call *call)
{
	return (struct pst_scratch *)call->scratch;
}

_Static_assert(sizeof(struct pst_scratch) <= sizeof(((struct pst_call *)0)->scratch),
	       "scratch is large enough for helpers");

#include <penstock/filter-names.bpf.h>
#include <penstock/filter-paths.bpf.h>
#include <penstock/filter-data.bpf.h>
#include <penstock/filter-attr.bpf.h>

#endif
