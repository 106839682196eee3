/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Gives numbers to byte strings: equal strings get the same number, from 0 up. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Zero-initialised is empty. */
struct intern {
	char *bytes; /* all strings, one after the other */
	size_t n_bytes, room;
	size_t *at; /* where string i begins; at[n] is n_bytes */
	size_t n, at_room;
	uint32_t *slot; /* a hash table of numbers + 1 */
	size_t n_slots;
};

void intern_fini(struct intern *intern);
/* Sets *ret_number. Returns 1 if the string is new, 0 if it is known, or -ENOMEM. */
int intern_number(struct intern *intern, const void *bytes, size_t len, uint32_t *ret_number);
/* Returns a string, which stays valid until the next string is added. Its size is in *ret_len. */
const void *intern_bytes(const struct intern *intern, uint32_t number, size_t *ret_len);
