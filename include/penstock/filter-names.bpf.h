/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_NAMES_BPF_H
#define PENSTOCK_FILTER_NAMES_BPF_H
/*
 * For filters: names, globs, ids. What options of these types hold is constant when a filter
 * is loaded, so the verifier removes what an empty list needs no code for.
 *
 * Names longer than 255 bytes match nothing: no file system has them.
 */

/* The patterns of all options; the engine fills it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_pattern);
} pst_patterns SEC(".maps");

/* -- single names ---------------------------------------------------------------------------- */

/* Bytes of name I (0 or 1) of the call, without its NUL. */
static __always_inline __u32 pst_name_len(const struct pst_call *call, __u32 i)
{
	return call->name[i & 1].len;
}

/* Whether name I (0 or 1) of CALL is LITERAL, a string constant. */
#define pst_name_is(CALL, I, LITERAL)                                                              \
	pst_text_is((CALL)->name[(I)&1].text, "" LITERAL, sizeof(LITERAL))

/* Whether the first size bytes are the same; size is a constant of at most PST_NAME_SIZE. */
static __always_inline int pst_text_is(const volatile char *text, const char *literal, __u32 size)
{
	for (__u32 i = 0; i < size; i++)
		if (text[i] != literal[i])
			return 0;
	return 1;
}

/* -- globs ----------------------------------------------------------------------------------- */

/* Constant while a glob is matched; what changes is in scratch. */
struct pst_glob {
	struct pst_scratch *scratch;
	const char *pattern, *text;
	__u32 pattern_len, text_len;
};

/* A character of a text with PST_PATTERN_SIZE bytes of room. */
static __always_inline int pst_char_at(const char *text, __u32 at)
{
	/*
	 * What the compiler concludes from other bounds the verifier cannot know: here is one for
	 * it.
	 */
	barrier_var(at);
	return (__u8)text[at & (PST_PATTERN_SIZE - 1)];
}

static __always_inline int pst_glob_char(const struct pst_glob *glob, __u32 at)
{
	return at < glob->pattern_len ? pst_char_at(glob->pattern, at) : -1;
}

/* What was tried does not fit: the last star takes one character more. 1: there is none. */
static __always_inline long pst_glob_back(struct pst_scratch *s)
{
	if (!s->star_at)
		return 1;
	s->text_at = ++s->star_text_at;
	s->pattern_at = s->star_at;
	s->in_set = 0;
	return 0;
}

/* One character or range of a set, or its end. */
static __always_inline long pst_glob_set(const struct pst_glob *glob, int c)
{
	struct pst_scratch *s = glob->scratch;
	__u32 at = s->pattern_at;
	int from, to = pst_glob_char(glob, at);

	if (to == ']') {
		s->in_set = 0;
		s->pattern_at = at + 1;
		s->text_at++;
		return s->hit != s->negated ? 0 : pst_glob_back(s);
	}
	if (to == '\\')
		to = pst_glob_char(glob, ++at);
	from = to;
	at++;
	if (pst_glob_char(glob, at) == '-' && pst_glob_char(glob, at + 1) != ']') {
		to = pst_glob_char(glob, ++at);
		if (to == '\\')
			to = pst_glob_char(glob, ++at);
		at++;
	}
	if (to < 0)
		return 1;
	if (from <= c && c <= to)
		s->hit = 1;
	s->pattern_at = at;
	return 0;
}

PST_LOOP(pst_glob_step, i, ctx)
{
	const struct pst_glob *glob = ctx;
	struct pst_scratch *s = glob->scratch;
	__u32 at = s->pattern_at, text_at = s->text_at;
	int p = pst_glob_char(glob, at), c = -1;

	if (text_at < glob->text_len)
		c = pst_char_at(glob->text, text_at);
	if (s->in_set)
		return pst_glob_set(glob, c);
	if (p == '*') {
		s->pattern_at = s->star_at = at + 1;
		s->star_text_at = text_at;
		return 0;
	}
	if (c < 0) {
		s->found = p < 0;
		return 1;
	}
	if (p == '[') {
		s->negated = pst_glob_char(glob, at + 1) == '!';
		s->pattern_at = at + 1 + s->negated;
		s->hit = 0;
		s->in_set = 1;
		return 0;
	}
	if (p == '\\')
		p = pst_glob_char(glob, ++at);
	else if (p == '?')
		p = c;
	if (p != c)
		return pst_glob_back(s);
	s->pattern_at = at + 1;
	s->text_at = text_at + 1;
	return 0;
}

