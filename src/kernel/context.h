/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Contexts of the file system penstock: descriptors of fsopen(2) and fspick(2). */
#include "ebpf/filter.h"

#define KERNEL_SAID_SIZE 1024

/* Makes slots for a view that has none, and freezes them. Returns 0, or -errno and *error. */
int kernel_slots_new(struct filter_slots **ret_slots, struct pst_error *error);
/*
 * As filter_load(), but refuses what needs a process that stays. unpinned: pin= is for the second
 * tree.
 */
int kernel_filter_load(const char *spec, const struct filter_slots *slots, bool unpinned,
		       struct filter **ret_filter, struct pst_error *error);
/* Hands a filter to the module; serve: enum module_serve. Returns 0 or -errno. */
int kernel_filter_give(int fs_fd, const struct filter *filter, uint32_t serve);
/*
 * Reads the next message of the module: why it has refused something, or a warning. Without a
 * message, fills in the text of the errno, or "" for 0.
 */
void kernel_context_said(int fs_fd, int error_number, char ret_said[KERNEL_SAID_SIZE]);
