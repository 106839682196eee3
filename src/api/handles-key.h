/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The key that file handles of a view are made with, where they are to outlive the mount. */
#include <penstock/penstock.h>
#include <stdint.h>

/* The key in a file, which is made if it is absent. 0, or -errno and *error. */
int handles_key_read(const char *path, uint64_t ret_key[2], struct pst_error *error);
