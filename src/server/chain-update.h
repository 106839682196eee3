/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * The filters of a view as they come, go and change. Changes come from one thread at a time each, and
 * never from inside a request.
 */
#include "filter/chain.h"

#include <penstock/penstock.h>

struct filters;
struct node;
struct notifier;
struct req;
struct supply;

/*
 * supply and notifier are borrowed. Features are those agreed with the kernel. Where it does not say who asks, or keeps what READLINK
 * told one for all, filters are refused that tell callers apart there.
 */
int filters_new(struct supply *supply, struct notifier *notifier, uint64_t features,
		struct filters **ret_filters);
/* Whether what READLINK tells depends on who asks. */
bool filters_vary_links(const struct filter_facts *facts);
struct filters *filters_free(struct filters *filters);

/* All or nothing: 0, or -errno and *error. What the kernel cached is invalidated on return. */
int filters_add(struct filters *filters, const char *spec, struct pst_error *error);
int filters_remove(struct filters *filters, const char *name, struct pst_error *error);
int filters_replace(struct filters *filters, const char *name, const char *spec,
		    struct pst_error *error);

/*
 * By a request whose chain has a link that arrives: its nodes get the bit now, those that an old
 * request has made where the filter was not known yet.
 */
void filters_settle(struct filters *filters, struct req *req);

/* A node goes that has no references left: tells the filters that want to hear of it. */
void filters_forgotten(struct filters *filters, struct node *node);

/* As the functions of penstock.h that begin with pst_view_. */
int filters_list(struct filters *filters, struct pst_filter *rows, size_t n, size_t *ret_n);
int filters_bypassed(struct filters *filters, const char *name, struct pst_bypassed *rows, size_t n,
		     size_t *ret_n);
int filters_stats(struct filters *filters, struct pst_filter_stat *rows, size_t n, size_t *ret_n);
