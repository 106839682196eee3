// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Compares the instructions of the machine with those of the kernel: random programs of arithmetic,
 * jumps, loads, stores and atomic instructions get nine random registers, and must leave the same.
 *
 * $FILTER_CALLS is the number of programs (default: 300), $FILTER_SEED selects others.
 */
#include "../random.h"
#include "../test.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine/decode.h"
#include "machine/run.h"

#define N_REGS  9  /* registers 0 to 5 and 7 to 9; 6 has the context, 10 the stack */
#define N_BODY  40 /* random instructions of a program */
#define N_WORDS (2 * N_REGS + N_BODY + 20)
#define N_RUNS  4

#define MODE_MEMSX  0x80
#define MODE_ATOMIC 0xc0
#define JMP_GOTOL   (BPF_JMP32 | BPF_JA)

static struct random random_state;
static bool has_v4; /* the kernel knows the instructions of -mcpu=v4 */

struct program {
	struct bpf_insn words[N_WORDS];
	unsigned int n;
};

static uint32_t any(uint32_t n)
{
	return random_below(&random_state, n);
}

static uint64_t any_number(void)
{
	return random_number(&random_state);
}

static unsigned int any_register(void)
{
	return "\0\1\2\3\4\5\7\10\11"[any(N_REGS)];
}

static void add(struct program *program, struct bpf_insn word)
{
	assert_true(program->n < N_WORDS);
	program->words[program->n++] = word;
}

/* -- random instructions ----------------------------------------------------------------------- */

static struct bpf_insn any_alu(void)
{
	bool is_wide = any(2), has_register = any(2);
	struct bpf_insn word = {
		.code = (any(13) << 4) | (is_wide ? BPF_ALU64 : BPF_ALU),
		.dst_reg = any_register(),
	};
	unsigned int code = word.code & 0xf0, bits = is_wide ? 64 : 32;

	if (code == BPF_NEG)
		return word;
	if (has_register) {
		word.code |= BPF_X;
		word.src_reg = any_register();
	} else {
		word.imm = (int32_t)any_number();
	}
	/* The verifier refuses some constants. */
	if (!has_register && (code == BPF_LSH || code == BPF_RSH || code == BPF_ARSH))
		word.imm &= bits - 1;
	if (!has_register && (code == BPF_DIV || code == BPF_MOD) && !word.imm)
		word.imm = 7;
	if (has_v4 && (code == BPF_DIV || code == BPF_MOD))
		word.off = any(2);
	if (has_v4 && has_register && code == BPF_MOV && any(2))
		word.off = 8 << any(is_wide ? 3 : 2);
	return word;
}

/*
 * Adds an instruction that swaps bytes. Linux 6.18 goes on believing that the result is equal to
 * copies of the number that it had before; the second instruction makes it forget that.
 */
static void add_end(struct program *program)
{
	uint8_t dst = any_register();

	add(program, (struct bpf_insn){
			     .code = BPF_END | (has_v4 && any(2) ? BPF_ALU64 :
								   BPF_ALU | (any(2) ? BPF_X : 0)),
			     .dst_reg = dst,
			     .imm = 16 << any(3),
		     });
	add(program, (struct bpf_insn){ .code = BPF_ALU64 | BPF_OR | BPF_K, .dst_reg = dst });
}

/* A jump over at most three instructions. */
static struct bpf_insn any_jump(void)
{
	static const uint8_t codes[] = { BPF_JEQ,  BPF_JGT, BPF_JGE, BPF_JSET, BPF_JNE, BPF_JSGT,
					 BPF_JSGE, BPF_JLT, BPF_JLE, BPF_JSLT, BPF_JSLE };
	bool has_register = any(2);

	if (any(10) == 0)
		return has_v4 && any(2) ?
			       (struct bpf_insn){ .code = JMP_GOTOL, .imm = (int32_t)any(3) } :
			       (struct bpf_insn){ .code = BPF_JMP | BPF_JA, .off = any(3) };
	return (struct bpf_insn){
		.code = codes[any(N(codes))] | (any(2) ? BPF_JMP : BPF_JMP32) |
			(has_register ? BPF_X : BPF_K),
		.dst_reg = any_register(),
		.src_reg = has_register ? any_register() : 0,
		.off = any(4),
		.imm = has_register ? 0 : (int32_t)any_number(),
	};
}

/*
 * Adds an atomic instruction. These have four words of the stack for themselves, whose content the
 * verifier does not know: Linux 6.18 forgets for which value it has removed code if the value comes
 * from there. It also leaves the upper half of register 0 as it was when an exchange of 32 bits
 * succeeds, so another instruction clears it.
 */
