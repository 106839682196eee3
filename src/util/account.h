/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/*
 * Users and groups by name, as the name service of the system knows them (nsswitch.conf): files,
 * and servers such as LDAP. A lookup may wait for a server, so no thread that serves requests calls
 * these functions.
 */
#include "util/suggest.h"

#include <stdint.h>

/* Find the ID of a user or group. Return 0, -ENOENT if there is none, or another -errno. */
int account_user(const char *name, uint32_t *ret_uid);
int account_group(const char *name, uint32_t *ret_gid);

/*
 * Calls fn for each member of a group: the users in its list, and users whose primary group it is,
 * as far as the name service lists all users. Stops at the first result of fn that is not 0, and
 * returns it. Else returns 0, -ENOENT if there is no such group, or another -errno. Locks a mutex
 * of its own while fn runs.
 */
int account_members(const char *group, int (*fn)(void *aux, uint32_t uid), void *aux);

/* Tries the names of /etc/passwd or /etc/group as suggestions for a name. */
void account_suggest_user(struct suggestion *suggestion, const char *name);
void account_suggest_group(struct suggestion *suggestion, const char *name);
