// SPDX-License-Identifier: LGPL-2.1-or-later
/* Numbers of byte strings, in a hash table with open addressing. No locks. */
#include "rules/intern.h"
#include "util/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void intern_fini(struct intern *intern)
{
	free(intern->bytes);
	free(intern->at);
	free(intern->slot);
	*intern = (struct intern){ 0 };
}

const void *intern_bytes(const struct intern *intern, uint32_t number, size_t *ret_len)
{
	*ret_len = intern->at[number + 1] - intern->at[number];
	return intern->bytes + intern->at[number];
}

/* Returns the slot of a string: its own, or the free one where it would be. */
static uint32_t *find(const struct intern *intern, const void *bytes, size_t len)
{
	size_t i = hash_bytes(0, bytes, len) & (intern->n_slots - 1);

	for (;; i = (i + 1) & (intern->n_slots - 1)) {
		const void *known;
		size_t known_len;

		if (!intern->slot[i])
			return &intern->slot[i];
		known = intern_bytes(intern, intern->slot[i] - 1, &known_len);
		if (known_len == len && memcmp(known, bytes, len) == 0)
			return &intern->slot[i];
	}
}

static int grow_slots(struct intern *intern)
{
	size_t n_slots = intern->n_slots ? 2 * intern->n_slots : 64;
	struct intern grown = *intern;

	grown.n_slots = n_slots;
	grown.slot = calloc(n_slots, sizeof(*grown.slot));
	if (!grown.slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < intern->n; i++) {
		size_t len;
		const void *bytes = intern_bytes(intern, i, &len);

		*find(&grown, bytes, len) = i + 1;
	}
	free(intern->slot);
	*intern = grown;
	return 0;
}

static int reserve(struct intern *intern, size_t len)
{
	if (intern->n_bytes + len > intern->room || !intern->bytes) {
		size_t room = 2 * (intern->n_bytes + len) + 256;
		char *bytes = realloc(intern->bytes, room);

		if (!bytes)
			return -ENOMEM;
		intern->bytes = bytes;
		intern->room = room;
	}
	if (intern->n + 2 > intern->at_room) {
		size_t room = 2 * intern->at_room + 64;
		size_t *at = reallocarray(intern->at, room, sizeof(*at));

		if (!at)
			return -ENOMEM;
		intern->at = at;
		intern->at_room = room;
		at[intern->n] = intern->n_bytes;
	}
	return 2 * (intern->n + 1) > intern->n_slots ? grow_slots(intern) : 0;
}

int intern_number(struct intern *intern, const void *bytes, size_t len, uint32_t *ret_number)
{
	uint32_t *slot;
	int r = reserve(intern, len);

	if (r < 0)
		return r;
	slot = find(intern, bytes, len);
	if (*slot) {
		*ret_number = *slot - 1;
		return 0;
	}
	if (len)
		memcpy(intern->bytes + intern->n_bytes, bytes, len);
	intern->n_bytes += len;
	*ret_number = (uint32_t)intern->n;
	intern->at[++intern->n] = intern->n_bytes;
	*slot = (uint32_t)intern->n;
	return 1;
}
