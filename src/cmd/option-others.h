/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Mount options that other programs have, and what a view says to them. */
#include "cmd/options.h"
#include "util/suggest.h"

/*
 * Applies such a word, value NULL where it has none: 0 where the view can be mounted with it, -EINVAL with
 * error->text where not, 1 where the word is not known.
 */
int others_apply(struct mount_options *options, const char *name, const char *value,
		 struct pst_error *error);

/* Considers the words that are accepted as what was meant by another. */
void others_suggest(struct suggestion *suggestion, const char *written);

void others_print_help(void);
