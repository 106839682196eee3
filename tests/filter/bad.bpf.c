// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Objects that are refused. Each is compiled with one macro -DBAD_REASON, see tests/meson.build. */
#include <penstock/filter.bpf.h>

#ifdef BAD_ABI
/* The object is of another version of the filter ABI. */
const volatile struct pst_filter_info pst_filter = { .abi = 4711, .summary = "from the future" };
char bad_license[] SEC("license") = "Dual BSD/GPL";
#elif defined(BAD_LICENCE)
const volatile struct pst_filter_info pst_filter = { .abi = PST_FILTER_ABI };
char bad_license[] SEC("license") = "Proprietary";
#elif defined(BAD_FOREIGN)
/* The object has no PST_FILTER(), so it is an eBPF object of another program. */
char bad_license[] SEC("license") = "Dual BSD/GPL";
#else
PST_FILTER(0, "is refused");
#endif

/* A value that the verifier cannot bound. */
#define UNKNOWN (call->in.read.size)

#if defined(BAD_SECTION)
/* The section names an operation that does not exist ("lokup"). */
SEC("penstock/pre/lokup") int program(struct pst_ctx *ctx)
{
	return 0;
}
#elif defined(BAD_SYSCALL)
/* The section names a system call (chmod) instead of an operation (setattr). */
PST_PRE(chmod, call)
{
	return 0;
}
#elif defined(BAD_TWICE)
/* Two programs have the same section. */
SEC("penstock/pre/lookup") int first(struct pst_ctx *ctx)
{
	return 0;
}
SEC("penstock/pre/lookup") int second(struct pst_ctx *ctx)
{
	return 0;
}
#elif defined(BAD_EMPTY)
/* The object has no programs. */
#elif defined(BAD_TAKEN)
/* The option has the name of one that every filter has. */
PST_OPTION(__u32, pin, "has the name of an option that every filter has");
PST_PRE(lookup, call)
{
	return pin;
}
#elif defined(BAD_TYPE)
/* The option has a type that options cannot have. */
PST_OPTION(struct pst_ctx, odd, "has a type that options cannot have");
PST_PRE(lookup, call)
{
	return odd.slot;
}
#elif defined(BAD_BOUNDS)
/* Writes to data at an index that is not checked. */
PST_PRE(write, call)
{
	call->data[UNKNOWN] = 0;
	return 0;
}
#elif defined(BAD_LOOP)
/* Loops without a bound that the verifier can find. */
PST_PRE(lookup, call)
{
	while (((volatile struct pst_call *)call)->error != 1)
		((volatile struct pst_call *)call)->error++;
	return 0;
}
#elif defined(BAD_LONG)
/* A bounded loop, then an access without a check. The log of the verifier has megabytes. */
PST_POST(read, call)
{
	for (__u32 i = 0; i < 5000 && i < call->data_len; i++)
		call->data[i] ^= 0x20;
	call->data[UNKNOWN] = 0;
	return 0;
}
#elif defined(BAD_PATHS)
/* Two nested loops of 4096 rounds are too many instructions for the verifier. */
PST_POST(read, call)
{
	__u32 n = 0;

	for (int i = 0; i < 4096; i++)
		for (int k = 0; k < 4096; k++)
			n += call->data[i] == call->data[k] ? 1 : 3;
	return n & 1;
}
#elif defined(BAD_NAME)
/* Reads the last byte of a name without a check that the name is not empty. */
PST_PRE(unlink, call)
{
	return call->name[0].text[call->name[0].len - 1] == '~' ? -EPERM : 0;
}
#elif defined(BAD_BLOCK)
/* Writes one byte past the end of a block of data. */
PST_DATA_FN(terminate, block, len, at, aux)
{
	block[len] = 0;
	return 0;
}
PST_POST(read, call)
{
	pst_data_each(call, terminate, NULL);
	return 0;
}
#elif defined(BAD_STACK)
/* Two functions with 300 bytes each exceed the stack. */
static __attribute__((noinline)) int inner(struct pst_call *call)
{
	volatile char large[300];

	for (int i = 0; i < 300; i++)
		large[i] = i;
	return large[UNKNOWN & 127];
}
PST_PRE(open, call)
{
	volatile char large[300];

	for (int i = 0; i < 300; i++)
		large[i] = i;
	return inner(call) + large[UNKNOWN & 127];
}
#elif defined(BAD_HELPER)
/* Calls a kernel helper that this type of program may not call. */
PST_PRE(open, call)
{
	return bpf_skb_load_bytes((void *)call, 0, call->data, 4);
}
#elif defined(BAD_LIBRARY)
/* Calls a function of the C library. */
int strcmp(const char *a, const char *b);
PST_PRE(unlink, call)
{
	return strcmp(call->name[0].text, "core") ? 0 : -EPERM;
}
#elif defined(BAD_LICENCE)
/* Calls a helper that is reserved for GPL programs, with another licence. */
PST_PRE(open, call)
{
	bpf_printk("opened");
	return 0;
}
#elif defined(BAD_VARIABLE)
/* The option is not a constant, because the program writes to it. */
int limit __attribute__((btf_decl_tag("option: can be changed"))) = 5;
PST_PRE(open, call)
{
	return limit++ > 5 ? -EMFILE : 0;
}
#elif defined(BAD_CALLBACK)
/* The callback of a loop returns a value other than 0 and 1. */
PST_LOOP(again, i, ctx)
{
	return 5;
}
PST_PRE(open, call)
{
	bpf_loop(10, again, &call, 0);
	return 0;
}
#elif defined(BAD_AUX)
/* Passes a loop a context that does not lie on the stack. */
PST_LOOP(once, i, ctx)
{
	return 1;
}
PST_PRE(open, call)
{
	bpf_loop(10, once, call, 0);
	return 0;
}
#elif defined(BAD_NULL)
/* Uses the result of a map lookup without a check for NULL. */
SEC("penstock/pre/lookup") int unchecked(struct pst_ctx *ctx)
{
	__u32 slot = ctx->slot;
	struct pst_call *call = bpf_map_lookup_elem(&pst_slots, &slot);

	return call->opcode;
}
#else
/* A correct program, for objects that are refused for another reason: abi, foreign, no -g. */
PST_PRE(lookup, call)
{
	return UNKNOWN;
}
#endif
