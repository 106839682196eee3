// SPDX-License-Identifier: LGPL-2.1-or-later
/* Options of a view as text: pst_view_options_parse(). No state, no locks. */
#include "api/struct-size.h"
#include "api/view.h"
#include "option/bindfs.h"
#include "option/lists.h"
#include "option/options.h"
#include "option/paths.h"

#include <errno.h>
#include <stdlib.h>

/* The options of all lists. Its view has members that the program's struct may lack. */
struct pst_parsed {
	struct mount_options options;
};

static int begin(struct pst_view_options *view)
{
	struct pst_parsed *parsed = calloc(1, sizeof(*parsed));
	int r = 0;

	if (!parsed)
		return -ENOMEM;
	parsed->options = (struct mount_options)MOUNT_OPTIONS_INIT;
	/* Filters of the lists come after those of the program. */
	for (size_t i = 0; r == 0 && view->filters && view->filters[i]; i++)
		r = option_filter_add(&parsed->options, view->filters[i]);
	view->parsed = parsed;
	return r;
}

/* Refuses options that are none of a view of the library. */
static int check(const struct mount_options *options, struct pst_error *error)
{
	if (options->syslog)
		return error_set(error, -EINVAL,
				 "option syslog: only `penstock mount` logs there; leave it out");
	return 0;
}

static int parse(struct pst_view_options *view, const char *list, pst_option_fn own, void *aux,
		 struct pst_error *error)
{
	struct mount_options *options;
	int r = view->parsed ? 0 : begin(view);

	if (r < 0)
		return r;
	options = &view->parsed->options;
	view->filters = options->filters;
	options->view = *view;
	options->own = own;
	options->own_aux = aux;
	r = options_apply_list(options, list, error);
	if (r == 0)
		r = option_bindfs_refuse(options, error);
	if (r == 0)
		r = check(options, error);
	if (options->log_chosen)
		options->view.log_level = options->log_level;
	*view = options->view;
	return r;
}

int pst_view_options_parse(struct pst_view_options *program, const char *list, pst_option_fn own,
			   void *aux, struct pst_error *ret_error)
{
	struct pst_error local = { 0 }, *error = ret_error ? ret_error : &local;
	struct pst_view_options view;
	size_t size = program->size;
	int r = struct_copy_in("options", program, &view, sizeof(view), error);

	if (r < 0)
		return r;
	*error = (struct pst_error){ 0 };
	r = parse(&view, list, own, aux, error);
	struct_copy_out(&view, sizeof(view), program);
	for (size_t i = size; r == 0 && i < sizeof(view); i++)
		if (((const char *)&view)[i])
			r = error_set(error, -EINVAL,
				      "%s: this program was compiled for an older libpenstock, "
				      "which has not all of these options: compile it again",
				      list);
	if (r == -ENOMEM)
		error_set(error, r, "out of memory");
	error->code = r;
	return r;
}

void pst_view_options_free(struct pst_view_options *options)
{
	if (!options->parsed)
		return;
	options_fini(&options->parsed->options);
	free(options->parsed);
	options->parsed = NULL;
}

int view_parsed_check(const struct pst_view_options *view, struct pst_error *error)
{
	struct mount_options *options = &view->parsed->options;

	options->view.lower = view->lower;
	options->view.mountpoint = view->mountpoint;
	return option_paths_check(options, error);
}
