/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_DATA_BPF_H
#define PENSTOCK_FILTER_DATA_BPF_H
/* Helpers of filters for the data of a call, listings and events. */

/* -- data ------------------------------------------------------------------------------------ */

/*
 * Returns a pointer to size bytes of the slot at offset at of the data, even after call->data_len,
 * or NULL if the slot is smaller. barrier_var() keeps the compiler from splitting the sum again:
 * the verifier could not prove the bound then, and would refuse the program.
 */
static __always_inline char *pst_data_at(struct pst_call *call, __u64 at, __u32 size)
{
	char *data;

	barrier_var(at);
	if (at > pst_data_size - size)
		return NULL;
	data = call->data + at;
	barrier_var(data);
	return data;
}

/*
 * Returns a pointer to len bytes of the call's data at offset at, or NULL if the data is shorter.
 * len must be a constant.
 */
static __always_inline void *pst_data(struct pst_call *call, __u64 at, __u32 len)
{
	return at + len > call->data_len || at + len < at ? NULL : pst_data_at(call, at, len);
}

/*
 * Defines a function that pst_data_each() calls for all data, block by block:
 *
 *	PST_DATA_FN(rot13, block, len, at, aux)
 *	{
 *		...
 *		return 0;
 *	}
 *	...
 *	pst_data_each(call, rot13, NULL);
 *
 * BLOCK is a char * to PST_BLOCK bytes. The first LEN bytes are data; LEN is smaller than PST_BLOCK
 * only in the last block, and the function may overwrite the bytes after the data there. AT is the
 * offset of the block in the data. AUX is the argument of pst_data_each(): NULL or pst_room(call).
 * A result other than 0 ends the loop.
 *
 * Write a loop over bytes as `for (i = 0; i < PST_BLOCK && i < len; i++)`. A loop over all eight
 * words of the block is eight times as fast.
 */
#define PST_BLOCK                              64
#define PST_DATA_FN(NAME, BLOCK, LEN, AT, AUX) PST_DATA_FN_OF(PST_BLOCK, NAME, BLOCK, LEN, AT, AUX)

/*
 * The same with blocks of SIZE bytes, a power of two from 8 to 4096. Each block costs about twenty
 * instructions more. So larger blocks make a function that handles words faster; a function that
 * handles bytes becomes larger and takes the verifier longer.
 */
