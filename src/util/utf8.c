// SPDX-License-Identifier: LGPL-2.1-or-later
/* Escapes texts of any bytes, for JSON and for terminals. No state, no locks. */
#include "util/utf8.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t utf8_char(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	uint8_t low = 0x80, high = 0xbf;
	size_t len;

	if (p[0] < 0x80)
		return p[0] ? 1 : 0;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	/* These bounds exclude overlong forms, surrogates, and numbers above U+10FFFF. */
	if (p[0] == 0xe0)
		low = 0xa0;
	if (p[0] == 0xed)
		high = 0x9f;
	if (p[0] == 0xf0)
		low = 0x90;
	if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

int utf8_must_escape(const char *text)
{
	return *text && (!utf8_char(text) || (text[0] == '\\' && text[1] == 'x'));
}

char *utf8_escape(const char *text)
{
	char *copy = malloc(4 * strlen(text) + 1), *to = copy;

	if (!copy)
		return NULL;
	while (*text) {
		size_t len = utf8_char(text);

		if (utf8_must_escape(text)) {
			to += sprintf(to, "\\x%02x", (unsigned char)*text++);
			continue;
		}
		memcpy(to, text, len);
		to += len;
		text += len;
	}
	*to = '\0';
	return copy;
}

/* Returns the value of a lower-case hexadecimal digit, or -1 for another character. */
static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void utf8_unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && text[1] == 'x' && digit(text[2]) >= 0 &&
		    digit(text[3]) >= 0) {
			*to++ = (char)(digit(text[2]) << 4 | digit(text[3]));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Returns the number of bytes of the control character at text, 1 or 2; 0 for other characters. */
static int control(const uint8_t *text)
{
	if (text[0] < 0x20 || text[0] == 0x7f)
		return 1;
	return text[0] == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0 ? 2 : 0;
}

void utf8_print(FILE *file, const char *text)
{
	while (*text) {
		size_t len = utf8_char(text);
		int n = control((const uint8_t *)text);

		if (!len) {
			fprintf(file, "\\x%02x", (unsigned char)*text++);
		} else if (n) {
			for (; n; n--)
				fprintf(file, "\\%03o", (unsigned char)*text++);
		} else {
			fwrite(text, 1, len, file);
			text += len;
		}
	}
}
