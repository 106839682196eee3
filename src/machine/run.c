// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The interpreter. An instruction ends by jumping to the code of the next one, so the processor
 * predicts each of these jumps by itself.
 *
 * A run counts the words that it executes only where it jumps or returns: a function executes as
 * many as there are from its first to its last instruction, without those over which it jumps
 * forward, and with those over which it jumps back. Calls, also those by helpers, use no stack of
 * the process.
 *
 * Locking: none. Programs of several threads may access the same values at the same time, as in the
 * kernel; each access reads or writes a number once.
 */
#include "machine/run.h"
#include "machine/helper.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

/* The kernel has the same limit. */
#define MAX_LOOPS (1u << 23)

#define STACK_END(depth) (RUN_ADDRESS(RUN_STACK) + ((depth) + 1) * INSN_FRAME_SIZE)

/* Numbers that may be unaligned, and that other threads may change meanwhile. */
#define NUMBER(type)                                                                               \
	struct {                                                                                   \
		volatile type n;                                                                   \
	} __attribute__((packed, may_alias))

#define NO_TSAN __attribute__((no_sanitize("thread")))

/* -- calls -------------------------------------------------------------- */

/*
 * Begins the next call of the frame's function. Returns true and the arguments, or false and the
 * helper's result.
 */
static bool call_again(struct run *run, struct frame *frame, uint64_t *r)
{
	struct map *map = frame->map;
	int64_t element;

	if (!map) {
		r[0] = r[1] = frame->i;
		r[2] = frame->argument;
		return frame->i++ < frame->n;
	}
	element = map_next(map, frame->i);
	r[0] = frame->n_done;
	if (element < 0)
		return false;
	run->cost += element - frame->i;
	frame->i = (uint32_t)element + 1;
	frame->n_done++;
	r[1] = RUN_MAP_POINTER + (uint64_t)(map - run->maps);
	r[2] = r[3] = map->address + (uint64_t)element * map->stride;
	r[3] += map->value_at + run_cpu(run, map) * (uint64_t)map->value_room;
	r[4] = frame->argument;
	if (!map->hash) {
		run->context.key[run->depth - 1] = (uint32_t)element;
		r[2] = RUN_ADDRESS(RUN_CONTEXT) + offsetof(struct run_context, key) +
		       (run->depth - 1) * sizeof(uint32_t);
	}
	return true;
}

/* Returns whether a function that a helper has called is to be called again. */
static bool loop_continues(struct run *run, struct frame *frame, uint64_t *r)
{
	if (!r[0])
		return call_again(run, frame, r);
	r[0] = frame->map ? frame->n_done : frame->i;
	return false;
}

/* Enters a frame. Returns the frame that it has left, or NULL if there are too many. */
static struct frame *push(struct run *run, const struct insn *call, const uint64_t *r)
{
	struct frame *frame = &run->frames[run->depth];

	if (run->depth + 1 == RUN_MAX_FRAMES) {
		run->why = "calls functions that are nested too deep";
		return NULL;
	}
	run->depth++;
	if (run->depth == run->n_clean)
		run_clean_frame(run);
	frame->call = call;
	frame->function = NULL;
	memcpy(frame->saved, &r[6], sizeof(frame->saved));
	return frame;
}

/* Each of the next functions returns the next instruction, or NULL if the run ends or fails. */
static const struct insn *begin_call(struct run *run, const struct insn *pc, const uint64_t *r)
{
	return push(run, pc, r) ? pc + pc->off : NULL;
}

/*
 * Carries out bpf_loop() and bpf_for_each_map_elem(), which call a function many times.
 *
 * The kernel replaces a call of bpf_loop() by instructions if it is certain of the function and
 * that flags are 0. These compare all 64 bits of the count, and return an error of 32 bits.
 */
static const struct insn *begin_loop(struct run *run, const struct insn *pc, uint64_t *r)
{
	bool is_each = pc->op == INSN_EACH;
	uint64_t function = r[2] - RUN_FUNCTION, flags = r[4];
	struct map *map = is_each ? run_map(run, r[1]) : NULL;
	uint64_t n = r[1];
	struct frame *frame;

	if (function >= run->n_code || (is_each && (!map || map->of.is_calls))) {
		run->why = "gives a helper something else than a map or a function";
		return NULL;
	}
	r[0] = flags ? (uint64_t)-EINVAL : (uint32_t)-E2BIG;
	if (flags || (!is_each && n > MAX_LOOPS))
		return pc + 1;
	frame = push(run, pc, r);
	if (!frame)
		return NULL;
	frame->function = run->code + function;
	frame->map = map;
	frame->argument = r[3];
	frame->i = frame->n_done = 0;
	frame->n = (uint32_t)n;
	if (call_again(run, frame, r))
		return frame->function;
	run->depth--;
	return pc + 1;
}

