/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * mask, how=values: blanks all bytes that are not certainly part of a key. A line shows its
 * beginning up to the '=' or ':' if it begins with
 *
 *	KEY=value   KEY = value   export KEY=value	and the value is not empty
 *	KEY: value   KEY:   - KEY: value	with a blank or the line's end after the ':'
 *	"KEY": value   'KEY': value   "KEY" = value
 *
 * KEY: letters, digits, '_', '.' and '-', at most KEY_MAX, the first of them a letter or '_' unless
 * it is in quotes. All other bytes are blanked: sections, comments, keys on the line of a bracket,
 * lines without a key.
 *
 * A value continues inside quotes, behind a backslash at the end of a line, and on lines that are
 * indented further than its key, unless it begins with a bracket. An '=' at the end of a line, or
 * before another, does not end a key, because base64 ends like that. If quotes may be open (an
 * apostrophe inside a word, three quotes in a row) no more keys are shown.
 *
 * The state depends on all bytes before. So keys are shown only in reads that begin at the start of
 * the file; the data of other reads is blanked as a whole.
 *
 * The filter blanks eight bytes at a time if none of them can end a value.
 */

#define KEY_MAX 128

enum values_state {
	LINE,       /* the blanks at the beginning of a line */
	DASH,       /* a '-' after these blanks */
	KEY,        /* a key without quotes */
	QUOTED_KEY, /* inside the quotes of a key */
	BEHIND_KEY,
	BEHIND_EQUALS, /* a value must follow, else the text before was no key */
	BEHIND_COLON,  /* a blank must follow, else the text before was no key */
	VALUE,         /* a value: no key follows in this line */
	QUOTED,        /* inside the quotes of a value */
	COMMENT,       /* a comment, in which quotes have no meaning */
	LOST,          /* the rest of the file: quotes may be open, so no later key is certain */
};
/* In the states before VALUE, the bytes of the line so far may still be part of a key. */
#define OPEN(STATE) ((STATE) < VALUE)

/* The state, in pst_room(call). */
struct values {
	__u64 word; /* the last eight bytes of a key */
	__u32 state;
	__u32 at;      /* the offset of the current byte */
	__u32 line_at; /* where its line begins */
	__u32 column;  /* of the key in its line */
	__u32 goes_on; /* lines indented to this column or further continue a value; 0 if none do */
	__u32 len;     /* of the key, or of the text inside quotes */
	__u8 quote, before;
	__u8 dash, exported, quoted, begun, escaped;
};

