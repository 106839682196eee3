// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Decodes eBPF. An instruction that is accepted names registers that exist, does not write to the
 * frame register, and jumps only within its section. So the interpreter checks only addresses, the
 * depth of calls and the number of steps. No state, no locks.
 */
#include "machine/decode.h"
#include "machine/helper.h"
#include "util/log.h"

#include <endian.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>

/* The header may be older than these. */
#define MODE_MEMSX  0x80
#define MODE_ATOMIC 0xc0
#define CODE_NEG    0x8
#define CODE_END    0xd

/* The words of a section. */
struct source {
	const struct bpf_insn *words;
	const uint8_t *marks;
	size_t n, at;
};

#define CODE_ROW(NAME, CODE, ...) [CODE] = INSN_##NAME##_64K,
static const uint8_t alu_codes[16] = { INSN_ALU_ROWS(CODE_ROW) };
static const uint8_t jump_codes[16] = { INSN_JUMP_ROWS(CODE_ROW) };

/* Each of these returns NULL, or why there is no such instruction. */
#define UNKNOWN "is not known: it is of a newer or an older eBPF"

/* By the two bits of an opcode for the size: 32, 16, 8 and 64 bits. */
static const uint8_t sizes[] = { 4, 2, 1, 8 };

static unsigned int code_of(const struct bpf_insn *word)
{
	return word->code >> 4;
}

static bool has_register(const struct bpf_insn *word)
{
	return word->code & BPF_X;
}

/* Swaps bytes, or cuts a number off, for numbers of another byte order than the machine's. */
static const char *decode_end(const struct bpf_insn *word, struct insn *insn)
{
	bool swaps = BPF_CLASS(word->code) == BPF_ALU64 ||
		     has_register(word) == (BYTE_ORDER == LITTLE_ENDIAN);

	insn->src = insn->dst;
	switch (word->imm) {
	case 16:
		insn->op = swaps ? INSN_SWAP16 : INSN_ZERO16;
		return NULL;
	case 32:
		insn->op = swaps ? INSN_SWAP32 : INSN_ZERO32;
		return NULL;
	case 64:
		insn->op = swaps ? INSN_SWAP64 : INSN_ZERO64;
		return NULL;
	default:
		return UNKNOWN;
	}
}

/* Moves a number and extends its sign. */
static const char *decode_move_sign(const struct bpf_insn *word, bool is_wide, struct insn *insn)
{
	switch (word->off) {
	case 8:
		insn->op = is_wide ? INSN_SIGN8 : INSN_SIGN8TO32;
		return NULL;
	case 16:
		insn->op = is_wide ? INSN_SIGN16 : INSN_SIGN16TO32;
		return NULL;
	case 32:
		insn->op = INSN_SIGN32;
		return is_wide ? NULL : UNKNOWN;
	default:
		return UNKNOWN;
	}
}

static const char *decode_alu(const struct source *source, struct insn *insn)
{
	const struct bpf_insn *word = &source->words[source->at];
	bool is_wide = BPF_CLASS(word->code) == BPF_ALU64;
	unsigned int code = code_of(word);

	if (insn->dst == INSN_FRAME)
		return "writes to the frame register";
	if (code == CODE_END)
		return decode_end(word, insn);
	if (code == CODE_NEG) {
		insn->src = insn->dst;
		insn->op = is_wide ? INSN_NEG64 : INSN_NEG32;
		return NULL;
	}
	if (code > CODE_END)
		return UNKNOWN;
	insn->op = alu_codes[code];
	if (word->off && insn->op == INSN_MOV_64K && has_register(word))
		return decode_move_sign(word, is_wide, insn);
	if (word->off == 1 && insn->op == INSN_DIV_64K)
		insn->op = INSN_SDIV_64K;
	else if (word->off == 1 && insn->op == INSN_MOD_64K)
		insn->op = INSN_SMOD_64K;
	else if (word->off)
		return UNKNOWN;
	insn->op += (is_wide ? 0 : 2) + has_register(word);
	return NULL;
}

/* Sets the distance of a jump or call, from this word to its target. */
static const char *set_target(const struct source *source, int64_t distance, struct insn *insn)
{
	int64_t to = (int64_t)source->at + 1 + distance;

	if (to < 0 || to >= (int64_t)source->n)
		return "jumps out of its section";
	insn->off = (int32_t)(distance + 1);
	return NULL;
}

