// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * rules: hides and protects files by the lines of a file of rules (docs/rules.md).
 *
 *	file=project.rules	the lines hide, allow, readonly, writable and deny
 *
 * `penstock mount --rules FILE` adds this filter, and others for the other verbs of the file.
 *
 * A hidden name is absent in every operation, and cannot be created (EPERM). A directory that is
 * hidden, but on the way to a file that a later line allows, is shown. A change of a read-only file
 * fails with EROFS, a denied operation with EPERM. The data of all files passes through.
 */
#include <penstock/filter-rules.bpf.h>

#include <asm/ioctl.h>

PST_FILTER(PST_CELLS | PST_HIDES | PST_JUDGES,
	   "hides and protects files by the lines of a file of rules");

PST_OPTION(struct pst_rules, file, "the file of rules: hide, allow, readonly, writable, deny")
PST_TAKES("verbs hide readonly deny");
PST_AT_LEAST_ONE_OF("file");

/* Returns the operations on a name that a line can deny, as bits. */
static __always_inline __u64 denied_by_name(const struct pst_call *call)
{
	switch (call->opcode) {
	case FUSE_CREATE:
		return PST_RULE_CREATE;
	case FUSE_MKDIR:
		return PST_RULE_MKDIR;
	case FUSE_MKNOD:
		return S_ISREG(call->child.attr.mode) ? PST_RULE_CREATE : PST_RULE_MKNOD;
	case FUSE_SYMLINK:
		return PST_RULE_SYMLINK;
	case FUSE_LINK:
		return PST_RULE_LINK;
	case FUSE_UNLINK:
		return PST_RULE_UNLINK;
	case FUSE_RMDIR:
		return PST_RULE_RMDIR;
	case FUSE_RENAME2:
		/* A rename removes the old name, and the file that has the new one. */
		return PST_RULE_RENAME |
		       (S_ISDIR(call->child.attr.mode) ? PST_RULE_RMDIR : PST_RULE_UNLINK);
	default:
		return 0;
	}
}

/* This program sees each name that is created, removed or replaced, and both names of a rename. */
PST_NAME(call)
{
	__u64 value;

	if (!file.n_fields) {
		call->child.held = pst_child_may_be_dir(call);
		return PST_PASS;
	}
	value = pst_rules_choose(&file, call, 1);
	if (value & PST_RULE_HIDE)
		return -ENOENT;
	if (!value && !pst_child_may_be_dir(call))
		call->child.held = 0;
	if ((value & PST_RULE_READONLY) && pst_op_changes(call->opcode))
		return -EROFS;
	return value & denied_by_name(call) ? -EPERM : PST_PASS;
}

/* Refuses an operation on a file with this cell. */
static __always_inline int refuse(__u64 cell, __u32 mode, __u64 denied, int changes)
{
	__u64 value = pst_rules_value(&file, cell, mode);

	if (changes && (value & PST_RULE_READONLY))
		return -EROFS;
	return value & denied ? -EPERM : PST_PASS;
}

PST_PRE(open, call)
{
	__u32 flags = call->in.open.flags, access = flags & O_ACCMODE;
	/* O_ACCMODE (3) opens a file for ioctl(2) only, with the rights to read and write. */
	int writes = access || (flags & O_TRUNC);
	__u64 denied = 0;

	if (flags & PST_OPEN_EXEC)
		denied |= PST_RULE_EXEC;
	else if (access != O_WRONLY)
		denied |= PST_RULE_READ;
	if (writes)
		denied |= PST_RULE_WRITE;
	if (flags & O_TRUNC)
		denied |= PST_RULE_TRUNCATE;
	return refuse(call->cell, call->node.attr.mode, denied, writes);
}

/* The program for names has refused what it can; a new file may be opened for writing. */
PST_PRE(create, call)
{
	if (!(call->in.create.flags & O_ACCMODE))
		return PST_PASS;
	return refuse(call->child.cell, S_IFREG, PST_RULE_WRITE, 0);
}

PST_PRE(setattr, call)
{
	__u32 valid = call->in.setattr.valid;
	__u64 denied = 0;

	if (valid & FATTR_MODE)
		denied |= PST_RULE_CHMOD;
	if (valid & (FATTR_UID | FATTR_GID))
		denied |= PST_RULE_CHOWN;
	if (valid & (FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW))
		denied |= PST_RULE_UTIME;
	if (valid & FATTR_SIZE)
		denied |= PST_RULE_TRUNCATE | PST_RULE_WRITE;
	return refuse(call->cell, call->node.attr.mode, denied, 1);
}

PST_PRE(setxattr, call)
{
	return refuse(call->cell, call->node.attr.mode, PST_RULE_XATTR, 1);
}

PST_PRE(removexattr, call)
{
	return refuse(call->cell, call->node.attr.mode, PST_RULE_XATTR, 1);
}

PST_PRE(fallocate, call)
{
	return refuse(call->cell, call->node.attr.mode, 0, 1);
}

/* A file without a name does not reach the program for names. */
PST_PRE(tmpfile, call)
{
	return refuse(call->cell, call->node.attr.mode, PST_RULE_CREATE, 1);
}

PST_POST(tmpfile, call)
{
	if (!call->error)
		call->child.cell = pst_rules_value_shown(&file, call, S_IFREG);
	return PST_PASS;
}

/* A new name changes the link count and ctime of the file, even in another directory. */
PST_PRE(link, call)
{
	return refuse(call->cell2, call->node2.attr.mode, PST_RULE_LINK, 1);
}

PST_PRE(copy, call)
{
	return refuse(call->cell2, call->node2.attr.mode, 0, 1);
}

/* An ioctl that passes data to the kernel and gets none back sets something: flags, verity. */
PST_PRE(ioctl, call)
{
	int sets = _IOC_DIR(call->in.ioctl.cmd) == _IOC_WRITE;

	return refuse(call->cell, call->node.attr.mode, PST_RULE_IOCTL, sets);
}
