/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Finds in the verifier's log why it has refused a program. */
#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the verifier's reason, the line of source and the usual mistake that causes it to buf.
 * Returns false if the log has no reason.
 */
bool reason_find(const char *log, char *buf, size_t size);
