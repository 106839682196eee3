/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The instructions of the machine. Decoding (decode.c) makes one of each 64-bit word of an eBPF
 * program, so jumps keep their distance. Some instructions do the work of the next words, too, and
 * skip these; a jump still finds them there. Each row below is an operation of the interpreter
 * (run.c).
 */
#include <stdint.h>

struct insn {
	const void *code; /* the code for op in the interpreter; run_prepare() sets it */
	uint8_t op;       /* enum insn_op */
	uint8_t dst, src;
	uint8_t with; /* the first operand of INSN_..._M; the size of an atomic access */
	int32_t off;  /* of an access; words to the target of a jump; a helper's number */
	union {
		int32_t imm;
		uint64_t wide; /* INSN_CONST */
	};
};

/*
 * X(NAME, CODE, RESULT): arithmetic. RESULT computes from a and b, unsigned numbers of BITS bits;
 * sa and sb are the same as signed numbers, and UNSIGNED is the type of a and b. CODE is the eBPF
 * code, or one that eBPF does not use. Division by zero gives zero, and the remainder of a division
 * by zero is the dividend, as in the kernel.
 */
#define INSN_ALU_ROWS(X)                                                                           \
	X(ADD, 0x0, a + b)                                                                         \
	X(SUB, 0x1, a - b)                                                                         \
	X(MUL, 0x2, (a) * (b))                                                                     \
	X(DIV, 0x3, b ? a / b : 0)                                                                 \
	X(OR, 0x4, a | b)                                                                          \
	X(AND, 0x5, (a) & (b))                                                                     \
	X(LSH, 0x6, a << (b & (BITS - 1)))                                                         \
	X(RSH, 0x7, a >> (b & (BITS - 1)))                                                         \
	X(MOD, 0x9, b ? a % b : a)                                                                 \
	X(XOR, 0xa, a ^ b)                                                                         \
	X(MOV, 0xb, b)                                                                             \
	X(ARSH, 0xc, sa >> (b & (BITS - 1)))                                                       \
	/* The processor traps when it divides the least number by -1. */                          \
	X(SDIV, 0xe, sb == 0 ? 0 : sb == -1 ? 0 - a : (UNSIGNED)(sa / sb))                         \
	X(SMOD, 0xf, sb == 0 ? a : sb == -1 ? 0 : (UNSIGNED)(sa % sb))

/* X(NAME, RESULT): arithmetic on one number b of 64 bits. */
#define INSN_UNARY_ROWS(X)                                                                         \
	X(NEG64, 0 - b)                                                                            \
	X(NEG32, (uint32_t)(0 - b))                                                                \
	X(ZERO16, (uint16_t)b)                                                                     \
	X(ZERO32, (uint32_t)b)                                                                     \
	X(ZERO64, b)                                                                               \
	X(SWAP16, __builtin_bswap16((uint16_t)b))                                                  \
	X(SWAP32, __builtin_bswap32((uint32_t)b))                                                  \
	X(SWAP64, __builtin_bswap64(b))                                                            \
	X(SIGN8, (int8_t)b)                                                                        \
	X(SIGN16, (int16_t)b)                                                                      \
	X(SIGN32, (int32_t)b)                                                                      \
	X(SIGN8TO32, (uint32_t)(int8_t)b)                                                          \
	X(SIGN16TO32, (uint32_t)(int16_t)b)

/* X(NAME, CODE, CONDITION): jumps that are taken if the condition is true. */
#define INSN_JUMP_ROWS(X)                                                                          \
	X(JEQ, 0x1, a == b)                                                                        \
	X(JGT, 0x2, a > b)                                                                         \
	X(JGE, 0x3, a >= b)                                                                        \
	X(JSET, 0x4, (a) & (b))                                                                    \
	X(JNE, 0x5, a != b)                                                                        \
	X(JSGT, 0x6, sa > sb)                                                                      \
	X(JSGE, 0x7, sa >= sb)                                                                     \
	X(JLT, 0xa, a < b)                                                                         \
	X(JLE, 0xb, a <= b)                                                                        \
	X(JSLT, 0xc, sa < sb)                                                                      \
	X(JSLE, 0xd, sa <= sb)

