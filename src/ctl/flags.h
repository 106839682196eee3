/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a filter declares about itself, as words: the same in replies and in what is printed. */
#include <stdint.h>

struct json_object;

/* The flags as an array of their names: ["by-caller","cells"]. The caller's; NULL: no memory. */
struct json_object *flags_to_json(uint32_t flags);

/* What a flag means for users, by its name; "" where it is not known here. */
const char *flags_help(const char *name);
