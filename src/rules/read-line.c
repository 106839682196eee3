// SPDX-License-Identifier: LGPL-2.1-or-later
/* The words of a line of rules, and its verb. No state. */
#include "rules/read-line.h"
#include "util/log.h"
#include "util/parse.h"
#include "util/suggest.h"

#include <errno.h>
#include <penstock/filter.h>
#include <stdio.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof((array)[0]))

/* -- words ------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts a word that ends at end off *rest. */
static char *cut(char **rest, char *word, char *end)
{
	*rest = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

char *read_word(char **rest)
{
	char *word = *rest, *end;

	while (is_blank(*word))
		word++;
	if (!*word || *word == '#')
		return NULL;
	for (end = word; *end && !is_blank(*end); end++)
		end += *end == '\\' && end[1];
	return cut(rest, word, end);
}

char *read_verb_word(char **rest)
{
	char *word = *rest + strspn(*rest, " \t"), *open = word + strcspn(word, " \t(#");
	char *close = *open == '(' ? strchr(open, ')') : NULL;

	if (!close)
		return read_word(rest);
	close++;
	/* A verb and a pattern without a blank between them are one word, which no verb is. */
	return cut(rest, word, close + strcspn(close, " \t"));
}

char *read_unquote(char *word)
{
	char *to = word;

	for (const char *from = word; *from; from++) {
		from += *from == '\\' && from[1];
		*to++ = *from;
	}
	*to = '\0';
	return word;
}

/* -- lists of words ---------------------------------------------------------------------------- */

struct word {
	const char *name;
	uint64_t value;
};

static const struct word operations[] = {
	{ "create", PST_RULE_CREATE }, { "mkdir", PST_RULE_MKDIR },
	{ "mknod", PST_RULE_MKNOD },   { "symlink", PST_RULE_SYMLINK },
	{ "link", PST_RULE_LINK },     { "unlink", PST_RULE_UNLINK },
	{ "rmdir", PST_RULE_RMDIR },   { "rename", PST_RULE_RENAME },
	{ "read", PST_RULE_READ },     { "write", PST_RULE_WRITE },
	{ "exec", PST_RULE_EXEC },     { "truncate", PST_RULE_TRUNCATE },
	{ "chmod", PST_RULE_CHMOD },   { "chown", PST_RULE_CHOWN },
	{ "utime", PST_RULE_UTIME },   { "xattr", PST_RULE_XATTR },
	{ "ioctl", PST_RULE_IOCTL },
};

static const struct word hows[] = {
	{ "blank", PST_RULE_MASK_BLANK },
	{ "values", PST_RULE_MASK_VALUES },
	{ "empty", PST_RULE_MASK_EMPTY },
};

static const struct word audits[] = {
	{ "changes", PST_RULE_AUDIT_CHANGES },
	{ "all", PST_RULE_AUDIT_ALL },
};

/* Finds a word in a list. Returns 0; or -EINVAL and *error, which lists the words. */
static int find_word(const struct word *words, size_t n, const char *name, uint64_t *ret_value,
		     struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;
	char list[200] = "";
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		if (strcmp(words[i].name, name) == 0) {
			*ret_value = words[i].value;
			return 0;
		}
		suggest_try(&suggestion, name, words[i].name);
		len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s", len ? ", " : "",
					words[i].name);
	}
	return error_set(error, -EINVAL, "'%.40s' is none of %s%s%s%s", name, list,
			 *suggestion.word ? ": did you mean '" : "", suggestion.word,
			 *suggestion.word ? "'?" : "");
}

/* Finds each word of a list with commas, and joins the values. */
static int find_words(const struct word *words, size_t n, char *list, uint64_t *ret_value,
		      struct pst_error *error)
{
	uint64_t all = 0, value;
	char *name;

	while ((name = strsep(&list, ","))) {
		int r;

		name += strspn(name, " \t");
		name[strcspn(name, " \t")] = '\0';
		r = find_word(words, n, name, &value, error);
		if (r < 0)
			return r;
		all |= value;
	}
	*ret_value = all;
	return 0;
}

/* -- verbs ------------------------------------------------------------------------------------- */

/* Takes the argument between parentheses, or NULL; the owner and the word of audit from *words. */
typedef int (*verb_fn)(char *argument, char **words, struct rule *rule, const char **without,
		       struct pst_error *error);

static int verb_plain(char *argument, char **words, struct rule *rule, const char **without,
		      struct pst_error *error)
{
	return argument ? error_set(error, -EINVAL, "the verb takes nothing in parentheses") : 0;
}

static int verb_mask(char *argument, char **words, struct rule *rule, const char **without,
		     struct pst_error *error)
{
	rule->value = PST_RULE_MASK_BLANK;
	return argument ? find_word(hows, N(hows), argument, &rule->value, error) : 0;
}

static int verb_deny(char *argument, char **words, struct rule *rule, const char **without,
		     struct pst_error *error)
{
	if (!argument)
		return error_set(error, -EINVAL,
				 "deny takes operations in parentheses, as in: deny(unlink,rename) "
				 "/data; for all changes write: readonly /data");
	return find_words(operations, N(operations), argument, &rule->value, error);
}

