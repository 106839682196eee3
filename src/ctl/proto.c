// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ctl/proto.h"

#include <stdio.h>
#include <stdlib.h>

bool ctl_socket_path(enum ctl_place place, unsigned int connection, char path[CTL_PATH_MAX])
{
	const char *directory = place == CTL_PLACE_RUN ? "/run" : getenv("XDG_RUNTIME_DIR");

	/* A relative name means something else to each process. */
	if (!directory || directory[0] != '/')
		return false;
	return snprintf(path, CTL_PATH_MAX, "%s/penstock/%u.sock", directory, connection) <
	       CTL_PATH_MAX;
}