static const char *decode_call(const struct source *source, struct insn *insn)
{
	const struct bpf_insn *word = &source->words[source->at];

	if (has_register(word))
		return "calls a function by a pointer";
	if (word->src_reg == BPF_PSEUDO_CALL) {
		insn->op = INSN_CALL;
		if (source->marks[source->at] != DECODE_CALL)
			return set_target(source, word->imm, insn);
		/* A relocation has found the target, which may be in another section. */
		insn->off = word->imm + 1;
		return NULL;
	}
	if (word->src_reg)
		return "calls a function of the kernel that is no helper";
	insn->op = word->imm == BPF_FUNC_loop              ? INSN_LOOP :
		   word->imm == BPF_FUNC_for_each_map_elem ? INSN_EACH :
							     INSN_HELPER;
	insn->off = word->imm;
	if (insn->op == INSN_HELPER && !helper_find(word->imm))
		return "calls a helper that only the kernel has";
	return NULL;
}

static const char *decode_jump(const struct source *source, struct insn *insn)
{
	const struct bpf_insn *word = &source->words[source->at];
	bool is_wide = BPF_CLASS(word->code) == BPF_JMP;
	unsigned int code = code_of(word);

	if (code == 0 && !has_register(word)) {
		insn->op = INSN_JUMP;
		return set_target(source, is_wide ? word->off : word->imm, insn);
	}
	if (is_wide && word->code == (BPF_JMP | BPF_EXIT)) {
		insn->op = INSN_EXIT;
		return NULL;
	}
	if (is_wide && code == BPF_CALL >> 4)
		return decode_call(source, insn);
	if (!jump_codes[code])
		return UNKNOWN;
	insn->op = jump_codes[code] + (is_wide ? 0 : 2) + has_register(word);
	return set_target(source, word->off, insn);
}

/* Returns whether an access of size bytes at the frame register lies in the frame. */
static bool in_frame(int off, unsigned int size)
{
	return off >= -INSN_FRAME_SIZE && off <= -(int)size;
}

#define OUT_OF_FRAME "accesses memory outside of the function's stack frame"

static const char *decode_load(const struct bpf_insn *word, struct insn *insn)
{
	/* By the same bits as sizes[]. */
	static const uint8_t plain[] = { INSN_LOAD32, INSN_LOAD16, INSN_LOAD8, INSN_LOAD64 };
	static const uint8_t sign[] = { INSN_LOADS32, INSN_LOADS16, INSN_LOADS8, INSN_TRAP };
	unsigned int size = BPF_SIZE(word->code) >> 3, mode = BPF_MODE(word->code);

	insn->op = mode == BPF_MEM ? plain[size] : mode == MODE_MEMSX ? sign[size] : INSN_TRAP;
	if (insn->op == INSN_TRAP)
		return UNKNOWN;
	if (insn->dst == INSN_FRAME)
		return "writes to the frame register";
	if (insn->src != INSN_FRAME)
		return NULL;
	insn->op++;
	return in_frame(word->off, sizes[size]) ? NULL : OUT_OF_FRAME;
}

static const char *decode_atomic(const struct bpf_insn *word, struct insn *insn)
{
	unsigned int size = sizes[BPF_SIZE(word->code) >> 3];

	if (size < 4)
		return UNKNOWN;
	switch (word->imm) {
	case BPF_ADD:
	case BPF_OR:
	case BPF_AND:
	case BPF_XOR:
	case BPF_CMPXCHG:
		break;
	case BPF_ADD | BPF_FETCH:
	case BPF_OR | BPF_FETCH:
	case BPF_AND | BPF_FETCH:
	case BPF_XOR | BPF_FETCH:
	case BPF_XCHG:
		if (insn->src == INSN_FRAME)
			return "writes to the frame register";
		break;
	default:
		return UNKNOWN;
	}
	insn->op = INSN_ATOMIC;
	insn->with = size;
	return NULL;
}

static const char *decode_store(const struct bpf_insn *word, struct insn *insn)
{
	static const uint8_t ops[] = { INSN_STORE32_X, INSN_STORE16_X, INSN_STORE8_X,
				       INSN_STORE64_X };
	bool is_const = BPF_CLASS(word->code) == BPF_ST;
	unsigned int size = BPF_SIZE(word->code) >> 3, mode = BPF_MODE(word->code);

	if (mode == MODE_ATOMIC && !is_const)
		return decode_atomic(word, insn);
	if (mode != BPF_MEM)
		return UNKNOWN;
	insn->op = ops[size] + (is_const ? 2 : 0);
	if (insn->dst != INSN_FRAME)
		return NULL;
	insn->op++;
	return in_frame(word->off, sizes[size]) ? NULL : OUT_OF_FRAME;
}

