// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * audit: reports each operation as an event for `penstock trace`, which adds the caller, the
 * operation, the path, and the flags of the operation in words.
 *
 *	ops=unlink:rename:set*	names and globs of operations (default: all)
 *	changes_only		only operations that change something or open for writing
 *	uid=1000-1999		only operations of these users (default: all)
 *
 * rules-audit reports only operations on the files of the lines audit of a file of rules
 * (docs/rules.md):
 *
 *	rules=project.rules	the file
 *
 * An event is "ok" or "refused". Its first number is the errno, its second the flags of an open or
 * rename, the members that a SETATTR sets, or the command of an ioctl.
 *
 * The filter sees the requests that reach the view, but not answers from the kernel's cache, nor
 * reads and writes of files that pass through: these show only as an open and a release.
 */
#ifdef AUDIT_RULES
#include <penstock/filter-rules.bpf.h>

PST_FILTER(PST_CELLS | PST_REPORTS, "reports operations on the files that a file of rules gives");

PST_OPTION(struct pst_rules, rules, "the file of rules: audit") PST_TAKES("verbs audit");
PST_AT_LEAST_ONE_OF("rules");
#else
#include <penstock/filter.bpf.h>

PST_FILTER(PST_REPORTS, "reports operations and their results as events");
#endif

PST_LIST_OF(ops, PST_OP_WORDS, "names and globs of operations to report (default: all)")
PST_OF_PROGRAMS PST_TAKES("elsewhere read write : data passes through the filter unseen; use open");
PST_OPTION(_Bool, changes_only, "only operations that change something or open for writing")
PST_OF_CHANGES;
PST_OPTION(struct pst_ids, uid, "users to report (default: all)") PST_TAKES("users");

static __always_inline int changes(const struct pst_call *call)
{
	if (call->opcode == FUSE_OPEN)
		return call->in.open.flags & (O_ACCMODE | O_TRUNC);
	return pst_op_changes(call->opcode);
}

static __always_inline __u64 asked_for(const struct pst_call *call)
{
	switch (call->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return call->in.open.flags;
	case FUSE_CREATE:
	case FUSE_TMPFILE:
		return call->in.create.flags;
	case FUSE_RENAME2:
		return call->in.rename.flags;
	case FUSE_SETATTR:
		return call->in.setattr.valid;
	case FUSE_IOCTL:
		return call->in.ioctl.cmd;
	default:
		return 0;
	}
}

#ifdef AUDIT_RULES
PST_NAME(call)
{
	pst_rules_choose(&rules, call, 1);
	return PST_PASS;
}

/* Returns the values of lines that match the file of the operation, and both names of a rename. */
static __always_inline __u64 audit_of(struct pst_call *call)
{
	struct pst_scratch *s = pst_scratch(call);
	__u64 value;

	if (!pst_op_on_entry(call->opcode))
		return pst_rules_value(&rules, call->cell, call->node.attr.mode);
	if ((call->cell & PST_RULES_UNKNOWN) || pst_rules_step(&rules, call, call->cell))
		return rules.all;
	/* The type of a removed file is not known. */
	value = pst_ranks_value(&rules, s->file) | pst_ranks_value(&rules, s->dir);
	if (call->opcode == FUSE_RENAME2)
		value |= pst_rules_value(&rules, call->child.cell, call->child.attr.mode);
	if (call->opcode == FUSE_LINK)
		value |= pst_rules_value(&rules, call->cell2, call->node2.attr.mode);
	return value;
}
#endif

PST_POST(any, call)
{
#ifdef AUDIT_RULES
	__u64 value = audit_of(call);

	if (!value || (value == PST_RULE_AUDIT_CHANGES && !changes(call)))
		return PST_PASS;
#endif
	if (changes_only && !changes(call))
		return PST_PASS;
	if (uid.n && !pst_ids_match(&uid, call->caller.uid))
		return PST_PASS;
	if (call->error)
		pst_event(call, "refused", -call->error, asked_for(call));
	else
		pst_event(call, "ok", 0, asked_for(call));
	return PST_PASS;
}