static __always_inline int is_blank(__u8 c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static __always_inline int is_quote(__u8 c)
{
	return c == '"' || c == '\'';
}

static __always_inline int begins_key(__u8 c)
{
	return (__u8)((c | 0x20) - 'a') < 26 || c == '_';
}

static __always_inline int is_key(__u8 c)
{
	return begins_key(c) || (__u8)(c - '0') < 10 || c == '.' || c == '-';
}

PST_LOOP(values_blank_line_byte, i, ctx)
{
	struct pst_call *call = *(struct pst_call **)ctx;
	struct values *v = pst_room(call);
	char *byte = pst_data_at(call, v->line_at + i, 1);

	if (!byte)
		return 1;
	*byte = fill[0];
	return 0;
}

/* Blanks the bytes of the line so far, because it has no key; the rest is a value. */
static __always_inline void values_blank_line(struct pst_call *call, struct values *v)
{
	if (v->at > v->line_at)
		bpf_loop(v->at - v->line_at, values_blank_line_byte, &call, 0);
	v->state = VALUE;
	v->begun = 1;
	v->goes_on = v->column + 1;
}

static __always_inline void values_new_line(struct values *v)
{
	v->state = LINE;
	v->line_at = v->at + 1;
	v->column = 0;
	v->dash = v->exported = v->quoted = 0;
}

/* The first byte of a value. */
static __always_inline void values_begin(struct values *v, __u8 c)
{
	v->begun = 1;
	v->goes_on = c == '{' || c == '[' ? 0 : v->column + 1;
	v->before = ' ';
}

static __always_inline void values_open_quote(struct values *v, __u8 c)
{
	__u8 b = v->before;

	/* Three quotes in a row may be quotes that end with three. */
	if (b == c && !v->len)
		v->state = LOST;
	else if (is_blank(b) || is_quote(b) || b == '=' || b == ':' || b == ',' || b == '(' ||
		 b == '[' || b == '{')
		v->state = QUOTED;
	else
		v->state = LOST;
	v->quote = c;
	v->len = 0;
	v->escaped = 0;
}

static __always_inline void values_value(struct values *v, __u8 c)
{
	if (c == '\n') {
		if (!v->begun)
			v->goes_on = 0;
		if (v->before != '\\')
			values_new_line(v);
		v->before = ' ';
		return;
	}
	if (c == '\r')
		return;
	if (!v->begun && !is_blank(c))
		values_begin(v, c);
	if (c == '#' && is_blank(v->before))
		v->state = COMMENT;
	else if (is_quote(c))
		values_open_quote(v, c);
	v->before = c;
}

static __always_inline void values_quoted(struct values *v, __u8 c)
{
	if (v->escaped) {
		v->escaped = 0;
	} else if (c == '\\' && v->quote == '"') {
		v->escaped = 1;
	} else if (c == v->quote) {
		/* Only some formats escape this quote by a backslash: no later key is certain. */
		v->state = v->before == '\\' && c == '\'' ? LOST : VALUE;
		v->before = c;
		return;
	}
	v->len++;
	v->before = c;
}

/* Handles a byte that cannot continue a key. */
static __always_inline void values_no_key(struct pst_call *call, struct values *v, __u8 c,
					  __u8 before)
{
	values_blank_line(call, v);
	v->before = before;
	values_value(v, c);
}

static __always_inline void values_line(struct pst_call *call, struct values *v, __u8 c)
{
	if (c == '\n') {
		values_new_line(v);
	} else if (is_blank(c)) {
		v->column++;
	} else if (c == '#' || c == ';') {
		__u32 goes_on = v->goes_on;

		values_blank_line(call, v);
		v->goes_on = goes_on;
		v->state = COMMENT;
	} else if (!v->dash && v->goes_on && v->column >= v->goes_on) {
		__u32 goes_on = v->goes_on;

		values_no_key(call, v, c, ' ');
		v->goes_on = goes_on;
	} else if (c == '-' && !v->dash) {
		v->state = DASH;
		v->column++;
	} else if (begins_key(c)) {
		v->state = KEY;
		v->word = c;
		v->len = 1;
	} else if (is_quote(c)) {
		v->state = QUOTED_KEY;
		v->quote = c;
		v->len = 0;
	} else {
		values_no_key(call, v, c, ' ');
		if (c == '{' || c == '}' || c == '[' || c == ']')
			v->goes_on = 0;
	}
}

/* Handles a byte that may end a key. Returns false if the text before it is no key. */
static __always_inline int values_ends_key(struct values *v, __u8 c)
{
	/* "- KEY=value" may be a value that contains a '='. */
	if (c == '=' && !v->dash)
		v->state = BEHIND_EQUALS;
	else if (c == ':' && !v->quoted)
		v->state = BEHIND_COLON;
	else if (c == ':')
		v->state = VALUE;
	else
		return 0;
	v->begun = 0;
	v->before = ' ';
	return 1;
}

#define EXPORT 0x6578706f7274ULL /* the word */

static __always_inline void values_behind_key(struct pst_call *call, struct values *v, __u8 c)
{
	if (is_blank(c) || values_ends_key(v, c))
		return;
	if (!v->quoted && !v->exported && v->len == 6 && v->word == EXPORT && begins_key(c)) {
		v->state = KEY;
		v->exported = 1;
		v->word = c;
		v->len = 1;
		return;
	}
	values_no_key(call, v, c, v->quoted ? v->quote : ' ');
}

static __always_inline void values_key(struct pst_call *call, struct values *v, __u8 c)
{
	if (is_key(c) && v->len < KEY_MAX) {
		v->word = v->word << 8 | c;
		v->len++;
	} else if (is_blank(c)) {
		v->state = BEHIND_KEY;
	} else if (!values_ends_key(v, c)) {
		values_no_key(call, v, c, 'a');
	}
}

static __always_inline void values_quoted_key(struct pst_call *call, struct values *v, __u8 c)
{
	if (is_key(c) && v->len < KEY_MAX) {
		v->len++;
	} else if (c == v->quote && v->len) {
		v->state = BEHIND_KEY;
		v->quoted = 1;
	} else {
		values_blank_line(call, v);
		v->state = QUOTED;
		v->escaped = 0;
		v->before = 'a';
		values_quoted(v, c);
	}
}

/* Handles one byte. Returns true if the byte must be blanked. */
static __attribute__((noinline)) int values_step(struct pst_call *call, __u8 c)
{
	struct values *v = pst_room(call);

	switch (v->state) {
	case LINE:
		values_line(call, v, c);
		break;
	case DASH:
		if (is_blank(c)) {
			v->state = LINE;
			v->dash = 1;
			v->column++;
		} else {
			values_no_key(call, v, c, '-');
		}
		break;
	case KEY:
		values_key(call, v, c);
		break;
	case QUOTED_KEY:
		values_quoted_key(call, v, c);
		break;
	case BEHIND_KEY:
		values_behind_key(call, v, c);
		break;
	case BEHIND_EQUALS:
		if (is_blank(c) && c != '\r')
			break;
		if (c == '=' || c == '\n' || c == '\r') {
			values_no_key(call, v, c, ' ');
		} else {
			v->state = VALUE;
			values_value(v, c);
		}
		break;
	case BEHIND_COLON:
		if (is_blank(c) || c == '\n') {
			v->state = VALUE;
			values_value(v, c);
		} else {
			values_no_key(call, v, c, ':');
		}
		break;
	case VALUE:
		values_value(v, c);
		break;
	case QUOTED:
		values_quoted(v, c);
		return 1;
	case COMMENT:
		if (c == '\n')
			values_new_line(v);
		return 1;
	default:
		return 1;
	}
	/* Blanks before a value are shown, and the ':' behind a key in quotes. */
	return !OPEN(v->state) && v->begun;
}

/* Returns true if all eight bytes are part of a value and none of them can end it. */
static __always_inline int values_all(const struct values *v, __u64 word)
{
	__u64 newlines = bytes_that_are(word, '\n');
	__u64 marks = bytes_that_are(word, '"') | bytes_that_are(word, '\'') |
		      bytes_that_are(word, '\\') | bytes_that_are(word, '#');

	switch (v->state) {
	case LOST:
		return 1;
	case QUOTED:
		return !marks && !v->escaped;
	case COMMENT:
		return !newlines;
	case VALUE:
		return v->begun && !newlines && !marks;
	default:
		return 0;
	}
}

PST_LOOP(values_word, i, ctx)
{
	struct pst_call *call = *(struct pst_call **)ctx;
	struct values *v = pst_room(call);
	__u8 *byte = (__u8 *)pst_data_at(call, i * 8, 8);
	__u64 *word = (__u64 *)byte;

	if (!byte)
		return 1;
	v->at = i * 8;
	if (values_all(v, *word)) {
		v->before = byte[7];
		v->len += 8;
		*word = blank_word(*word);
		return 0;
	}
	for (int k = 0; k < 8 && v->at < call->data_len; k++) {
		__u8 c = byte[k];

		if (values_step(call, c) && c != '\n')
			byte[k] = fill[0];
		v->at++;
	}
	return 0;
}

static __always_inline void values_blank(struct pst_call *call)
{
	struct values *v = pst_room(call);
	__u32 len = call->data_len;

	__builtin_memset(v, 0, sizeof(*v));
	bpf_loop((len + 7) / 8, values_word, &call, 0);
	/* The end of the data may have cut a line before its '=' or ':'. */
	v->at = len;
	if (OPEN(v->state))
		values_blank_line(call, v);
}