/*
 * Whether the text fits the glob: * for any characters, ? for one, [a-z] for one of these, [!a-z]
 * for one of the others, and \ before a character that stands for itself. Both have
 * PST_PATTERN_SIZE bytes of room, whatever their lengths.
 */
PST_HELPER int pst_glob(struct pst_call *call, const char *pattern, __u32 pattern_len,
			const char *text, __u32 text_len)
{
	struct pst_scratch *s = pst_scratch(call);
	struct pst_glob glob = {
		.scratch = s,
		.pattern = pattern,
		.text = text,
		.pattern_len = pattern_len,
		.text_len = text_len,
	};

	if (pattern_len > PST_PATTERN_SIZE || text_len >= PST_PATTERN_SIZE)
		return 0;
	s->pattern_at = s->text_at = s->star_at = s->star_text_at = 0;
	s->in_set = s->found = 0;
	/* Each character of the text may have the whole pattern tried on it. */
	bpf_loop(PST_PATTERN_SIZE * PST_PATTERN_SIZE, pst_glob_step, &glob, 0);
	return s->found;
}

/* -- lists of names -------------------------------------------------------------------------- */

/* Eight bytes as a number whose highest byte is the first, or the last, of them. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define pst_first_highest(word) __builtin_bswap64(word)
#define pst_last_highest(word)  (word)
#else
#define pst_first_highest(word) (word)
#define pst_last_highest(word)  __builtin_bswap64(word)
#endif

/* The first n bytes of such a number; n is at most 8. */
static __always_inline __u64 pst_highest(__u64 number, __u32 n)
{
	return n < 8 ? number & ~(~0ULL >> (8 * n)) : number;
}

/* Makes the beginning of the text, which has 512 bytes of room, what keys are compared with. */
static __always_inline void pst_key_begin(struct pst_scratch *s, const char *text, __u32 len)
{
	for (__u32 i = 0; i < PST_KEY_WORDS; i++) {
		__u32 left = len > 8 * i ? len - 8 * i : 0;
		__u64 word = *(const __u64 *)(text + 8 * i);

		s->key[i] = pst_highest(pst_first_highest(word), left < 8 ? left : 8);
	}
}

/* ... or its end, backwards. */
static __always_inline void pst_key_end(struct pst_scratch *s, const char *text, __u32 len)
{
	for (__u32 i = 0; i < PST_KEY_WORDS; i++) {
		__u32 left = len > 8 * i ? len - 8 * i : 0, at = left > 8 ? left - 8 : 0;
		__u64 word;

		barrier_var(at);
		word = pst_last_highest(*(const __u64 *)(text + (at & (PST_PATTERN_SIZE - 1))));
		if (left < 8)
			word = left ? word << (8 * (8 - left)) : 0;
		s->key[i] = word;
	}
}

/* Constant while rows are gone through. */
struct pst_search {
	struct pst_call *call;
	const char *text;
	__u32 len;
};

/* Whether the row's key comes after the text. */
static __always_inline int pst_row_behind(const struct pst_pattern *row,
					  const struct pst_scratch *s)
{
	for (int i = 0; i < PST_KEY_WORDS; i++)
		if (row->key[i] != s->key[i])
			return row->key[i] > s->key[i];
	return 0;
}

/* Whether the text begins with the row's key. */
static __always_inline int pst_row_begins(const struct pst_pattern *row,
					  const struct pst_scratch *s)
{
	__u32 len = row->key_len;

	for (int i = 0; i < PST_KEY_WORDS; i++) {
		__u64 word = s->key[i];

		if (len < 8)
			return row->key[i] == pst_highest(word, len);
		if (row->key[i] != word)
			return 0;
		len -= 8;
	}
	return 1;
}

/* Whether the text, which begins with the row's key, fits the row. */
static __always_inline int pst_row_fits(const struct pst_search *search,
					const struct pst_pattern *row)
{
	if (row->kind == PST_PATTERN_EXACT)
		return row->key_len == search->len;
	if (row->kind == PST_PATTERN_OPEN)
		return 1;
	return pst_glob(search->call, row->text, row->len, search->text, search->len);
}

