/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Paths of the control sockets of views, and connections to them. */
#include "ctl/proto.h"

#include <stdbool.h>

/*
 * The directories of sockets: /run/penstock; or penstock/ in $XDG_RUNTIME_DIR, if the process of
 * the view may not write to the first (in a user namespace). The kernel gives a connection number
 * to one view at a time, so at most one of the two sockets with a number belongs to a mounted view.
 */
enum ctl_place { CTL_PLACE_RUN, CTL_PLACE_USER, _CTL_N_PLACES };

/*
 * Writes the path of a view's socket. Returns false if the place is CTL_PLACE_USER and
 * $XDG_RUNTIME_DIR is not set or no absolute path, or if the path is too long.
 */
bool ctl_socket_path(enum ctl_place place, unsigned int connection, char path[CTL_PATH_MAX]);

/* dead.c: removes the sockets of dead processes whose views are in no mount of this namespace. */
void ctl_remove_dead(void);

/* Connects to the socket at path. Returns a new non-blocking descriptor, or -errno. */
int ctl_socket_connect(const char *path);
