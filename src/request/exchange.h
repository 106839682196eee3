/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Exchanges the memory of two requests, because one of them is about to sleep, or has slept. */
#include "request/req.h"

/*
 * Gives the slot of a request, and the number of the slot, to another request, which is not in use,
 * and takes those of the other one. Copies what lies in the slot. Both have saved, and the slots
 * have the same size.
 */
void exchange_memory(struct req *req, struct req *other);
