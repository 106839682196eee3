// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/* Each program is one helper of <penstock/filter.bpf.h>, for test-help.c. */
#include <penstock/filter.bpf.h>

PST_FILTER(PST_CELLS, "helpers, one by one");

PST_OPTION(struct pst_names, names, "for open");
PST_OPTION(struct pst_names, ops, "for any");
PST_OPTION(struct pst_paths, paths, "for names");
PST_OPTION(struct pst_ids, ids, "for getattr");
PST_OPTION(char, from[64], "for readlink");
PST_OPTION(char, to[64], "for readlink");

PST_NAME(call)
{
	pst_paths_step(&paths, call);
	return pst_paths_inside(call->child.cell);
}

PST_PRE(any, call)
{
	return pst_op_match(&ops, call);
}

PST_PRE(lookup, call)
{
	return pst_glob(call, call->name[1].text, pst_name_len(call, 1), call->name[0].text,
			pst_name_len(call, 0));
}

PST_PRE(open, call)
{
	return pst_names_match(&names, call, 1);
}

PST_PRE(unlink, call)
{
	return pst_name_is(call, 0, "lost+found");
}

PST_PRE(getattr, call)
{
	return pst_ids_match(&ids, call->caller.uid);
}

PST_PRE(statfs, call)
{
	for (int i = 0; i < 5; i++)
		pst_event(call, "word", i, 10 * i);
	return PST_PASS;
}

/* Returns the number at the offset of the request, or -ERANGE. */
PST_PRE(lseek, call)
{
	__u64 *number = pst_data(call, call->in.lseek.offset, sizeof(*number));

	return number ? (int)*number : -ERANGE;
}

/*
 * Replaces the text "from", with which the data has to begin, by "to"; the first byte of the
 * request is the offset.
 */
PST_POST(readlink, call)
{
	if (!pst_data_begins(call, from))
		return -ENOENT;
	return pst_data_replace(call, call->in.bytes[0], pst_text_len(from), to);
}

struct sum {
	__u64 bytes, blocks, sum;
	__u64 gaps; /* blocks that are not where the one before ended */
	__u64 stop_at;
};

PST_DATA_FN(add, block, len, at, aux)
{
	struct sum *sum = aux;

	sum->gaps += at != sum->bytes;
	sum->bytes += len;
	sum->blocks++;
	for (__u32 i = 0; i < PST_BLOCK && i < len; i++)
		sum->sum += (__u8)block[i];
	return sum->blocks == sum->stop_at;
}

PST_PRE(write, call)
{
	struct sum *sum = pst_room(call);

	*sum = (struct sum){ .stop_at = call->in.write.offset };
	pst_data_each(call, add, sum);
	__builtin_memcpy(call->out.bytes, sum, sizeof(*sum));
	return PST_PASS;
}

PST_DIRENT_FN(no_drops, call, dirent, entry, aux)
{
	int *n = aux;

	*n += 1;
	if (entry && entry->attr.mode != dirent->type)
		return PST_DROP;
	return pst_names_match(&names, call, 0) ? PST_DROP : PST_KEEP;
}

PST_POST(readdir, call)
{
	int *n = pst_room(call);

	*n = 0;
	pst_dirents(call, no_drops, n);
	return *n;
}

PST_XATTR_FN(no_users, call, aux)
{
	int *n = aux;

	*n += 1;
	return pst_name_is(call, 0, "user.secret") ? PST_DROP : PST_KEEP;
}

PST_POST(listxattr, call)
{
	int *n = pst_room(call);

	*n = 0;
	pst_xattrs(call, no_users, n);
	return *n;
}