static void add_atomic(struct program *program)
{
	static const int ops[] = { BPF_ADD,
				   BPF_OR,
				   BPF_AND,
				   BPF_XOR,
				   BPF_ADD | BPF_FETCH,
				   BPF_OR | BPF_FETCH,
				   BPF_AND | BPF_FETCH,
				   BPF_XOR | BPF_FETCH,
				   BPF_XCHG,
				   BPF_CMPXCHG };
	struct bpf_insn word = {
		.code = BPF_STX | MODE_ATOMIC | (any(2) ? BPF_DW : BPF_W),
		.dst_reg = 10,
		.src_reg = any_register(),
		.off = -8 * (int)(5 + any(4)),
		.imm = ops[any(N(ops))],
	};

	add(program, word);
	if (word.imm == BPF_CMPXCHG)
		add(program, (struct bpf_insn){
				     .code = (BPF_SIZE(word.code) == BPF_W ? BPF_ALU : BPF_ALU64) |
					     BPF_MOV | BPF_X });
}

/* A load or a store in the first 32 bytes of the stack. */
static struct bpf_insn any_access(void)
{
	static const uint8_t sizes[] = { BPF_B, BPF_H, BPF_W, BPF_DW };
	unsigned int size = any(4), bytes = 1u << size;
	short off = (short)(-32 + (int)bytes * (int)any(32 / bytes));

	switch (any(has_v4 && size < 3 ? 4 : 3)) {
	case 0:
		return (struct bpf_insn){ .code = BPF_STX | BPF_MEM | sizes[size],
					  .dst_reg = 10,
					  .src_reg = any_register(),
					  .off = off };
	case 1:
		return (struct bpf_insn){ .code = BPF_ST | BPF_MEM | sizes[size],
					  .dst_reg = 10,
					  .off = off,
					  .imm = (int32_t)any_number() };
	case 2:
		return (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | sizes[size],
					  .dst_reg = any_register(),
					  .src_reg = 10,
					  .off = off };
	default:
		return (struct bpf_insn){ .code = BPF_LDX | MODE_MEMSX | sizes[size],
					  .dst_reg = any_register(),
					  .src_reg = 10,
					  .off = off };
	}
}

/* Adds words that the machine makes one instruction of: a move, then arithmetic or two shifts. */
static void add_fused(struct program *program)
{
	struct bpf_insn move = {
		.code = BPF_MOV | BPF_X | (any(2) ? BPF_ALU64 : BPF_ALU),
		.dst_reg = any_register(),
		.src_reg = any_register(),
	};
	struct bpf_insn next = any_alu();

	if (any(4))
		add(program, move);
	next.dst_reg = move.dst_reg;
	if (any(2) && (next.code & BPF_X))
		next.src_reg = move.dst_reg;
	if (any(2)) {
		next = (struct bpf_insn){ .code = BPF_ALU64 | BPF_LSH | BPF_K,
					  .dst_reg = move.dst_reg,
					  .imm = 32 };
		add(program, next);
		next.code = BPF_ALU64 | BPF_K | (any(2) ? BPF_RSH : BPF_ARSH);
		next.imm -= any(10) == 0;
	}
	add(program, next);
}

/* Loads the registers from the context, runs random instructions, and stores the registers. */
static struct program any_program(void)
{
	struct program program = { 0 };

	add(&program,
	    (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 6, .src_reg = 1 });
	for (unsigned int i = 0; i < N_REGS; i++)
		add(&program, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_DW,
						 .dst_reg = "\0\1\2\3\4\5\7\10\11"[i],
						 .src_reg = 6,
						 .off = (short)(8 * i) });
	for (int i = 1; i <= 8; i++)
		add(&program, (struct bpf_insn){ .code = BPF_STX | BPF_MEM | BPF_DW,
						 .dst_reg = 10,
						 .src_reg = (uint8_t)((i - 1) % 4 + 1),
						 .off = (short)(-8 * i) });
	for (int i = 1; i <= 4; i++)
		add(&program,
		    (struct bpf_insn){ .code = BPF_ALU64 | BPF_OR | BPF_K, .dst_reg = (uint8_t)i });
	while (program.n < 1 + N_REGS + 12 + N_BODY) {
		uint32_t what = any(12);

		if (what == 0)
			add_end(&program);
		else if (what == 1)
			add_atomic(&program);
		else if (what > 9)
			add_fused(&program);
		else
			add(&program, what < 6 ? any_alu() : what < 8 ? any_access() : any_jump());
	}
	/* The last jumps lead to here. */
	for (int i = 0; i < 4; i++)
		add(&program, (struct bpf_insn){ .code = BPF_ALU64 | BPF_ADD | BPF_K, .imm = 1 });
	for (unsigned int i = 0; i < N_REGS; i++)
		add(&program, (struct bpf_insn){ .code = BPF_STX | BPF_MEM | BPF_DW,
						 .dst_reg = 6,
						 .src_reg = "\0\1\2\3\4\5\7\10\11"[i],
						 .off = (short)(8 * i) });
	add(&program, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
	return program;
}

