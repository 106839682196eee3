/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The claim of a view with a source on its LOWER, so that no other view fills LOWER. */
#include <penstock/penstock.h>

struct claim {
	int fd; /* LOWER, owned; or -1 */
	char name[48];
};

/*
 * Claims LOWER. Takes ownership of claim->fd, a descriptor of LOWER. Returns 0; -EBUSY and *error
 * if another view with a source has LOWER; or another -errno and *error. The caller calls
 * claim_remove() in all cases.
 */
int claim_set(struct claim *claim, struct pst_error *error);
void claim_remove(struct claim *claim);
