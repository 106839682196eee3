// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Objects that are refused, each for the one reason that it is compiled for. */
#include <penstock/filter.bpf.h>

#ifdef BAD_ABI
const volatile struct pst_filter_info pst_filter = { .abi = 4711, .summary = "from the future" };
char bad_license[] SEC("license") = "Dual BSD/GPL";
#elif defined(BAD_LICENCE)
const volatile struct pst_filter_info pst_filter = { .abi = PST_FILTER_ABI };
char bad_license[] SEC("license") = "Proprietary";
#elif defined(BAD_FOREIGN)
char bad_license[] SEC("license") = "Dual BSD/GPL";
#else
PST_FILTER(0, "is refused");
#endif

/* Something a program may depend on that the verifier cannot know. */
#define UNKNOWN (call->in.read.size)

#if defined(BAD_SECTION)
SEC("penstock/pre/lokup") int program(struct pst_ctx *ctx)
{
	return 0;
}
#elif defined(BAD_SYSCALL)
PST_PRE(chmod, call)
{
	return 0;
}
#elif defined(BAD_TWICE)
SEC("penstock/pre/lookup") int first(struct pst_ctx *ctx)
{
	return 0;
}
SEC("penstock/pre/lookup") int second(struct pst_ctx *ctx)
{
	return 0;
}
#elif defined(BAD_EMPTY)
/* No programs at all. */
#elif defined(BAD_TAKEN)
PST_OPTION(__u32, pin, "has the name of an option that every filter has");
PST_PRE(lookup, call)
{
	return pin;
}
#elif defined(BAD_TYPE)
PST_OPTION(struct pst_ctx, odd, "has a type that options cannot have");
PST_PRE(lookup, call)
{
	return odd.slot;
}
#elif defined(BAD_BOUNDS)
PST_PRE(write, call)
{
	call->data[UNKNOWN] = 0;
	return 0;
}
#elif defined(BAD_LOOP)
PST_PRE(lookup, call)
{
	while (((volatile struct pst_call *)call)->error != 1)
		((volatile struct pst_call *)call)->error++;
	return 0;
}
#elif defined(BAD_LONG)
/* The walk through this has megabytes. */
PST_POST(read, call)
{
	for (__u32 i = 0; i < 5000 && i < call->data_len; i++)
		call->data[i] ^= 0x20;
	call->data[UNKNOWN] = 0;
	return 0;
}
#elif defined(BAD_PATHS)
PST_POST(read, call)
{
	__u32 n = 0;

	for (int i = 0; i < 4096; i++)
		for (int k = 0; k < 4096; k++)
			n += call->data[i] == call->data[k] ? 1 : 3;
	return n & 1;
}
#elif defined(BAD_NAME)
PST_PRE(unlink, call)
{
	return call->name[0].text[call->name[0].len - 1] == '~' ? -EPERM : 0;
}
#elif defined(BAD_BLOCK)
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
PST_PRE(open, call)
{
	return bpf_skb_load_bytes((void *)call, 0, call->data, 4);
}
#elif defined(BAD_LIBRARY)
int strcmp(const char *a, const char *b);
PST_PRE(unlink, call)
{
	return strcmp(call->name[0].text, "core") ? 0 : -EPERM;
}
#elif defined(BAD_LICENCE)
PST_PRE(open, call)
{
	bpf_printk("opened");
	return 0;
}
#elif defined(BAD_VARIABLE)
int limit __attribute__((btf_decl_tag("option: can be changed"))) = 5;
PST_PRE(open, call)
{
	return limit++ > 5 ? -EMFILE : 0;
}
#elif defined(BAD_CALLBACK)
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
SEC("penstock/pre/lookup") int unchecked(struct pst_ctx *ctx)
{
	__u32 slot = ctx->slot;
	struct pst_call *call = bpf_map_lookup_elem(&pst_slots, &slot);

	return call->opcode;
}
#else
PST_PRE(lookup, call)
{
	return UNKNOWN;
}
#endif