/* -- running ----------------------------------------------------------------------------------- */

/* Returns a descriptor, or -errno. */
static int load(const struct program *program)
{
	static char log[65536];
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_SYSCALL,
		.insns = (uintptr_t)program->words,
		.insn_cnt = program->n,
		.license = (uintptr_t) "Dual BSD/GPL",
		.prog_flags = BPF_F_SLEEPABLE,
		.log_buf = (uintptr_t)log,
		.log_size = sizeof(log),
		.log_level = 1,
	};
	int fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd < 0 && errno != ENOSPC && getenv("VERBOSE"))
		print_message("%s\n", log);
	return fd < 0 ? -errno : fd;
}

static void run_in_kernel(int fd, uint64_t regs[N_REGS])
{
	union bpf_attr attr = {
		.test.prog_fd = (uint32_t)fd,
		.test.ctx_in = (uintptr_t)regs,
		.test.ctx_size_in = N_REGS * sizeof(regs[0]),
	};

	assert_int_equal(syscall(SYS_bpf, BPF_PROG_RUN, &attr, sizeof(attr)), 0);
}

static void run_in_machine(const struct program *program, uint64_t regs[N_REGS])
{
	struct insn code[N_WORDS + 1];
	uint8_t marks[N_WORDS] = { 0 };
	struct run *run = calloc(1, sizeof(*run));
	struct pst_error error;
	uint64_t value;

	assert_non_null(run);
	if (decode_section(program->words, marks, program->n, "test", code, &error) < 0)
		fail_msg("%s", error.text);
	run_prepare(code, program->n + 1);
	run->code = code;
	run->n_code = program->n;
	run->n_regions = RUN_MAPS;
	run->regions[RUN_CONTEXT] = (struct region){ (char *)regs, 8 * N_REGS, 8 * N_REGS };
	run->regions[RUN_STACK].base = run->stack;
	run_clean_frame(run);
	if (run_from(run, code, 1000, &value) < 0)
		fail_msg("the program %s", run->why);
	free(run);
}

static void describe(const struct program *program)
{
	for (unsigned int i = 0; i < program->n; i++)
		print_message("%3u: code %02x dst %u src %u off %d imm %d\n", i,
			      program->words[i].code, program->words[i].dst_reg,
			      program->words[i].src_reg, program->words[i].off,
			      program->words[i].imm);
}

static void compare(const struct program *program, int fd)
{
	uint64_t in[N_REGS], kernel[N_REGS], machine[N_REGS];

	for (unsigned int i = 0; i < N_REGS; i++)
		in[i] = any_number();
	memcpy(kernel, in, sizeof(in));
	memcpy(machine, in, sizeof(in));
	run_in_kernel(fd, kernel);
	run_in_machine(program, machine);
	for (unsigned int i = 0; i < N_REGS; i++)
		if (kernel[i] != machine[i]) {
			describe(program);
			for (unsigned int k = 0; k < N_REGS; k++)
				print_message("register %u: %llx, kernel %llx, machine %llx\n", k,
					      (unsigned long long)in[k],
					      (unsigned long long)kernel[k],
					      (unsigned long long)machine[k]);
			fail_msg("register %u of %u is %llx in the kernel and %llx in the machine",
				 i, N_REGS, (unsigned long long)kernel[i],
				 (unsigned long long)machine[i]);
		}
}

TEST(instructions_do_the_same_as_in_the_kernel, state)
{
	unsigned long n = random_calls(300), n_loaded = 0;

	random_state = random_start();
	for (unsigned long i = 0; i < n; i++) {
		struct program program = any_program();
		int fd = load(&program);

		/* The verifier refuses programs in which a jump leaves code that nobody reaches. */
		if (fd < 0)
			continue;
		n_loaded++;
		for (int run = 0; run < N_RUNS; run++)
			compare(&program, fd);
		close(fd);
	}
	print_message("%lu of %lu programs ran, %s instructions of -mcpu=v4\n", n_loaded, n,
		      has_v4 ? "with" : "without");
	assert_true(n_loaded > n / 4);
}

/* Ends the program as skipped if the kernel loads no programs. */
static int find_kernel(void **state)
{
	static const struct bpf_insn end = { .code = BPF_JMP | BPF_EXIT };
	struct program program = {
		{ { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 5 }, end },
		2,
	};
	int fd = load(&program);

	(void)state;
	if (fd < 0) {
		printf("skipped: the kernel loads no programs: %s\n", strerror(-fd));
		exit(77);
	}
	close(fd);
	program = (struct program){
		{ { .code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 5 },
		  { .code = BPF_ALU64 | BPF_MOV | BPF_X, .off = 8 },
		  end },
		3,
	};
	fd = load(&program);
	has_v4 = fd >= 0;
	if (has_v4)
		close(fd);
	return 0;
}

TEST_MAIN(find_kernel, NULL)