/* Parses one ID of an owner, and adds 1; none is 0. */
static bool parse_id(const char *text, uint64_t *ret)
{
	*ret = 0;
	if (!*text)
		return true;
	if (!parse_number(text, 10, ret) || *ret >= UINT32_MAX)
		return false;
	(*ret)++;
	return true;
}

static int verb_owner(char *argument, char **words, struct rule *rule, const char **without,
		      struct pst_error *error)
{
	char *owner = read_word(words), *group = owner ? strchr(owner, ':') : NULL;
	uint64_t uid = 0, gid = 0;

	if (group)
		*group++ = '\0';
	/* Bit 63 of a cell has another meaning, so groups end at 2^31 - 2. */
	if (argument || !owner || !parse_id(owner, &uid) || !parse_id(group ? group : "", &gid) ||
	    !(uid | gid) || gid > INT32_MAX)
		return error_set(error, -EINVAL,
				 "owner takes the numbers of a user and a group, then patterns, as "
				 "in: owner 1000:1000 /src; one of the two may be left out");
	rule->value = uid | gid << 32;
	*without = "/";
	return 0;
}

static int verb_audit(char *argument, char **words, struct rule *rule, const char **without,
		      struct pst_error *error)
{
	char *what = read_word(words);

	if (argument || !what)
		return error_set(error, -EINVAL,
				 "audit takes the word changes or all, then patterns, as in: audit "
				 "changes /src");
	*without = "/";
	return find_word(audits, N(audits), what, &rule->value, error);
}

static const struct {
	const char *name;
	enum rule_pair pair;
	bool opposite;
	verb_fn read;
} verbs[] = {
	{ "hide", RULE_HIDE, false, verb_plain },
	{ "allow", RULE_HIDE, true, verb_plain },
	{ "readonly", RULE_READONLY, false, verb_plain },
	{ "writable", RULE_READONLY, true, verb_plain },
	{ "mask", RULE_MASK, false, verb_mask },
	{ "unmask", RULE_MASK, true, verb_plain },
	{ "deny", RULE_DENY, false, verb_deny },
	{ "owner", RULE_OWNER, false, verb_owner },
	{ "audit", RULE_AUDIT, false, verb_audit },
};

/* Refuses a word that is no verb. A pattern there is a line of .gitignore, or "!VERB". */
static int refuse_verb(const char *verb, struct pst_error *error)
{
	struct suggestion suggestion = SUGGESTION_INIT;

	if (*verb == '!')
		return error_set(error, -EINVAL,
				 "there is no verb '%.60s': '!' stands before a pattern; the "
				 "opposite of hide, readonly and mask is allow, writable, unmask",
				 verb);
	if (strpbrk(verb, "*?[/."))
		return error_set(error, -EINVAL,
				 "'%.60s' is no verb: a line begins with one, as in: hide %.60s",
				 verb, verb);
	for (size_t i = 0; i < N(verbs); i++)
		suggest_try(&suggestion, verb, verbs[i].name);
	suggest_try(&suggestion, verb, "include");
	if (*suggestion.word)
		return error_set(error, -EINVAL, "there is no verb '%.60s': did you mean '%s'?",
				 verb, suggestion.word);
	return error_set(error, -EINVAL,
			 "there is no verb '%.60s': a line begins with hide, allow, readonly, "
			 "writable, mask, unmask, deny, owner, audit or include, and patterns "
			 "follow",
			 verb);
}

int read_verb(char *verb, char **words, struct rule *rule, const char **ret_without,
	      struct pst_error *error)
{
	char *open = strchr(verb, '('), *close = open ? strchr(open, ')') : NULL;

	if (open && (!close || close[1]))
		return error_set(error, -EINVAL,
				 "'%.60s': close the parenthesis, and write a blank behind it, as "
				 "in: deny(unlink,rename) /data",
				 verb);
	if (open)
		*open++ = *close = '\0';
	for (size_t i = 0; i < N(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		rule->pair = verbs[i].pair;
		rule->opposite = verbs[i].opposite;
		return verbs[i].read(open, words, rule, ret_without, error);
	}
	return refuse_verb(verb, error);
}

/* Writes the words of a list whose bits are in value. */
static void print_words(const struct word *words, size_t n, uint64_t value, char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < n && len < size; i++)
		if (words[i].value & value)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? "," : "",
						words[i].name);
}

const char *rule_verb(const struct rule *rule, char *buf, size_t size)
{
	static const char *const names[_RULE_PAIRS][2] = {
		[RULE_HIDE] = { "hide", "allow" },   [RULE_READONLY] = { "readonly", "writable" },
		[RULE_DENY] = { "deny", "deny" },    [RULE_MASK] = { "mask", "unmask" },
		[RULE_OWNER] = { "owner", "owner" }, [RULE_AUDIT] = { "audit", "audit" },
	};
	const char *name = names[rule->pair][rule->opposite];
	char list[160] = "";

	if (rule->pair == RULE_DENY)
		print_words(operations, N(operations), rule->value, list, sizeof(list));
	else if (rule->pair == RULE_MASK && rule->value)
		snprintf(list, sizeof(list), "%s", hows[(rule->value - 1) % N(hows)].name);
	snprintf(buf, size, *list ? "%s(%s)" : "%s%s", name, list);
	return buf;
}
