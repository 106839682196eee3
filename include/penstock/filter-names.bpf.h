/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
#include <penstock/filter.bpf.h>

#ifndef PENSTOCK_FILTER_NAMES_BPF_H
#define PENSTOCK_FILTER_NAMES_BPF_H
/*
 * Helpers of filters for names, globs and IDs. Options are constant when a filter is loaded, so the
 * verifier removes the code that an empty list does not need.
 *
 * Names longer than 255 bytes match nothing: no file system has them.
 */

/* The patterns of all options. The engine fills this map before it loads the filter. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_pattern);
} pst_patterns SEC(".maps");

/* -- single names ---------------------------------------------------------------------------- */

/* Returns the bytes of name I (0 or 1) of the call, without its NUL. */
static __always_inline __u32 pst_name_len(const struct pst_call *call, __u32 i)
{
	return call->name[i & 1].len;
}

/* Returns whether name I (0 or 1) of CALL is LITERAL, a string constant. */
#define pst_name_is(CALL, I, LITERAL)                                                              \
	pst_text_is((CALL)->name[(I)&1].text, "" LITERAL, sizeof(LITERAL))

/*
 * Returns whether the first size bytes are equal. size must be a constant of at most PST_NAME_SIZE.
 */
static __always_inline int pst_text_is(const volatile char *text, const char *literal, __u32 size)
{
	for (__u32 i = 0; i < size; i++)
		if (text[i] != literal[i])
			return 0;
	return 1;
}

/* -- globs ----------------------------------------------------------------------------------- */

/* The constants of matching a glob; its variables are in scratch. */
struct pst_glob {
	struct pst_scratch *scratch;
	const char *pattern, *text;
	__u32 pattern_len, text_len;
};

/* Returns a character of a text in a buffer of PST_PATTERN_SIZE bytes. */
static __always_inline int pst_char_at(const char *text, __u32 at)
{
	/* The compiler must keep this bound, although it knows others, for the verifier. */
	barrier_var(at);
	return (__u8)text[at & (PST_PATTERN_SIZE - 1)];
}

static __always_inline int pst_glob_char(const struct pst_glob *glob, __u32 at)
{
	return at < glob->pattern_len ? pst_char_at(glob->pattern, at) : -1;
}

/*
 * Goes back to the last star, and lets the star match one character more than before. Returns 1 if
 * there is no star, so the text does not match.
 */
static __always_inline long pst_glob_back(struct pst_scratch *s)
{
	if (!s->star_at)
		return 1;
	s->text_at = ++s->star_text_at;
	s->pattern_at = s->star_at;
	s->in_set = 0;
	return 0;
}

/* Handles one character or range of a set, or its end. */
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
 * Returns whether the text matches the glob. In a glob, * matches any characters, ? one character,
 * [a-z] one character of a set, and [!a-z] one that is not in the set; a character after \ has no
 * special meaning. pattern and text must be in buffers of PST_PATTERN_SIZE bytes, even if they are
 * shorter.
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
	/* At worst each character of the text is compared with the whole pattern. */
	bpf_loop(PST_PATTERN_SIZE * PST_PATTERN_SIZE, pst_glob_step, &glob, 0);
	return s->found;
}

/* -- lists of names -------------------------------------------------------------------------- */

/* Eight bytes as a number: the first byte, or the last, becomes the highest. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define pst_first_highest(word) __builtin_bswap64(word)
#define pst_last_highest(word)  (word)
#else
#define pst_first_highest(word) (word)
#define pst_last_highest(word)  __builtin_bswap64(word)
#endif

/* Returns the number with all bytes but the n highest set to zero; n is at most 8. */
static __always_inline __u64 pst_highest(__u64 number, __u32 n)
{
	return n < 8 ? number & ~(~0ULL >> (8 * n)) : number;
}

/* Returns how many words of a text the keys of a list can have. */
static __always_inline __u32 pst_key_words(const volatile struct pst_names *names)
{
	return names->key_words ? names->key_words : PST_KEY_WORDS;
}

/*
 * Sets scratch.key to the beginning of the text: that many words, and zeros. text must be in a
 * buffer of 512 bytes.
 */
static __always_inline void pst_key_begin(struct pst_scratch *s, const char *text, __u32 len,
					  __u32 words)
{
	for (__u32 i = 0; i < PST_KEY_WORDS; i++) {
		__u32 left = len > 8 * i ? len - 8 * i : 0;

		s->key[i] = 0;
		if (i < words)
			s->key[i] = pst_highest(pst_first_highest(*(const __u64 *)(text + 8 * i)),
						left < 8 ? left : 8);
	}
}

