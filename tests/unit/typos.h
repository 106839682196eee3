/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Typing errors of a word: one letter more, less or another, or two in the wrong order. */
#include <stdio.h>
#include <string.h>

/* Calls fn() with each typing error of the word; a word of one letter loses none. */
static inline void each_typo(const char *word, void (*fn)(void *aux, const char *typo), void *aux)
{
	size_t len = strlen(word);
	char typo[80];

	for (size_t at = 0; at <= len; at++) {
		snprintf(typo, sizeof(typo), "%.*sq%s", (int)at, word, word + at);
		fn(aux, typo);
		if (at == len)
			break;
		snprintf(typo, sizeof(typo), "%.*sq%s", (int)at, word, word + at + 1);
		if (word[at] != 'q')
			fn(aux, typo);
		snprintf(typo, sizeof(typo), "%.*s%s", (int)at, word, word + at + 1);
		if (len > 1)
			fn(aux, typo);
		if (at + 1 == len || word[at] == word[at + 1])
			continue;
		snprintf(typo, sizeof(typo), "%.*s%c%c%s", (int)at, word, word[at + 1], word[at],
			 word + at + 2);
		fn(aux, typo);
	}
}