/* Halves the rows among which is the first whose key comes after the text. */
PST_LOOP(pst_rows_halve, i, ctx)
{
	const struct pst_search *search = ctx;
	struct pst_scratch *s = pst_scratch(search->call);
	__u32 middle = s->row + (s->row_end - s->row) / 2;
	const struct pst_pattern *row;

	if (s->row >= s->row_end)
		return 1;
	row = bpf_map_lookup_elem(&pst_patterns, &middle);
	if (!row)
		return 1;
	if (pst_row_behind(row, s))
		s->row_end = middle;
	else
		s->row = middle + 1;
	return 0;
}

/*
 * Tries a row. Keys that the text begins with come before the row: if the row's own is one of them,
 * the next is at the row before it or reached from there; if not, it is a shorter beginning of the
 * row's key.
 */
PST_LOOP(pst_rows_try, i, ctx)
{
	const struct pst_search *search = ctx;
	struct pst_scratch *s = pst_scratch(search->call);
	__u32 at = s->row;
	const struct pst_pattern *row;

	row = bpf_map_lookup_elem(&pst_patterns, &at);
	if (!row)
		return 1;
	if (!pst_row_begins(row, s)) {
		s->row = row->shorter;
		return 0;
	}
	s->row = at - 1;
	s->found = pst_row_fits(search, row);
	return s->found || at == s->row_first;
}

/* Whether one of n rows fits the text, whose key is set. */
static __always_inline int pst_rows_find(const struct pst_search *search, __u32 at, __u32 n)
{
	struct pst_scratch *s = pst_scratch(search->call);

	s->row_first = s->row = at;
	s->row_end = at + n;
	s->found = 0;
	bpf_loop(32, pst_rows_halve, (void *)search, 0);
	if (s->row == at)
		return 0;
	s->row--;
	bpf_loop(n, pst_rows_try, (void *)search, 0);
	return s->found;
}

/* pst_names_match() for a text with 512 bytes of room. */
PST_HELPER int pst_names_find(const volatile struct pst_names *names, struct pst_call *call,
			      const char *text, __u32 len)
{
	const struct pst_search search = { .call = call, .text = text, .len = len };
	struct pst_scratch *s = pst_scratch(call);

	if (len >= PST_PATTERN_SIZE)
		return 0;
	if (names->n_begins) {
		pst_key_begin(s, text, len);
		if (pst_rows_find(&search, names->begins_at, names->n_begins))
			return 1;
	}
	if (names->n_ends) {
		pst_key_end(s, text, len);
		return pst_rows_find(&search, names->ends_at, names->n_ends);
	}
	return 0;
}

/*
 * Whether name I (0 or 1) of the call is one of an option's (struct pst_names). However many patterns
 * there are costs next to nothing, but for globs that begin and end alike: these are tried one by
 * one. An empty list matches nothing.
 */
static __always_inline int pst_names_match(const volatile struct pst_names *names,
					   struct pst_call *call, __u32 i)
{
	if (!names->n)
		return 0;
	return pst_names_find(names, call, call->name[i & 1].text, call->name[i & 1].len);
}

#define PST_OP_NAME(NAME, OPCODE, FACTS) [OPCODE] = #NAME,

/*
 * Whether the call's operation is one of an option's names, which are those of programs
 * ("setattr"), or globs ("*xattr"). An empty list matches nothing.
 */
static __always_inline int pst_op_match(const volatile struct pst_names *names,
					struct pst_call *call)
{
	static const char op_names[64][16] __attribute__((aligned(8))) = { PST_OPS(PST_OP_NAME) };
	struct pst_scratch *s = pst_scratch(call);
	__u32 opcode = call->opcode, len = 0;

	if (!names->n || opcode >= 64)
		return 0;
	while (len < 15 && op_names[opcode][len])
		len++;
	__builtin_memcpy(s->text, op_names[opcode], sizeof(op_names[0]));
	return pst_names_find(names, call, s->text, len);
}

/* Whether the number is in an option's list (struct pst_ids). An empty one has none. */
static __always_inline int pst_ids_match(const volatile struct pst_ids *ids, __u64 value)
{
	for (__u32 i = 0; i < PST_MAX_RANGES; i++) {
		if (i >= ids->n)
			break;
		if (ids->range[i].from <= value && value <= ids->range[i].to)
			return 1;
	}
	return 0;
}

#endif
