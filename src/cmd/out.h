/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* How results are printed: for people, or as JSON for programs. */
#include <stddef.h>

struct json_object;
struct pst_probe;

struct out {
	void (*probe)(const struct pst_probe *rows, size_t n);
	void (*stat)(struct json_object *reply);	/* of the control socket's verb */
};

extern const struct out out_text;
extern const struct out out_json;
