/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#ifndef PENSTOCK_FILTER_BPF_H
#define PENSTOCK_FILTER_BPF_H
/*
 * For filters: eBPF programs that run before and after the operations of a view, and for names.
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
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <penstock/filter.h>

#ifndef ENOENT
#include <asm-generic/errno.h>
#endif

/*
 * Declares the filter: flags (enum pst_filter_flag, or 0) and one line that says what it is for.
 * Each object has exactly one.
 */
#define PST_FILTER(FLAGS, SUMMARY)                                                                 \
	const volatile struct pst_filter_info pst_filter = {                                       \
		.abi = PST_FILTER_ABI,                                                             \
		.flags = (FLAGS),                                                                  \
		.summary = SUMMARY,                                                                \
	};                                                                                         \
	char pst_license[] SEC("license") = "Dual BSD/GPL"

/*
 * Declares an option, which users set by its name: `--filter hide,names=*.key`. What it is set to
 * here is the default:
 *
 *	PST_OPTION(__u32, percent, "how many of a hundred calls fail") = 100;
 *	PST_OPTION(struct pst_names, names, "what to hide");
 *
 * TYPE: an integer, _Bool, an array of char, struct pst_names, struct pst_ids, struct pst_paths.
 */
#define PST_OPTION(TYPE, NAME, HELP)                                                               \
	const volatile TYPE NAME __attribute__((btf_decl_tag("option: " HELP)))

/*
 * A program before, or after, an operation (PST_OPS), or a group of them (any, changes). CALL is the
 * name of its parameter, a struct pst_call *. It returns an enum pst_verdict or -errno.
 */
#define PST_PRE(OP, CALL)  PST_PROGRAM("pre/" #OP, pst_pre_##OP, CALL)
#define PST_POST(OP, CALL) PST_PROGRAM("post/" #OP, pst_post_##OP, CALL)

/*
 * The program for names. It is run whenever a name (call->name[0]) of a directory (call->node) that
 * the filter holds for is looked at: before every operation that takes it, and for each entry of a
 * listing. It returns PST_PASS; -ENOENT: the name is hidden, which means absent in every operation;
 * or another -errno, with which operations on the name are refused. It may set child.cell and
 * child.held for the name's file.
 */
#define PST_NAME(CALL) PST_PROGRAM("name", pst_name_program, CALL)

/* -- behind the scenes ----------------------------------------------------------------------- */

/* The calls under way; the engine puts its own memory in the place of this map. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct pst_call));
} pst_slots SEC(".maps");

/* Bytes of data that a slot has; a multiple of 4096. Known when the verifier looks. */
const volatile __u32 pst_data_size = 4096;

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

#endif
