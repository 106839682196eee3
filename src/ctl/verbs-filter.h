/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* The verbs about filters, and the trace; the aux of each is the `struct pst_view *`. */
#include "ctl/call.h"

#include <penstock/penstock.h>

int verb_filter_list(struct ctl_call *call);
int verb_filter_stat(struct ctl_call *call);
int verb_filter_add(struct ctl_call *call);
int verb_filter_remove(struct ctl_call *call);
int verb_filter_replace(struct ctl_call *call);
int verb_trace(struct ctl_call *call);

/* Adds "filters" to a reply: their names, in the order in which they run. Returns 0 or -errno. */
int verb_add_filter_names(struct json_object *reply, struct pst_view *view);
