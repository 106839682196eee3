// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of the answer of pst_probe(). No locks: a probe belongs to one thread. */
#include "probe/row.h"

#include <penstock/penstock.h>

#include <stdarg.h>
#include <stdio.h>
#include <sys/utsname.h>

void probe_row(struct probe *probe, const char *name, bool on, const char *format, ...)
{
	struct pst_probe *row;
	va_list args;

	if (probe->n_rows++ >= probe->room)
		return;
	row = &probe->rows[probe->n_rows - 1];
	row->name = name;
	row->on = on;
	va_start(args, format);
	vsnprintf(row->why, sizeof(row->why), format, args);
	va_end(args);
}

bool probe_kernel_is(unsigned int major, unsigned int minor)
{
	unsigned int kernel_major = 0, kernel_minor = 0;
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &kernel_major, &kernel_minor) != 2)
		return false;
	return kernel_major > major || (kernel_major == major && kernel_minor >= minor);
}
