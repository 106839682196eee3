/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The views of this process that have a source, and the checks of their LOWER. */
#include "source/claim.h"

#include <stdbool.h>
#include <sys/types.h>

/* A view in the list of this process. */
struct source_views_entry {
	dev_t dev; /* st_dev of the view's files */
	struct claim claim;
	struct source_views_entry *next;
};

/*
 * Checks that LOWER (a descriptor) can hold the mark of hollow files, claims it, and adds the view
 * to the list. With hollow_root, makes LOWER hollow if it never was. Returns 0, or -errno and
 * *error. The caller sets entry->claim.fd to -1 before, and calls source_views_remove() in both
 * cases.
 */
int source_views_add(struct source_views_entry *entry, int lower, dev_t dev, bool hollow_root,
		     struct pst_error *error);
void source_views_remove(struct source_views_entry *entry);
