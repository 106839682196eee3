/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Names of the flags that a filter declares, for replies and for users. */
#include <stdint.h>

struct json_object;

/* Returns a new array of names, ["by-caller","cells"], or NULL if out of memory. */
struct json_object *flags_to_json(uint32_t flags);

/* Returns the meaning of a flag for users; "" for an unknown name. */
const char *flags_help(const char *name);
