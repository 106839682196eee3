/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The verbs of the control socket of a view. */
#include "ctl/call.h"

/* The table; the aux of its verbs is the `struct pst_view *`. */
extern const struct ctl_verb ctl_verbs[];
extern const size_t ctl_n_verbs;
