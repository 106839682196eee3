// SPDX-License-Identifier: LGPL-2.1-or-later
#include "request/exchange.h"
#include "request/filter-adapter.h"

#include <stddef.h>

/* Copies what lies in the slot of a request to another slot. */
static void copy_slot(const struct req *req, char *to)
{
	const char *from = req->slot.base;
	/* A request has no more data than bytes in all; programs cannot change head. */
	size_t len = req->msg.head->len > req->data_len ? req->msg.head->len : req->data_len;

	if (len > req->slot.data_size)
		len = req->slot.data_size;
	if (req->call.filters)
		memcpy(to, from, offsetof(struct pst_call, listed));
	memcpy(to + SLOT_OUT, from + SLOT_OUT, SLOT_DATA - SLOT_OUT + len);
	/* A program may have overwritten the NUL after the text of a link. */
	if (len < req->slot.data_size)
		to[SLOT_DATA + len] = '\0';
}

/* Makes a pointer into the slot at from one into the slot at to. Others stay as they are. */
#define FOLLOW(POINTER, from, to)                                                                  \
	((POINTER) = (const char *)(POINTER) >= (from) &&                                          \
				     (const char *)(POINTER) < (from) + SLOT_DATA + size ?         \
			     (void *)((to) + ((const char *)(POINTER) - (from))) :                 \
			     (void *)(POINTER))

/* Makes all pointers of a request lead into its new slot. */
static void follow(struct req *req, const char *from)
{
	char *to = req->slot.base;
	size_t size = req->slot.data_size;

	FOLLOW(req->msg.head, from, to);
	FOLLOW(req->msg.arg, from, to);
	FOLLOW(req->msg.data, from, to);
	FOLLOW(req->msg.ext, from, to);
	FOLLOW(req->data, from, to);
	FOLLOW(req->call.arg, from, to);
	FOLLOW(req->call.data, from, to);
	for (int i = 0; i < 2; i++) {
		FOLLOW(req->msg.name[i], from, to);
		FOLLOW(req->call.name[i], from, to);
	}
	req->call.slot = (struct pst_call *)to;
}

void exchange_memory(struct req *req, struct req *other)
{
	struct slot slot = req->slot;
	struct request_set *set = req->set;
	unsigned int number = req->call.slot_number;

	copy_slot(req, other->slot.base);
	req->slot = other->slot;
	req->set = other->set;
	req->call.slot_number = other->call.slot_number;
	other->large = req->large;
	req->large = false;
	other->slot = slot;
	other->set = set;
	follow(req, slot.base);
	adapter_init(other, number);
}
