/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Describes in plain words what a filter will do with its options. */
#include "ebpf/load.h"

/*
 * Writes lines to buf, each ended by a newline. If they need more than size bytes, cuts the text
 * off.
 */
void describe(const struct load *load, char *buf, size_t size);
/*
 * Writes the filter's name and options in one line, without their help, but with those that are not
 * given and matter: random numbers in use, and the operations for which programs run.
 */
void describe_line(const struct load *load, char *buf, size_t size);
