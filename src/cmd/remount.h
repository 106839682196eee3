/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* remount: changes the flags of a view's mount. */
#include "cmd/options.h"

/* Changes the flags that options name, and prints errors. Returns an exit code. */
int remount(const struct mount_options *options);