static const struct insn *leave(struct run *run, const struct insn *pc, uint64_t *r)
{
	const struct insn *first;
	struct frame *frame;

	if (!run->depth)
		return NULL;
	frame = &run->frames[run->depth - 1];
	first = frame->function ? frame->function : frame->call + frame->call->off;
	run->cost = pc - first + 1;
	memcpy(&r[6], frame->saved, sizeof(frame->saved));
	if (frame->function && loop_continues(run, frame, r))
		return frame->function;
	run->depth--;
	return frame->call + 1;
}

static const struct insn *call_helper(struct run *run, const struct insn *pc, uint64_t *r)
{
	r[0] = helper_find(pc->off)(run, &r[1]);
	return run->why ? NULL : pc + 1;
}

static const struct insn *leave_block(struct run *run, const struct insn *pc, uint64_t *r)
{
	switch (pc->op) {
	case INSN_HELPER:
		return call_helper(run, pc, r);
	case INSN_CALL:
		return begin_call(run, pc, r);
	case INSN_EXIT:
		return leave(run, pc, r);
	default:
		return begin_loop(run, pc, r);
	}
}

/* -- atomic instructions ----------------------------------------------------------------------- */

#define ATOMIC(TYPE)                                                                               \
	do {                                                                                       \
		TYPE *at = place, b = (TYPE)r[pc->src], old = (TYPE)r[0];                          \
                                                                                                   \
		switch (pc->imm & ~BPF_FETCH) {                                                    \
		case BPF_ADD:                                                                      \
			old = __atomic_fetch_add(at, b, __ATOMIC_SEQ_CST);                         \
			break;                                                                     \
		case BPF_OR:                                                                       \
			old = __atomic_fetch_or(at, b, __ATOMIC_SEQ_CST);                          \
			break;                                                                     \
		case BPF_AND:                                                                      \
			old = __atomic_fetch_and(at, b, __ATOMIC_SEQ_CST);                         \
			break;                                                                     \
		case BPF_XOR:                                                                      \
			old = __atomic_fetch_xor(at, b, __ATOMIC_SEQ_CST);                         \
			break;                                                                     \
		case BPF_XCHG & ~BPF_FETCH:                                                        \
			old = __atomic_exchange_n(at, b, __ATOMIC_SEQ_CST);                        \
			break;                                                                     \
		default:                                                                           \
			__atomic_compare_exchange_n(at, &old, b, false, __ATOMIC_SEQ_CST,          \
						    __ATOMIC_SEQ_CST);                             \
			r[0] = old;                                                                \
			return true;                                                               \
		}                                                                                  \
		if (pc->imm & BPF_FETCH)                                                           \
			r[pc->src] = old;                                                          \
	} while (0)

/* Carries out an atomic instruction. Returns false if it accesses other memory. */
static bool atomic(const struct run *run, const struct insn *pc, uint64_t *r)
{
	void *place = run_place(run, r[pc->dst] + (int64_t)pc->off, pc->with, true);

	if (!place || (uintptr_t)place % pc->with)
		return false;
	if (pc->with == 8)
		ATOMIC(uint64_t);
	else
		ATOMIC(uint32_t);
	return true;
}

/* -- the interpreter --------------------------------------------------------------------------- */

#define DISPATCH goto *(pc->code)
#define SKIP(n)                                                                                    \
	do {                                                                                       \
		pc += (n);                                                                         \
		DISPATCH;                                                                          \
	} while (0)
#define NEXT SKIP(1)
#define JUMP                                                                                       \
	do {                                                                                       \
		const int32_t off = pc->off;                                                       \
                                                                                                   \
		pc += off;                                                                         \
		steps += off - 1;                                                                  \
		if (steps < 0)                                                                     \
			goto too_long;                                                             \
		DISPATCH;                                                                          \
	} while (0)