/* Decodes a constant, which has two words. */
static const char *decode_const(const struct source *source, struct insn *insn)
{
	const struct bpf_insn *word = &source->words[source->at];

	if (word->code != (BPF_LD | BPF_IMM | BPF_DW))
		return UNKNOWN;
	if (source->at + 1 == source->n || word[1].code)
		return "has no second word";
	if (word->src_reg && source->marks[source->at] != DECODE_ADDRESS)
		return "names something that the object does not define";
	if (insn->dst == INSN_FRAME)
		return "writes to the frame register";
	insn->op = INSN_CONST;
	insn->wide = (uint32_t)word->imm | (uint64_t)(uint32_t)word[1].imm << 32;
	return NULL;
}

static const char *decode_word(const struct source *source, struct insn *insn)
{
	const struct bpf_insn *word = &source->words[source->at];

	*insn = (struct insn){
		.dst = word->dst_reg,
		.src = word->src_reg,
		.off = word->off,
		.imm = word->imm,
	};
	if (word->dst_reg >= INSN_N_REGS || word->src_reg >= INSN_N_REGS)
		return "names a register that does not exist";
	switch (BPF_CLASS(word->code)) {
	case BPF_LD:
		return decode_const(source, insn);
	case BPF_LDX:
		return decode_load(word, insn);
	case BPF_ST:
	case BPF_STX:
		return decode_store(word, insn);
	case BPF_JMP:
	case BPF_JMP32:
		return decode_jump(source, insn);
	default:
		return decode_alu(source, insn);
	}
}

/* -- fusing ------------------------------------------------------------------------------------ */

/* Returns whether the instruction is a shift of 64 bits by 32 in the register. */
static bool shifts_by_32(const struct insn *insn, enum insn_op op, uint8_t reg)
{
	return insn->op == op && insn->dst == reg && insn->imm == 32;
}

/* Fuses shifts to the left and back to the right, of which the first is code[at]. */
static bool fuse_shifts(struct insn *code, size_t at, size_t n, uint8_t reg, struct insn *first)
{
	bool zero;

	if (at + 1 >= n || !shifts_by_32(&code[at], INSN_LSH_64K, reg))
		return false;
	zero = shifts_by_32(&code[at + 1], INSN_RSH_64K, reg);
	if (!zero && !shifts_by_32(&code[at + 1], INSN_ARSH_64K, reg))
		return false;
	if (first == &code[at])
		first->src = reg;
	first->op = (zero ? INSN_ZERO32_2 : INSN_SIGN32_2) + (first != &code[at]);
	return true;
}

/*
 * Makes one instruction of a move and the arithmetic on the register that it fills. The second word
 * stays as it is.
 */
static void fuse_move(struct insn *move, const struct insn *next)
{
	uint8_t from = move->src;

	if (next->dst != move->dst || next->op < INSN_ADD_64K || next->op > INSN_SMOD_32X)
		return;
	/* A move of 32 bits clears the upper half, which only arithmetic on 32 bits ignores. */
	if (move->op == INSN_MOV_32X && (next->op - INSN_ADD_64K) % 4 < 2)
		return;
	*move = *next;
	move->op += INSN_ADD_64K_M - INSN_ADD_64K;
	move->with = from;
	if (next->src == next->dst)
		move->src = from;
}

static void fuse(struct insn *code, size_t n)
{
	for (size_t i = 0; i + 1 < n; i++) {
		struct insn *insn = &code[i];
		bool moves = insn->op == INSN_MOV_64X || insn->op == INSN_MOV_32X;

		if (insn->op == INSN_LSH_64K)
			fuse_shifts(code, i, n, insn->dst, insn);
		else if (moves && !(insn->op == INSN_MOV_64X &&
				    fuse_shifts(code, i + 1, n, insn->dst, insn)))
			fuse_move(insn, &code[i + 1]);
	}
}

int decode_section(const struct bpf_insn *words, const uint8_t *marks, size_t n,
		   const char *section, struct insn *ret_code, struct pst_error *error)
{
	struct source source = { .words = words, .marks = marks, .n = n };

	for (source.at = 0; source.at < n; source.at++) {
		struct insn *insn = &ret_code[source.at];
		const char *why = decode_word(&source, insn);

		if (why)
			return error_set(error, -EINVAL,
					 "instruction %zu of section \"%.60s\" (code 0x%02x, "
					 "immediate %d) %s",
					 source.at, section, words[source.at].code,
					 words[source.at].imm, why);
		if (insn->op == INSN_CONST) {
			source.at++;
			insn[1] = (struct insn){ .op = INSN_TRAP };
		}
	}
	ret_code[n] = (struct insn){ .op = INSN_TRAP };
	fuse(ret_code, n);
	return 0;
}
