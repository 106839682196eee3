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

/* The maps that the engine fills with the patterns of all options. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pst_pattern);
} pst_patterns SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct pst_pattern_key);
	__type(value, __u32);
} pst_pattern_index SEC(".maps");

/* -- single names ---------------------------------------------------------------------------- */

/* Bytes of name I (0 or 1) of the call, without its NUL. */
static __always_inline __u32 pst_name_len(const struct pst_call *call, __u32 i)
{
	return call->name[i & 1].len;
}

/* Whether name I (0 or 1) of CALL is LITERAL, a string constant. */
#define pst_name_is(CALL, I, LITERAL)                                                              \
	pst_text_is((CALL)->name[(I) & 1].text, "" LITERAL, sizeof(LITERAL))

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

/* Makes the text the one of the key, zero-filled; it has PST_PATTERN_SIZE bytes of room. */
static __always_inline void pst_key_set(struct pst_scratch *s, const char *text, __u32 len)
{
	__u32 tail = len & (PST_PATTERN_SIZE - 8);

	__builtin_memset(&s->key, 0, sizeof(s->key));
	s->key.len = len;
	for (__u32 i = 0; i < PST_PATTERN_SIZE - 8; i += 8) {
		if (i >= tail)
			break;
		*(__u64 *)(s->key.text + i) = *(const __u64 *)(text + i);
	}
	barrier_var(tail);
	tail &= PST_PATTERN_SIZE - 8;
	*(__u64 *)(s->key.text + tail) = *(const __u64 *)(text + tail) & pst_word_mask(len % 8);
}

/* Constant while a list is gone through. */
struct pst_search {
	const volatile struct pst_names *names;
	struct pst_call *call;
	const char *text;
	__u32 len;
};

static __always_inline int pst_key_find(struct pst_scratch *s, __u32 table, __u32 kind)
{
	s->key.table = table;
	s->key.kind = kind;
	return bpf_map_lookup_elem(&pst_pattern_index, &s->key) != NULL;
}

/*
 * The number of the only bit that is set. Without branches, each of which the verifier would
 * follow.
 */
static __always_inline __u32 pst_bit_number(__u64 bit)
{
	__u64 below = bit - 1;

	below -= below >> 1 & 0x5555555555555555ULL;
	below = (below & 0x3333333333333333ULL) + (below >> 2 & 0x3333333333333333ULL);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return below * 0x0101010101010101ULL >> 56;
}

/* The next length of which there are prefixes, or suffixes. */
PST_LOOP(pst_names_try, i, ctx)
{
	const struct pst_search *search = ctx;
	struct pst_scratch *s = pst_scratch(search->call);
	__u32 word = s->word & 3, len, at = 0;
	__u64 bits = s->bits[word];

	if (!bits) {
		s->word = word + 1;
		return word == 3;
	}
	s->bits[word] = bits & (bits - 1);
	len = 64 * word + pst_bit_number(bits & -bits);
	if (len > search->len)
		return 1;
	if (s->kind == PST_PATTERN_SUFFIX)
		at = search->len - len;
	barrier_var(at);
	pst_key_set(s, search->text + (at & (PST_PATTERN_SIZE - 1)), len);
	s->found = pst_key_find(s, search->names->table, s->kind);
	return s->found;
}

PST_LOOP(pst_names_try_glob, i, ctx)
{
	const struct pst_search *search = ctx;
	__u32 row = search->names->globs_at + i;
	const struct pst_pattern *pattern = bpf_map_lookup_elem(&pst_patterns, &row);

	if (!pattern)
		return 1;
	/* The verifier wants to see that it is one of these. */
	if (pst_glob(search->call, pattern->text, pattern->len, search->text, search->len))
		return 1;
	return 0;
}

/* pst_names_match() for a text with 512 bytes of room. */
PST_HELPER int pst_names_find(const volatile struct pst_names *names, struct pst_call *call,
			      const char *text, __u32 len)
{
	struct pst_search search = { .names = names, .call = call, .text = text, .len = len };
	struct pst_scratch *s = pst_scratch(call);

	if (len >= PST_PATTERN_SIZE)
		return 0;
	if (names->n > names->n_globs) {
		pst_key_set(s, text, len);
		if (pst_key_find(s, names->table, PST_PATTERN_EXACT))
			return 1;
	}
	if (names->prefixes[0] | names->prefixes[1] | names->prefixes[2] | names->prefixes[3]) {
		for (int i = 0; i < 4; i++)
			s->bits[i] = names->prefixes[i];
		s->kind = PST_PATTERN_PREFIX;
		s->word = s->found = 0;
		bpf_loop(PST_PATTERN_SIZE + 4, pst_names_try, &search, 0);
		if (s->found)
			return 1;
	}
	if (names->suffixes[0] | names->suffixes[1] | names->suffixes[2] | names->suffixes[3]) {
		for (int i = 0; i < 4; i++)
			s->bits[i] = names->suffixes[i];
		s->kind = PST_PATTERN_SUFFIX;
		s->word = s->found = 0;
		bpf_loop(PST_PATTERN_SIZE + 4, pst_names_try, &search, 0);
		if (s->found)
			return 1;
	}
	if (names->n_globs) {
		s->found = 0;
		bpf_loop(names->n_globs, pst_names_try_glob, &search, 0);
		return s->found;
	}
	return 0;
}

/*
 * Whether name I (0 or 1) of the call is one of an option's (struct pst_names). However many names,
 * prefixes and suffixes there are costs nothing; how many different lengths these have, and each of
 * the other globs, costs a little. An empty list matches nothing.
 */
static __always_inline int pst_names_match(const volatile struct pst_names *names,
					   struct pst_call *call, __u32 i)
{
	if (!names->n)
		return 0;
	return pst_names_find(names, call, call->name[i & 1].text, call->name[i & 1].len);
}

#define PST_OP_NAME(NAME, OPCODE) [OPCODE] = #NAME,

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
