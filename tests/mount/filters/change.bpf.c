// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * For the mount ring: changes one argument, or one result, of one operation; the option what says
 * which.
 */
#include <penstock/filter.bpf.h>

PST_FILTER(0, "changes an argument");

PST_OPTION(char, what[24], "what is changed");

#define is(WORD)              pst_text_is(what, WORD, sizeof(WORD))
#define set_text(WHERE, WORD) __builtin_memcpy(WHERE, WORD, sizeof(WORD))

PST_PRE(setattr, call)
{
	struct fuse_setattr_in *in = &call->in.setattr;

	if (is("mode") && (in->valid & FATTR_MODE))
		in->mode &= ~077;
	if (is("size") && (in->valid & FATTR_SIZE))
		in->size = 7;
	if (is("times") && (in->valid & FATTR_MTIME)) {
		in->valid &= ~FATTR_MTIME_NOW;
		in->mtime = 1000000000;
		in->mtimensec = 123456789;
	}
	if (is("owner") && (in->valid & FATTR_UID))
		in->uid = 1234;
	if (is("nothing"))
		in->valid = 0;
	if (is("done"))
		return PST_DONE;
	return PST_PASS;
}

PST_PRE(create, call)
{
	if (is("mode"))
		call->in.create.mode = S_IFREG | 0600;
	if (is("name") && pst_name_is(call, 0, "seen"))
		set_text(call->name[0].text, "real");
	if (is("caller")) {
		call->caller.uid = 1234;
		call->caller.gid = 2345;
	}
	return PST_PASS;
}

PST_PRE(tmpfile, call)
{
	if (is("mode"))
		call->in.create.mode = S_IFREG | 0600;
	if (is("caller")) {
		call->caller.uid = 1234;
		call->caller.gid = 2345;
	}
	return PST_PASS;
}

PST_PRE(mkdir, call)
{
	if (is("mode"))
		call->in.mkdir.mode = 0700;
	if (is("umask"))
		call->in.mkdir.umask = 0;
	if (is("name") && pst_name_is(call, 0, "seen"))
		set_text(call->name[0].text, "real");
	if (is("caller")) {
		call->caller.uid = 1234;
		call->caller.gid = 2345;
	}
	return PST_PASS;
}

PST_PRE(mknod, call)
{
	if (is("mode"))
		call->in.mknod.mode = (call->in.mknod.mode & S_IFMT) | 0600;
	if (is("caller")) {
		call->caller.uid = 1234;
		call->caller.gid = 2345;
	}
	return PST_PASS;
}

PST_PRE(symlink, call)
{
	if (is("target") && call->data_len == 3) {
		set_text(call->data, "a longer target");
		call->data_len = 15;
	}
	if (is("caller")) {
		call->caller.uid = 1234;
		call->caller.gid = 2345;
	}
	return PST_PASS;
}

PST_POST(readlink, call)
{
	if (!call->error && is("readlink")) {
		__builtin_memcpy(call->data, "shown", 5);
		call->data_len = 5;
	}
	return PST_PASS;
}

PST_PRE(open, call)
{
	if (is("trunc"))
		call->in.open.flags &= ~01000;
	return PST_PASS;
}

PST_PRE(lookup, call)
{
	if (is("name") && pst_name_is(call, 0, "seen"))
		set_text(call->name[0].text, "real");
	return PST_PASS;
}

PST_PRE(unlink, call)
{
	if (is("name") && pst_name_is(call, 0, "seen"))
		set_text(call->name[0].text, "real");
	return PST_PASS;
}

PST_PRE(rmdir, call)
{
	if (is("name") && pst_name_is(call, 0, "seen"))
		set_text(call->name[0].text, "real");
	return PST_PASS;
}

PST_PRE(rename, call)
{
	if (is("name") && pst_name_is(call, 0, "seen"))
		set_text(call->name[0].text, "real");
	if (is("name") && pst_name_is(call, 1, "seen"))
		set_text(call->name[1].text, "real");
	return PST_PASS;
}

PST_PRE(link, call)
{
	if (is("name") && pst_name_is(call, 0, "seen"))
		set_text(call->name[0].text, "real");
	return PST_PASS;
}

PST_DIRENT_FN(shown, call, dirent, entry, aux)
{
	return PST_KEEP;
}

/* What is not changed can be dropped. */
PST_DIRENT_FN(dropped, call, dirent, entry, aux)
{
	return pst_name_is(call, 0, "dropped") ? PST_DROP : PST_KEEP;
}

PST_POST(readdir, call)
{
	if (!call->error && is("drop"))
		pst_dirents(call, dropped, NULL);
	if (!call->error && is("keep"))
		pst_dirents(call, shown, NULL);
	return PST_PASS;
}

PST_PRE(setxattr, call)
{
	if (is("xattr") && pst_name_is(call, 0, "user.seen")) {
		set_text(call->name[0].text, "user.real");
		__builtin_memcpy(call->data, "another value", 13);
		call->data_len = 13;
	}
	if (is("xattr-flags"))
		call->in.setxattr.flags = 1; /* XATTR_CREATE */
	return PST_PASS;
}

PST_PRE(getxattr, call)
{
	if (is("xattr") && pst_name_is(call, 0, "user.seen"))
		set_text(call->name[0].text, "user.real");
	return PST_PASS;
}

PST_PRE(removexattr, call)
{
	if (is("xattr") && pst_name_is(call, 0, "user.seen"))
		set_text(call->name[0].text, "user.real");
	return PST_PASS;
}

PST_POST(getxattr, call)
{
	if (is("value") && !call->error && call->in.getxattr.size >= 5) {
		__builtin_memcpy(call->data, "shown", 5);
		call->data_len = 5;
	}
	if (is("value") && !call->error && !call->in.getxattr.size)
		call->out.getxattr.size = 5;
	return PST_PASS;
}

PST_XATTR_FN(not_seen, call, aux)
{
	return pst_name_is(call, 0, "user.seen") ? PST_DROP : PST_KEEP;
}

PST_POST(listxattr, call)
{
	if (is("list") && !call->error && call->in.getxattr.size)
		pst_xattrs(call, not_seen, NULL);
	return PST_PASS;
}

PST_PRE(fallocate, call)
{
	if (is("fallocate"))
		call->in.fallocate.length = 4096;
	if (is("fallocate-mode"))
		call->in.fallocate.mode = 1; /* FALLOC_FL_KEEP_SIZE */
	return PST_PASS;
}

PST_PRE(lseek, call)
{
	if (is("lseek"))
		call->in.lseek.offset = 0;
	return PST_PASS;
}

PST_POST(lseek, call)
{
	if (is("lseek-out") && !call->error)
		call->out.lseek.offset = 42;
	return PST_PASS;
}

PST_PRE(copy, call)
{
	if (is("copy")) {
		call->in.copy.off_in = 2;
		call->in.copy.len = 3;
	}
	return PST_PASS;
}

PST_POST(statfs, call)
{
	if (is("statfs") && !call->error)
		call->out.statfs.st.bfree = call->out.statfs.st.bavail = 0;
	return PST_PASS;
}
