/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Where the control sockets of views are, and how to connect to one. */
#include "ctl/proto.h"

#include <stdbool.h>

/*
 * Where views listen: /run/penstock, or, where the process of a view may not write there (in a user
 * namespace), penstock/ in $XDG_RUNTIME_DIR. The kernel gives a connection number to one view at a
 * time, so at most one of the two sockets belongs to a living view.
 */
enum ctl_place {
	CTL_PLACE_RUN,
	CTL_PLACE_USER,
	_CTL_N_PLACES
};

/* Writes the name of a view's socket; false where the environment names no such place. */
bool ctl_socket_path(enum ctl_place place, unsigned int connection, char path[CTL_PATH_MAX]);

/* Connects to the socket at path: a descriptor, which does not block, or -errno. */
int ctl_socket_connect(const char *path);