/* X(NAME, TYPE): loads of a number, and stores. */
#define INSN_LOAD_ROWS(X)                                                                          \
	X(LOAD8, uint8_t)                                                                          \
	X(LOAD16, uint16_t)                                                                        \
	X(LOAD32, uint32_t)                                                                        \
	X(LOAD64, uint64_t)                                                                        \
	X(LOADS8, int8_t)                                                                          \
	X(LOADS16, int16_t)                                                                        \
	X(LOADS32, int32_t)
#define INSN_STORE_ROWS(X)                                                                         \
	X(STORE8, uint8_t)                                                                         \
	X(STORE16, uint16_t)                                                                       \
	X(STORE32, uint32_t)                                                                       \
	X(STORE64, uint64_t)

/*
 * X(NAME, N, RESULT): N words as one instruction on a number b: shifts by 32 in both directions,
 * by which clang extends a number of 32 bits, with or without a move before them.
 */
#define INSN_FUSED_ROWS(X)                                                                         \
	X(ZERO32_2, 2, (uint32_t)b)                                                                \
	X(ZERO32_3, 3, (uint32_t)b)                                                                \
	X(SIGN32_2, 2, (int32_t)b)                                                                 \
	X(SIGN32_3, 3, (int32_t)b)

#define INSN_OTHER_ROWS(X)                                                                         \
	X(TRAP) /* no instruction: the second word of INSN_CONST, the end of a section */          \
	X(CONST)                                                                                   \
	X(JUMP)                                                                                    \
	X(CALL)                                                                                    \
	X(HELPER)                                                                                  \
	X(LOOP) /* bpf_loop() */                                                                   \
	X(EACH) /* bpf_for_each_map_elem() */                                                      \
	X(EXIT)                                                                                    \
	X(ATOMIC)

/* In each group of four: 64 bits with a constant and with a register, then 32 bits. */
#define INSN_FOUR(NAME, ...)                                                                       \
	INSN_##NAME##_64K, INSN_##NAME##_64X, INSN_##NAME##_32K, INSN_##NAME##_32X,
/* The same for arithmetic that follows a move to the same register: two words, three registers. */
#define INSN_MOVED(NAME, ...)                                                                      \
	INSN_##NAME##_64K_M, INSN_##NAME##_64X_M, INSN_##NAME##_32K_M, INSN_##NAME##_32X_M,
#define INSN_ONE(NAME, ...) INSN_##NAME,
/* An address computed from any register, and one in the function's own stack frame. */
#define INSN_TWO(NAME, ...) INSN_##NAME, INSN_##NAME##_F,
/* The same for a register and for a constant. */
#define INSN_STORES(NAME, ...) INSN_##NAME##_X, INSN_##NAME##_XF, INSN_##NAME##_K, INSN_##NAME##_KF,

enum insn_op {
	/* clang-format off */
	INSN_OTHER_ROWS(INSN_ONE)
	INSN_UNARY_ROWS(INSN_ONE)
	INSN_FUSED_ROWS(INSN_ONE)
	INSN_ALU_ROWS(INSN_FOUR)
	INSN_ALU_ROWS(INSN_MOVED)
	INSN_JUMP_ROWS(INSN_FOUR)
	INSN_LOAD_ROWS(INSN_TWO)
	INSN_STORE_ROWS(INSN_STORES)
	/* clang-format on */
	_INSN_OPS,
};
_Static_assert(_INSN_OPS <= UINT8_MAX + 1, "struct insn has a byte for the operation");

#define INSN_N_REGS     11
#define INSN_FRAME      10 /* the register that points to the end of the frame */
#define INSN_FRAME_SIZE 512