/* Sets scratch.key to the end of the text, backwards. */
static __always_inline void pst_key_end(struct pst_scratch *s, const char *text, __u32 len,
					__u32 words)
{
	for (__u32 i = 0; i < PST_KEY_WORDS; i++) {
		__u32 left = len > 8 * i ? len - 8 * i : 0, at = left > 8 ? left - 8 : 0;
		__u64 word;

		s->key[i] = 0;
		if (i >= words || !left)
			continue;
		barrier_var(at);
		word = pst_last_highest(*(const __u64 *)(text + (at & (PST_PATTERN_SIZE - 1))));
		s->key[i] = left < 8 ? word << (8 * (8 - left)) : word;
	}
}

/* The constants of a search in rows. */
struct pst_search {
	struct pst_call *call;
	const char *text;
	__u32 len;
};

/* Returns whether the row's key is greater than the text. */
static __always_inline int pst_row_behind(const struct pst_pattern *row,
					  const struct pst_scratch *s)
{
	for (int i = 0; i < PST_KEY_WORDS; i++)
		if (row->key[i] != s->key[i])
			return row->key[i] > s->key[i];
	return 0;
}

/* Returns whether the text begins with the row's key. */
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

/* Returns whether the text, which begins with the row's key, matches the row. */
static __always_inline int pst_row_fits(const struct pst_search *search,
					const struct pst_pattern *row)
{
	if (row->kind == PST_PATTERN_EXACT)
		return row->key_len == search->len;
	if (row->kind == PST_PATTERN_OPEN)
		return 1;
	return pst_glob(search->call, row->text, row->len, search->text, search->len);
}

/* One step of the binary search for the first row whose key is greater than the text. */
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
 * Tries a row, and goes on to the next row that may match. All rows whose key the text begins with
 * are at this row or before it. If the text begins with this row's key, the search goes on with the
 * row before it. If not, all rows left are proper beginnings of this row's key, and row->shorter is
 * the last of them. Sets scratch.found if the row matches. Returns 1 if no row is left.
 */
static __always_inline long pst_rows_step(const struct pst_search *search)
{
	struct pst_scratch *s = pst_scratch(search->call);
	__u32 at = s->row;
	const struct pst_pattern *row;

	s->found = 0;
	row = bpf_map_lookup_elem(&pst_patterns, &at);
	if (!row)
		return 1;
	if (!pst_row_begins(row, s)) {
		s->row = row->shorter;
		return 0;
	}
	s->row = at - 1;
	s->found = pst_row_fits(search, row);
	return at == s->row_first;
}

PST_LOOP(pst_rows_try, i, ctx)
{
	const struct pst_search *search = ctx;
	long is_last = pst_rows_step(search);

	return is_last || pst_scratch(search->call)->found;
}

/*
 * Finds the last of n rows that may match the text, from which pst_rows_try() starts. Returns 0 if
 * there is none. scratch.key is set.
 */
static __always_inline int pst_rows_begin(const struct pst_search *search, __u32 at, __u32 n)
{
	struct pst_scratch *s = pst_scratch(search->call);

	s->row_first = s->row = at;
	s->row_end = at + n;
	s->found = 0;
	/* A single row is tried without a search. */
	if (n == 1)
		return 1;
	bpf_loop(32, pst_rows_halve, (void *)search, 0);
	return s->row-- != at;
}

/* Returns whether one of n rows matches the text. scratch.key is set. */
static __always_inline int pst_rows_find(const struct pst_search *search, __u32 at, __u32 n)
{
	if (pst_rows_begin(search, at, n))
		bpf_loop(n, pst_rows_try, (void *)search, 0);
	return pst_scratch(search->call)->found;
}

/* pst_names_match() for a text in a buffer of 512 bytes. */
PST_HELPER int pst_names_find(const volatile struct pst_names *names, struct pst_call *call,
			      const char *text, __u32 len)
{
	const struct pst_search search = { .call = call, .text = text, .len = len };
	__u32 words = pst_key_words(names);
	struct pst_scratch *s = pst_scratch(call);

	if (len >= PST_PATTERN_SIZE)
		return 0;
	if (names->n_begins) {
		pst_key_begin(s, text, len, words);
		if (pst_rows_find(&search, names->begins_at, names->n_begins))
			return 1;
	}
	if (names->n_ends) {
		pst_key_end(s, text, len, words);
		return pst_rows_find(&search, names->ends_at, names->n_ends);
	}
	return 0;
}

/*
 * Returns whether name I (0 or 1) of the call matches a pattern of an option (struct pst_names).
 * The number of patterns hardly matters, except for globs with the same beginning and end, which
 * are tried one by one. An empty list matches nothing.
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
 * Returns whether the call's operation matches an option's list of names of operations ("setattr")
 * and globs ("*xattr"). An empty list matches nothing.
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

/* Returns whether a number is in an option's list (struct pst_ids). An empty list has none. */
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
