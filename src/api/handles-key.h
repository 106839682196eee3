/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The key for file handles of a view that outlive the mount (handles=). */
#include <penstock/penstock.h>
#include <stdint.h>

/*
 * Reads the key from the file at path. Creates the file with a new key if it is absent. Returns 0,
 * or -errno and *error.
 */
int handles_key_read(const char *path, uint64_t ret_key[2], struct pst_error *error);
