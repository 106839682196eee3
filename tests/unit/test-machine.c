// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The machine (src/machine/) under objects that are damaged or hostile, and its limit of steps. The
 * sanitizers' build runs this test, too.
 *
 * $FILTER_CALLS is the number of damaged objects (default: 1500), $FILTER_SEED selects others.
 */
#include "../random.h"
#include "../test.h"

#include <linux/bpf.h>

#include "../fuzz/fuzz-machine.h"
#include "machine/decode.h"
#include "machine/run.h"

TEST(damaged_objects_are_refused_or_end, state)
{
	unsigned long n = random_calls(1500);
	struct random random = random_start();
	uint8_t input[400];

	for (unsigned long i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(input); k++)
			input[k] = (uint8_t)random_below(&random, 256);
		/* A third of the objects has few changes, so that most of their code runs. */
		if (i % 3 == 0)
			input[1] %= 4;
		LLVMFuzzerTestOneInput(input, sizeof(input));
	}
}

/* -- steps ------------------------------------------------------------------------------------- */

#define MOV(reg, n)                                                                                \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = (reg), .imm = (n)                  \
	}
#define ADD(reg, n)                                                                                \
	{                                                                                          \
		.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = (reg), .imm = (n)                  \
	}
#define GOTO(words)                                                                                \
	{                                                                                          \
		.code = BPF_JMP | BPF_JA, .off = (words)                                           \
	}
#define IF_NOT(reg, n, words)                                                                      \
	{                                                                                          \
		.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = (reg), .imm = (n), .off = (words)    \
	}
/* The second half of the constant is the address of a function: its word, for run_from(). */
#define FUNCTION(reg, word)                                                                        \
	{ .code = BPF_LD | BPF_IMM | BPF_DW, .dst_reg = (reg), .imm = (word) },                    \
	{                                                                                          \
		.imm = (int32_t)(RUN_FUNCTION >> 32)                                               \
	}
#define CALL(function)                                                                             \
	{                                                                                          \
		.code = BPF_JMP | BPF_CALL, .imm = (function)                                      \
	}
#define EXIT                                                                                       \
	{                                                                                          \
		.code = BPF_JMP | BPF_EXIT                                                         \
	}
#define LOOP(n, word) MOV(1, n), FUNCTION(2, word), MOV(3, 0), MOV(4, 0), CALL(BPF_FUNC_loop)

/* Runs from the first word. Returns whether the program has ended within so many steps. */
static bool ends(const struct bpf_insn *words, size_t n, int64_t steps)
{
	struct run *run = calloc(1, sizeof(*run));
	struct insn code[64];
	uint8_t marks[64] = { 0 };
	struct pst_error error;
	uint64_t value;
	int r;

	assert_true(run && n < 64);
	if (decode_section(words, marks, n, "test", code, &error) < 0)
		fail_msg("%s", error.text);
	run_prepare(code, n + 1);
	run->code = code;
	run->n_code = (uint32_t)n;
	run->n_regions = RUN_MAPS;
	run->regions[RUN_STACK].base = run->stack;
	run_clean_frame(run);
	r = run_from(run, code, steps, &value);
	if (r < 0)
		assert_string_equal(run->why, "takes too long");
	free(run);
	return r == 0;
}

/* Programs go round by jumps, by helpers, and by helpers in functions that helpers call. */
TEST(words_are_counted_wherever_a_program_goes_round, state)
{
	static const struct bpf_insn jump[] = { GOTO(-1), EXIT };
	/* 1,000 rounds of five words, and five others over which they jump. */
	static const struct bpf_insn rounds[] = {
		MOV(0, 0),
		ADD(0, 1),
		GOTO(5),
		MOV(1, 0),
		MOV(1, 0),
		MOV(1, 0),
		MOV(1, 0),
		MOV(1, 0),
		ADD(1, 1),
		ADD(1, 1),
		IF_NOT(0, 1000, -10),
		EXIT,
	};
	/* Each call of the function has three words, and another over which it jumps. */
	static const struct bpf_insn loop[] = {
		LOOP(1000, 7), EXIT, MOV(0, 0), GOTO(1), MOV(0, 1), EXIT,
	};
	static const struct bpf_insn loops[] = {
		LOOP(1 << 23, 7), EXIT, LOOP(1 << 23, 15), MOV(0, 0), EXIT, MOV(0, 0), EXIT,
	};

	assert_false(ends(jump, N(jump), 1000000));
	assert_false(ends(rounds, N(rounds), 4900));
	assert_true(ends(rounds, N(rounds), 5100));
	assert_false(ends(loop, N(loop), 2900));
	assert_true(ends(loop, N(loop), 3100));
	assert_false(ends(loops, N(loops), 1000000));
}

TEST_MAIN(NULL, NULL)
