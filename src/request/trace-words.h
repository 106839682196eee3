/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Says in words what a request asks for: how a file is opened, which attributes are set. */
#include "wire/msg.h"

#include <stddef.h>

/*
 * Fills up to n words for the flags of a request, such as "write" and "truncate". Returns the
 * number of words. The words are constants.
 */
size_t trace_words(const struct wire_msg *msg, const char **ret_words, size_t n);