#define PST_DATA_FN_OF(SIZE, NAME, BLOCK, LEN, AT, AUX)                                            \
	enum { NAME##_size = (SIZE) };                                                             \
	static __always_inline int NAME(char *BLOCK, __u32 LEN, __u64 AT, void *AUX);              \
	static long NAME##_block(__u64 pst_i, void *pst_ctx)                                       \
	{                                                                                          \
		struct pst_blocks *blocks = pst_ctx;                                               \
		__u64 at = pst_i * (SIZE);                                                         \
		__u32 left = blocks->len - (__u32)at;                                              \
		char *block = pst_data_at(blocks->call, at, SIZE);                                 \
                                                                                                   \
		if (!block)                                                                        \
			return 1;                                                                  \
		return NAME(block, left < (SIZE) ? left : (SIZE), at, blocks->aux) ? 1 : 0;        \
	}                                                                                          \
	static __always_inline int NAME(char *BLOCK, __u32 LEN, __u64 AT, void *AUX)

struct pst_blocks {
	struct pst_call *call;
	void *aux;
	__u32 len;
};

#define pst_data_each(CALL, FN, AUX)                                                               \
	({                                                                                         \
		struct pst_blocks pst_blocks = { .call = (CALL),                                   \
						 .aux = (AUX),                                     \
						 .len = (CALL)->data_len };                        \
                                                                                                   \
		bpf_loop((pst_blocks.len + FN##_size - 1) / FN##_size, FN##_block, &pst_blocks,    \
			 0);                                                                       \
	})

/* Returns the length in bytes of a text option (char[]), without its NUL. */
#define pst_text_len(OPTION) pst_text_end(OPTION, sizeof(OPTION))
static __always_inline __u32 pst_text_end(const volatile char *text, __u32 size)
{
	__u32 len = 0;

	while (len < size - 1 && text[len])
		len++;
	return len;
}

/* Returns whether the data (a link's target, an attribute's value) begins with a text option. */
#define pst_data_begins(CALL, OPTION) pst_data_is(CALL, OPTION, pst_text_len(OPTION))
static __always_inline int pst_data_is(struct pst_call *call, const volatile char *text, __u32 len)
{
	if (call->data_len < len)
		return 0;
	for (__u32 i = 0; i < len; i++) {
		const char *byte = pst_data_at(call, i, 1);

		if (!byte || *byte != text[i])
			return 0;
	}
	return 1;
}

/*
 * Moves one byte. If the data moves up, the last byte moves first, so that no byte is overwritten
 * before it has moved.
 */
PST_LOOP(pst_data_shift_byte, i, ctx)
{
	struct pst_call *call = *(struct pst_call **)ctx;
	struct pst_scratch *s = pst_scratch(call);
	__u64 at = s->to > s->from ? s->begin - 1 - i : i;
	const char *from = pst_data_at(call, s->from + at, 1);
	char *to = pst_data_at(call, s->to + at, 1);

	if (!from || !to)
		return 1;
	*to = *from;
	return 0;
}

/*
 * Moves the data that begins at offset from to offset to. Returns 0, -ERANGE if from is after the
 * end of the data, or -EOVERFLOW if the result does not fit.
 */
PST_HELPER int pst_data_shift(struct pst_call *call, __u64 from, __u64 to)
{
	struct pst_scratch *s = pst_scratch(call);
	__u32 len = call->data_len;

	if (from > len)
		return -ERANGE;
	len -= from;
	if (to + len > call->data_size)
		return -EOVERFLOW;
	s->from = from;
	s->to = to;
	s->begin = len;
	if (from != to)
		bpf_loop(len, pst_data_shift_byte, &call, 0);
	call->data_len = to + len;
	return 0;
}

/*
 * Replaces N bytes of data at AT by the option's text, and moves the bytes after them. Returns 0,
 * or -errno if there are fewer bytes or the result does not fit.
 */
#define pst_data_replace(CALL, AT, N, OPTION)                                                      \
	pst_data_put(CALL, AT, N, OPTION, pst_text_len(OPTION))
static __always_inline int pst_data_put(struct pst_call *call, __u32 at, __u32 n,
					const volatile char *text, __u32 len)
{
	int r = pst_data_shift(call, (__u64)at + n, (__u64)at + len);

	for (__u32 i = 0; i < len && r == 0; i++) {
		char *byte = pst_data_at(call, (__u64)at + i, 1);

		if (byte)
			*byte = text[i];
	}
	return r;
}

/* -- listings -------------------------------------------------------------------------------- */

/* Values of dirent->type, as in readdir(3). */
#define DT_UNKNOWN 0
#define DT_FIFO    1
#define DT_CHR     2
#define DT_DIR     4
#define DT_BLK     6
#define DT_REG     8
#define DT_LNK     10
#define DT_SOCK    12

/* The results of a function for entries, or for names of attributes. */
enum pst_entry_verdict {
	PST_KEEP = 0,
	PST_DROP = 1,
};

/*
 * Defines a function that pst_dirents() calls for each entry of a listing, in post/readdir:
 *
 *	PST_DIRENT_FN(no_sockets, call, dirent, entry, aux)
 *	{
 *		return dirent->type == DT_SOCK ? PST_DROP : PST_KEEP;
 *	}
 *	...
 *	pst_dirents(call, no_sockets, NULL);
 *
 * The entry's name is in call->name[0], for the helpers for names. DIRENT is the struct fuse_dirent
 * without the name; ENTRY is the struct fuse_entry_out, or NULL if the listing has no attributes.
 * To hide names use PST_NAME() instead, which hides them in all operations.
 */
#define PST_DIRENT_FN(NAME, CALL, DIRENT, ENTRY, AUX)                                              \
	static __always_inline int NAME(struct pst_call *CALL, struct fuse_dirent *DIRENT,         \
					struct fuse_entry_out *ENTRY, void *AUX);                  \
	static long NAME##_dirent(__u64 pst_i, void *pst_ctx)                                      \
	{                                                                                          \
		struct pst_blocks *blocks = pst_ctx;                                               \
		struct pst_call *pst_call = blocks->call;                                          \
		__u64 at = pst_scratch(pst_call)->from;                                            \
		struct fuse_entry_out *entry = NULL;                                               \
		struct fuse_dirent *dirent;                                                        \
		__u32 head = sizeof(*dirent);                                                      \
                                                                                                   \
		if (pst_call->in.read.read_flags & PST_READ_PLUS) {                                \
			entry = (void *)pst_data_at(pst_call, at, sizeof(*entry));                 \
			if (!entry)                                                                \
				return 1;                                                          \
			head += sizeof(*entry);                                                    \
		}                                                                                  \
		dirent = (void *)pst_data_at(pst_call, at + head - sizeof(*dirent),                \
					     sizeof(*dirent));                                     \
		if (!dirent || at + head > blocks->len)                                            \
			return 1;                                                                  \
		if (!pst_dirent_begin(pst_call, dirent->namelen, head, blocks->len))               \
			return 1;                                                                  \
		pst_dirent_end(pst_call, NAME(pst_call, dirent, entry, blocks->aux));              \
		return 0;                                                                          \
	}                                                                                          \
	static __always_inline int NAME(struct pst_call *CALL, struct fuse_dirent *DIRENT,         \
					struct fuse_entry_out *ENTRY, void *AUX)

static __always_inline void pst_name_end(struct pst_name *name, __u32 len)
{
	name->len = len;
	barrier_var(len);
	name->text[len & (PST_NAME_SIZE - 1)] = '\0';
}

/*
 * Copies the name of the entry at scratch.from to name[0], and sets scratch.begin to the size of
 * the entry. Returns 0 if the entry is invalid.
 */
PST_HELPER int pst_dirent_begin(struct pst_call *call, __u32 namelen, __u32 head, __u32 len)
{
	struct pst_scratch *s = pst_scratch(call);
	__u64 at = (__u64)s->from + head;
	struct pst_name *name = &call->name[0];

	if (!namelen || namelen >= PST_PATTERN_SIZE || at + namelen > len)
		return 0;
	for (__u32 i = 0; i < PST_PATTERN_SIZE; i += 8) {
		const char *word = pst_data_at(call, at + i, 8);

		if (i >= namelen)
			break;
		if (!word)
			return 0;
		*(__u64 *)(name->text + i) = *(const __u64 *)word;
	}
	pst_name_end(name, namelen);
	s->begin = (head + namelen + 7) & ~7U;
	return 1;
}

/* Moves eight bytes from scratch.from to scratch.to. */
PST_LOOP(pst_data_move, i, ctx)
{
	struct pst_call *call = *(struct pst_call **)ctx;
	char *from = pst_data_at(call, pst_scratch(call)->from + 8 * i, 8);
	char *to = pst_data_at(call, pst_scratch(call)->to + 8 * i, 8);

	if (!from || !to)
		return 1;
	*(__u64 *)to = *(const __u64 *)from;
	return 0;
}

PST_HELPER void pst_dirent_end(struct pst_call *call, int verdict)
{
	struct pst_scratch *s = pst_scratch(call);
	__u32 size = s->begin;

	if (verdict != PST_DROP) {
		if (s->to != s->from)
			bpf_loop(size / 8, pst_data_move, &call, 0);
		s->to += size;
	}
	s->from += size;
}

#define pst_dirents(CALL, FN, AUX)                                                                 \
	({                                                                                         \
		struct pst_blocks pst_blocks = { .call = (CALL),                                   \
						 .aux = (AUX),                                     \
						 .len = (CALL)->data_len };                        \
                                                                                                   \
		pst_scratch(CALL)->from = pst_scratch(CALL)->to = 0;                               \
		bpf_loop(pst_blocks.len / 24, FN##_dirent, &pst_blocks, 0);                        \
		(CALL)->data_len = pst_scratch(CALL)->to;                                          \
	})

/*
 * Defines a function that pst_xattrs() calls for each name in the answer of LISTXATTR (if
 * in.getxattr.size is not 0). The name is in call->name[0]:
 *
 *	PST_XATTR_FN(no_acl, call, aux) { ... return PST_KEEP; }
 *	...
 *	pst_xattrs(call, no_acl, NULL);
 */
#define PST_XATTR_FN(NAME, CALL, AUX)                                                              \
	static __always_inline int NAME(struct pst_call *CALL, void *AUX);                         \
	static long NAME##_xattr(__u64 pst_i, void *pst_ctx)                                       \
	{                                                                                          \
		struct pst_blocks *blocks = pst_ctx;                                               \
                                                                                                   \
		if (pst_xattr_byte(blocks->call, pst_i) &&                                         \
		    NAME(blocks->call, blocks->aux) == PST_DROP)                                   \
			pst_scratch(blocks->call)->to = pst_scratch(blocks->call)->begin;          \
		return 0;                                                                          \
	}                                                                                          \
	static __always_inline int NAME(struct pst_call *CALL, void *AUX)

/* Handles one byte. Returns 1 if it ends a name. */
PST_HELPER int pst_xattr_byte(struct pst_call *call, __u64 i)
{
	struct pst_scratch *s = pst_scratch(call);
	__u32 to = s->to, len = s->from;
	const char *from_byte = pst_data_at(call, i, 1);
	char *to_byte = pst_data_at(call, to, 1);
	char c;

	if (!from_byte || !to_byte)
		return 0;
	c = *from_byte;
	*to_byte = c;
	s->to = to + 1;
	if (!len)
		s->begin = to;
	barrier_var(len);
	if (len < PST_PATTERN_SIZE - 1)
		call->name[0].text[len] = c;
	call->name[0].len = len;
	s->from = c ? len + 1 : 0;
	return !c;
}

#define pst_xattrs(CALL, FN, AUX)                                                                  \
	({                                                                                         \
		struct pst_blocks pst_blocks = { .call = (CALL),                                   \
						 .aux = (AUX),                                     \
						 .len = (CALL)->data_len };                        \
                                                                                                   \
		pst_scratch(CALL)->from = pst_scratch(CALL)->to = 0;                               \
		bpf_loop(pst_blocks.len, FN##_xattr, &pst_blocks, 0);                              \
		(CALL)->data_len = pst_scratch(CALL)->to;                                          \
	})

/* -- events ---------------------------------------------------------------------------------- */

/*
 * Leaves an event for `penstock trace`: a word, which is a string constant, and two numbers. Drops
 * the event if the run has left PST_N_EVENTS already.
 */
#define pst_event(CALL, WORD, V0, V1)                                                              \
	do {                                                                                       \
		__u32 pst_n = (CALL)->n_events;                                                    \
                                                                                                   \
		_Static_assert(sizeof(WORD) <= PST_EVENT_SIZE, "a word of an event is short");     \
		if (pst_n < PST_N_EVENTS) {                                                        \
			struct pst_event *pst_event = &(CALL)->event[pst_n];                       \
                                                                                                   \
			__builtin_memset(pst_event->what, 0, sizeof(pst_event->what));             \
			__builtin_memcpy(pst_event->what, WORD, sizeof(WORD));                     \
			pst_event->value[0] = (V0);                                                \
			pst_event->value[1] = (V1);                                                \
			(CALL)->n_events = pst_n + 1;                                              \
		}                                                                                  \
	} while (0)

#endif
