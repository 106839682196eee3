/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a filter will do with the options that were given, in plain words. */
#include "ebpf/load.h"

/* Writes lines, each ended by a newline; what does not fit is cut. */
void describe(const struct load *load, char *buf, size_t size);