/* The code of each row of insn.h. */
#define UNUSED __attribute__((unused))
#define ALU(OP, U, S, N, A, B, RESULT, WORDS)                                                      \
	at_##OP:                                                                                   \
	{                                                                                          \
		typedef U UNSIGNED UNUSED;                                                         \
		enum { BITS UNUSED = (N) };                                                        \
		const U a UNUSED = (U)r[A], b UNUSED = (U)(B);                                     \
		const S sa UNUSED = (S)a, sb UNUSED = (S)b;                                        \
                                                                                                   \
		r[pc->dst] = (U)(RESULT);                                                          \
	}                                                                                          \
	SKIP(WORDS);
#define ALU_FOUR(NAME, M, A, RESULT, WORDS)                                                        \
	ALU(NAME##_64K##M, uint64_t, int64_t, 64, A, (int64_t)pc->imm, RESULT, WORDS)              \
	ALU(NAME##_64X##M, uint64_t, int64_t, 64, A, r[pc->src], RESULT, WORDS)                    \
	ALU(NAME##_32K##M, uint32_t, int32_t, 32, A, pc->imm, RESULT, WORDS)                       \
	ALU(NAME##_32X##M, uint32_t, int32_t, 32, A, r[pc->src], RESULT, WORDS)
#define ALU_ROW(NAME, CODE, RESULT)                                                                \
	ALU_FOUR(NAME, , pc->dst, RESULT, 1)                                                       \
	ALU_FOUR(NAME, _M, pc->with, RESULT, 2)
#define FUSED_ROW(NAME, WORDS, RESULT)                                                             \
	at_##NAME:                                                                                 \
	{                                                                                          \
		const uint64_t b = r[pc->src];                                                     \
                                                                                                   \
		r[pc->dst] = (uint64_t)(RESULT);                                                   \
	}                                                                                          \
	SKIP(WORDS);
#define UNARY_ROW(NAME, RESULT) FUSED_ROW(NAME, 1, RESULT)

#define TAKE_IF(OP, U, S, B, CONDITION)                                                            \
	at_##OP:                                                                                   \
	{                                                                                          \
		const U a UNUSED = (U)r[pc->dst], b UNUSED = (U)(B);                               \
		const S sa UNUSED = (S)a, sb UNUSED = (S)b;                                        \
                                                                                                   \
		if (CONDITION)                                                                     \
			JUMP;                                                                      \
	}                                                                                          \
	NEXT;
#define JUMP_ROW(NAME, CODE, CONDITION)                                                            \
	TAKE_IF(NAME##_64K, uint64_t, int64_t, (int64_t)pc->imm, CONDITION)                        \
	TAKE_IF(NAME##_64X, uint64_t, int64_t, r[pc->src], CONDITION)                              \
	TAKE_IF(NAME##_32K, uint32_t, int32_t, pc->imm, CONDITION)                                 \
	TAKE_IF(NAME##_32X, uint32_t, int32_t, r[pc->src], CONDITION)

#define LOAD(OP, TYPE, PLACE)                                                                      \
	at_##OP:                                                                                   \
	{                                                                                          \
		const NUMBER(TYPE) *at = (const void *)(PLACE);                                    \
                                                                                                   \
		if (!at)                                                                           \
			goto bad_load;                                                             \
		r[pc->dst] = (uint64_t)at->n;                                                      \
	}                                                                                          \
	NEXT;
#define LOAD_ROW(NAME, TYPE)                                                                       \
	LOAD(NAME, TYPE, run_place(run, r[pc->src] + (int64_t)pc->off, sizeof(TYPE), false))       \
	LOAD(NAME##_F, TYPE, frame_end + pc->off)
#define STORE(OP, TYPE, PLACE, VALUE)                                                              \
	at_##OP:                                                                                   \
	{                                                                                          \
		NUMBER(TYPE) *at = (void *)(PLACE);                                                \
                                                                                                   \
		if (!at)                                                                           \
			goto bad_store;                                                            \
		at->n = (TYPE)(VALUE);                                                             \
	}                                                                                          \
	NEXT;
#define STORE_ROW(NAME, TYPE)                                                                      \
	STORE(NAME##_X, TYPE, run_place(run, r[pc->dst] + (int64_t)pc->off, sizeof(TYPE), true),   \
	      r[pc->src])                                                                          \
	STORE(NAME##_K, TYPE, run_place(run, r[pc->dst] + (int64_t)pc->off, sizeof(TYPE), true),   \
	      (int64_t)pc->imm)                                                                    \
	STORE(NAME##_XF, TYPE, frame_end + pc->off, r[pc->src])                                    \
	STORE(NAME##_KF, TYPE, frame_end + pc->off, (int64_t)pc->imm)

#define LABEL_ONE(NAME, ...) [INSN_##NAME] = &&at_##NAME,
#define LABEL_TWO(NAME, ...) LABEL_ONE(NAME) LABEL_ONE(NAME##_F)
#define LABEL_FOUR(NAME, ...)                                                                      \
	LABEL_ONE(NAME##_64K) LABEL_ONE(NAME##_64X) LABEL_ONE(NAME##_32K) LABEL_ONE(NAME##_32X)
#define LABEL_MOVED(NAME, ...)                                                                     \
	LABEL_ONE(NAME##_64K_M)                                                                    \
	LABEL_ONE(NAME##_64X_M) LABEL_ONE(NAME##_32K_M) LABEL_ONE(NAME##_32X_M)
#define LABEL_STORES(NAME, ...)                                                                    \
	LABEL_ONE(NAME##_X) LABEL_ONE(NAME##_XF) LABEL_ONE(NAME##_K) LABEL_ONE(NAME##_KF)

/* clang-format off */
#define LABELS                                                                                     \
	INSN_OTHER_ROWS(LABEL_ONE) INSN_UNARY_ROWS(LABEL_ONE) INSN_FUSED_ROWS(LABEL_ONE)           \
	INSN_ALU_ROWS(LABEL_FOUR) INSN_ALU_ROWS(LABEL_MOVED) INSN_JUMP_ROWS(LABEL_FOUR)            \
	INSN_LOAD_ROWS(LABEL_TWO) INSN_STORE_ROWS(LABEL_STORES)
/* clang-format on */

static int fail(struct run *run, const char *why)
{
	run->why = why;
	return -EIO;
}

/* As run_from(). If run is NULL, only sets *ret_labels to the code of each operation. */
NO_TSAN
static int interpret(struct run *run, const struct insn *pc, int64_t steps, uint64_t *ret_value,
		     const void *const **ret_labels)
{
	static const void *const labels[] = { LABELS };
	uint64_t r[INSN_N_REGS] = { [1] = RUN_ADDRESS(RUN_CONTEXT), [INSN_FRAME] = STACK_END(0) };
	char *frame_end = run ? run->stack + INSN_FRAME_SIZE : NULL;

	if (!run) {
		*ret_labels = labels;
		return 0;
	}
	DISPATCH;
	/* clang-format off */
	INSN_ALU_ROWS(ALU_ROW)
	INSN_UNARY_ROWS(UNARY_ROW)
	INSN_FUSED_ROWS(FUSED_ROW)
	INSN_JUMP_ROWS(JUMP_ROW)
	INSN_LOAD_ROWS(LOAD_ROW)
	INSN_STORE_ROWS(STORE_ROW)
	/* clang-format on */
at_CONST:
	r[pc->dst] = pc->wide;
	SKIP(2);
at_JUMP:
	JUMP;
at_ATOMIC:
	if (!atomic(run, pc, r))
		goto bad_store;
	NEXT;
at_HELPER:
at_LOOP:
at_EACH:
at_CALL:
at_EXIT:
	pc = leave_block(run, pc, r);
	if (!pc) {
		*ret_value = r[0];
		return run->why ? -EIO : 0;
	}
	steps -= run->cost;
	if (steps < 0)
		goto too_long;
	run->cost = 0;
	frame_end = run->stack + (run->depth + 1) * INSN_FRAME_SIZE;
	r[INSN_FRAME] = STACK_END(run->depth);
	DISPATCH;
at_TRAP:
	return fail(run, "leaves its code");
bad_load:
	return fail(run, "reads memory other than that of its call, its stack and its maps");
bad_store:
	return fail(run, "writes memory other than that of its call, its stack and its maps");
too_long:
	return fail(run, "takes too long");
}

void run_prepare(struct insn *code, size_t n)
{
	const void *const *labels;

	interpret(NULL, NULL, 0, NULL, &labels);
	for (size_t i = 0; i < n; i++)
		code[i].code = labels[code[i].op];
}

int run_from(struct run *run, const struct insn *pc, int64_t steps, uint64_t *ret_value)
{
	return interpret(run, pc, steps, ret_value, NULL);
}
