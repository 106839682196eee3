/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* remount: changes the flags of a view's mount. */
#include "cmd/options.h"

/* Does what `mount -o remount,...` asks for; returns the exit code, with the error printed. */
int remount(const struct mount_options *options);
