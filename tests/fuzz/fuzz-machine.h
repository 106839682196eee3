/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The function that the fuzzer of the machine calls, for the unit test, too. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);
