// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Objects that are refused, each for the one reason that it is compiled for. */
#include <penstock/filter.bpf.h>

#ifdef BAD_ABI
const volatile struct pst_filter_info pst_filter = { .abi = 4711, .summary = "from the future" };
char bad_license[] SEC("license") = "Dual BSD/GPL";
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
